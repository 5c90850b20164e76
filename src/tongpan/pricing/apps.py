from django.apps import AppConfig


class PricingConfig(AppConfig):
    name = "tongpan.pricing"
    label = "pricing"
