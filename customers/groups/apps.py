from django.apps import AppConfig


class GroupsConfig(AppConfig):
    name = "customers.groups"
    label = "groups"
    verbose_name = "Customer groups"
    role_permissions = {
        "Viewer": ("view_customergroup",),
        "Staff": ("add_customergroup", "change_customergroup"),
    }
