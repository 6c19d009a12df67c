from django.apps import AppConfig
from django.db.backends.signals import connection_created


def lower_all_letters(connection, **kwargs):
    """SQLite's own LOWER() changes ASCII letters only. PostgreSQL's changes all letters, and so does this one."""
    if connection.vendor == "sqlite":
        connection.connection.create_function("LOWER", 1, lambda text: text and text.lower(), deterministic=True)


class CustomersConfig(AppConfig):
    name = "customers"
    role_permissions = {
        "Viewer": ("view_customer",),
        "Staff": ("add_customer", "change_customer", "export_customer", "import_customer"),
        "Owner": ("erase_customer", "view_staffmember", "add_staffmember", "change_staffmember"),
    }
    section_permissions = {
        "customers": {"view": ("view_customer",), "edit": ("add_customer", "change_customer")},
        "files": {"view": ("export_customer",), "edit": ("import_customer",)},
        "staff": {"view": ("view_staffmember",), "edit": ("add_staffmember", "change_staffmember")},
    }

    def ready(self):
        from customers import signal_handlers  # noqa: F401  imported to connect its signal handlers

        connection_created.connect(lower_all_letters)
