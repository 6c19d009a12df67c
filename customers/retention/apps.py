from django.apps import AppConfig
from django.core import checks


class RetentionConfig(AppConfig):
    name = "customers.retention"
    label = "retention"
    verbose_name = "Retention"

    def ready(self):
        from customers.retention.settings_check import check_days

        checks.register(check_days)
