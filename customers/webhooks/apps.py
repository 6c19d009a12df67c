from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    name = "customers.webhooks"
    verbose_name = "Webhooks"
    role_permissions = {
        "Owner": (
            "view_webhook",
            "add_webhook",
            "change_webhook",
            "delete_webhook",
            "view_delivery",
            "change_delivery",
        ),
    }
    section_permissions = {
        "webhooks": {
            "view": ("view_webhook", "view_delivery"),
            "edit": ("add_webhook", "change_webhook", "delete_webhook", "change_delivery"),
        },
    }

    def ready(self):
        from customers import history
        from customers.webhooks import outbox, signal_handlers  # noqa: F401  imported to connect its signal handlers
        from customers.webhooks.delivery import outcomes  # noqa: F401  imported to register its kind of email

        history.register_outbox(outbox)
