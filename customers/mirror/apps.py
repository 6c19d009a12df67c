from django.apps import AppConfig


class MirrorConfig(AppConfig):
    name = "customers.mirror"
    verbose_name = "Mirrored stores"
    role_permissions = {
        "Owner": ("view_mirroredstore", "view_receivedevent"),
    }

    def ready(self):
        from customers.jobs import registry
        from customers.mirror.pull import PULL

        registry.register(PULL)
