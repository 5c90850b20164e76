from django.apps import AppConfig


class NetworkConfig(AppConfig):
    name = "tongpan.network"
    label = "network"
