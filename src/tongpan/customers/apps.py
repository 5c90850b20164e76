from django.apps import AppConfig


class CustomersConfig(AppConfig):
    name = "tongpan.customers"
    label = "customers"
