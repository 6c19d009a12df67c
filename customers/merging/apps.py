from django.apps import AppConfig


class MergingConfig(AppConfig):
    name = "customers.merging"
    label = "merging"
    verbose_name = "Merging customers"

    def ready(self):
        from customers import ownership
        from customers.merging import duplicates
        from customers.merging.models import MatchKey

        ownership.register(ownership.DroppedRows(MatchKey), *duplicates.ROWS)
