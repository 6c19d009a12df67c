from django.apps import AppConfig


class BulkConfig(AppConfig):
    name = "customers.bulk"
    label = "bulk"
    verbose_name = "Many at once"
