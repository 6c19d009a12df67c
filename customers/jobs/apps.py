from django.apps import AppConfig


class JobsConfig(AppConfig):
    name = "customers.jobs"
    verbose_name = "Imports and exports"
