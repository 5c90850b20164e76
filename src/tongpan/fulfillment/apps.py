from django.apps import AppConfig


class FulfillmentConfig(AppConfig):
    name = "tongpan.fulfillment"
    label = "fulfillment"
