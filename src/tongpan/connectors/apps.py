from django.apps import AppConfig


class ConnectorsConfig(AppConfig):
    name = "tongpan.connectors"
    label = "connectors"
