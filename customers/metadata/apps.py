from django.apps import AppConfig


class MetadataConfig(AppConfig):
    name = "customers.metadata"
    verbose_name = "Custom fields"
    role_permissions = {
        "Viewer": ("view_definition",),
        "Owner": ("add_definition", "change_definition", "delete_definition"),
    }
    section_permissions = {
        "fields": {"view": ("view_definition",), "edit": ("add_definition", "change_definition", "delete_definition")},
    }
