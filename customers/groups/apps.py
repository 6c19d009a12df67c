from django.apps import AppConfig


class GroupsConfig(AppConfig):
    name = "customers.groups"
    label = "groups"
    verbose_name = "Customer groups"
    role_permissions = {
        "Viewer": ("view_customergroup",),
        "Staff": ("add_customergroup", "change_customergroup", "delete_customergroup"),
    }
    section_permissions = {
        "customers": {
            "view": ("view_customergroup",),
            "edit": ("add_customergroup", "change_customergroup", "delete_customergroup"),
        },
    }

    def ready(self):
        from customers import filters, ownership
        from customers.groups.services import Membership, members_of

        filters.register_filter("group", members_of)
        ownership.register(
            ownership.MovedRows(Membership, twin_key=lambda membership: membership.customergroup_id, label="groups")
        )
