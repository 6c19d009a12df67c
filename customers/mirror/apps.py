from django.apps import AppConfig


class MirrorConfig(AppConfig):
    name = "customers.mirror"
    verbose_name = "Mirrored stores"
    role_permissions = {
        "Owner": ("view_followedstore", "view_receivedevent"),
    }

    def ready(self):
        from customers.mirror import signal_handlers  # noqa: F401  imported to connect its signal handlers
