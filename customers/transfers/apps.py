from django.apps import AppConfig


class TransfersConfig(AppConfig):
    name = "customers.transfers"
    label = "transfers"
