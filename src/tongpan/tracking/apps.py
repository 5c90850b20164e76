from django.apps import AppConfig


class TrackingConfig(AppConfig):
    name = "tongpan.tracking"
    label = "tracking"
