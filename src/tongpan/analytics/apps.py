from django.apps import AppConfig


class AnalyticsConfig(AppConfig):
    name = "tongpan.analytics"
    label = "analytics"
