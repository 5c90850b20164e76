from django.apps import AppConfig


class AccessConfig(AppConfig):
    name = "tongpan.access"
    label = "access"
