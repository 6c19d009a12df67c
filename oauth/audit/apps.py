from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "oauth.audit"
    verbose_name = "Security log"
    role_permissions = {
        "Owner": ("view_auditevent",),
    }

    def ready(self):
        from oauth.audit import log  # noqa: F401  imported to connect its signal handlers
