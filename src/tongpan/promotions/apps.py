from django.apps import AppConfig


class PromotionsConfig(AppConfig):
    name = "tongpan.promotions"
    label = "promotions"
