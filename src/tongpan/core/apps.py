from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "tongpan.core"
    label = "core"
