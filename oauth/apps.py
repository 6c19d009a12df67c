from django.apps import AppConfig


class OAuthConfig(AppConfig):
    name = "oauth"
    verbose_name = "Apps and API tokens"
    role_permissions = {
        "Owner": (
            "view_privateapp",
            "add_privateapp",
            "change_privateapp",
            "view_partnerapp",
            "add_partnerapp",
            "change_partnerapp",
        ),
    }
    section_permissions = {
        "apps": {
            "view": ("view_privateapp", "view_partnerapp"),
            "edit": ("add_privateapp", "change_privateapp", "add_partnerapp", "change_partnerapp"),
        },
    }

    def ready(self):
        from oauth import signal_handlers  # noqa: F401  imported to connect its signal handlers
