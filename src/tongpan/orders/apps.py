from django.apps import AppConfig


class OrdersConfig(AppConfig):
    name = "tongpan.orders"
    label = "orders"
