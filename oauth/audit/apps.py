from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "oauth.audit"
    verbose_name = "Security log"
    role_permissions = {
        "Owner": ("view_auditevent",),
    }
    section_permissions = {
        "log": {"view": ("view_auditevent",)},
    }
