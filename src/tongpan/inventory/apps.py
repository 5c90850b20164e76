from django.apps import AppConfig


class InventoryConfig(AppConfig):
    name = "tongpan.inventory"
    label = "inventory"
