from django.apps import AppConfig


class OAuthConfig(AppConfig):
    name = "oauth"
    verbose_name = "Apps and API access"

    def ready(self):
        from oauth import audit, protection, sign_ins  # noqa: F401  their receivers
