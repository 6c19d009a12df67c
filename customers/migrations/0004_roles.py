"""Who may do what in the dashboard, as groups."""

from django.contrib.auth.management import create_permissions
from django.db import migrations

LOOK = [
    "customers.view_customer",
    "definitions.view_definition",
    "groups.view_customergroup",
    "orders.view_order",
    "orders.view_subscription",
]
EDIT = [
    *LOOK,
    "customers.add_customer",
    "customers.change_customer",
    "customers.export_customer",
    "customers.import_customer",
    "groups.add_customergroup",
    "groups.change_customergroup",
    "orders.add_order",
    "orders.change_order",
    "orders.add_subscription",
    "orders.change_subscription",
]
EVERYTHING = [
    *EDIT,
    "customers.erase_customer",
    "customers.view_staffmember",
    "customers.add_staffmember",
    "customers.change_staffmember",
    "definitions.add_definition",
    "definitions.change_definition",
    "definitions.delete_definition",
    "following.view_followedstore",
    "following.view_receivedevent",
    "oauth.view_privateapp",
    "oauth.add_privateapp",
    "oauth.change_privateapp",
    "oauth.view_partnerapp",
    "oauth.add_partnerapp",
    "oauth.change_partnerapp",
    "oauth.view_auditevent",
    "webhooks.view_webhook",
    "webhooks.add_webhook",
    "webhooks.change_webhook",
    "webhooks.delete_webhook",
    "webhooks.view_delivery",
    "webhooks.change_delivery",
]
ROLES = {"Owner": EVERYTHING, "Staff": EDIT, "Viewer": LOOK}


def forwards(apps, schema_editor):
    # Permissions are otherwise made when all migrations are done.
    for app in apps.get_app_configs():
        if app.label in ("customers", "definitions", "following", "groups", "orders", "oauth", "webhooks"):
            app.models_module = True
            create_permissions(app, apps=apps, verbosity=0)
            app.models_module = None
    permissions = {
        f"{permission.content_type.app_label}.{permission.codename}": permission
        for permission in apps.get_model("auth", "Permission").objects.select_related("content_type")
    }
    for name, allowed in ROLES.items():
        group, _ = apps.get_model("auth", "Group").objects.get_or_create(name=name)
        group.permissions.set(permissions[each] for each in allowed)


def backwards(apps, schema_editor):
    apps.get_model("auth", "Group").objects.filter(name__in=ROLES).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("customers", "0003_per_database"),
        ("oauth", "0002_append_only"),
        ("definitions", "0001_initial"),
        ("following", "0001_initial"),
        ("groups", "0001_initial"),
        ("orders", "0001_initial"),
        ("webhooks", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    operations = [migrations.RunPython(forwards, backwards)]
