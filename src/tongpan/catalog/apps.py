from django.apps import AppConfig


class CatalogConfig(AppConfig):
    name = "tongpan.catalog"
    label = "catalog"
