from django.apps import AppConfig


class DefinitionsConfig(AppConfig):
    name = "customers.definitions"
    label = "definitions"
    verbose_name = "Metadata definitions"
