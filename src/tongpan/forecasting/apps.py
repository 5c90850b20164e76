from django.apps import AppConfig


class ForecastingConfig(AppConfig):
    name = "tongpan.forecasting"
    label = "forecasting"
