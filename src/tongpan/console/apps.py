from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    name = "tongpan.console"
    label = "console"
