from django.apps import AppConfig


class RiskConfig(AppConfig):
    name = "tongpan.risk"
    label = "risk"
