from django.apps import AppConfig


class PatrolConfig(AppConfig):
    name = "tongpan.pricing.patrol"
    label = "patrol"
