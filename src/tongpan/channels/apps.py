from django.apps import AppConfig


class ChannelsConfig(AppConfig):
    name = "tongpan.channels"
    label = "channels"
