from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    name = "customers.webhooks"
    label = "webhooks"
    verbose_name = "Webhooks"

    def ready(self):
        from customers.webhooks import receivers  # noqa: F401  of what apps do
