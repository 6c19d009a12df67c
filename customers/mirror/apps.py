from django.apps import AppConfig


class MirrorConfig(AppConfig):
    name = "customers.mirror"
    verbose_name = "Mirrored stores"
    role_permissions = {
        "Owner": ("view_mirroredstore", "view_receivedevent"),
    }
