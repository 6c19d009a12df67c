from django.apps import AppConfig


class MirrorConfig(AppConfig):
    name = "customers.mirror"
    verbose_name = "Mirrored stores"
    role_permissions = {
        "Owner": ("view_mirroredstore", "view_receivedevent"),
    }
    section_permissions = {
        "settings": {"view": ("view_mirroredstore", "view_receivedevent")},
    }

    def ready(self):
        from customers import ownership
        from customers.jobs import registry
        from customers.mirror import services
        from customers.mirror.pull import PULL

        registry.register(PULL)
        ownership.register_refusal(services.reason_against_merging)
