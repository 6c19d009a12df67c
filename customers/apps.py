from django.apps import AppConfig
from django.db.backends.signals import connection_created


def lower_all_letters(connection, **kwargs):
    """SQLite's LOWER() leaves every letter beyond ASCII alone; PostgreSQL's does not."""
    if connection.vendor == "sqlite":
        connection.connection.create_function("LOWER", 1, lambda text: text and text.lower(), deterministic=True)


class CustomersConfig(AppConfig):
    name = "customers"

    def ready(self):
        connection_created.connect(lower_all_letters)
