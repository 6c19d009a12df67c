from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AccountsConfig(AppConfig):
    name = "oauth.accounts"
    verbose_name = "Staff accounts"
    role_permissions = {
        "Owner": ("view_staffrole", "add_staffrole", "change_staffrole", "delete_staffrole"),
    }

    def ready(self):
        from oauth.accounts import lockout, signal_handlers  # noqa: F401  imported to connect their signal handlers
        from oauth.accounts.roles import apply_role_permissions

        # Connected here, not by a decorator: it has to run after Django's own handler, which creates the permissions.
        post_migrate.connect(apply_role_permissions)
