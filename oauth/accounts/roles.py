"""What each role may do: groups, made from what each app declares."""

from django.apps import AppConfig
from django.contrib.auth.models import Group, Permission
from django.db import models


class Role(models.TextChoices):
    """Names of groups, from the least to the most power. Each role may do what the roles before it may do."""

    VIEWER = "Viewer"
    STAFF = "Staff"
    OWNER = "Owner"


def apply_role_permissions(sender: AppConfig, using: str, **kwargs):
    """Gives each role the permissions that the app declares in its AppConfig, and takes away all others of the app.

    `role_permissions` maps a role to codenames of the app's permissions, such as "view_customer".
    """
    declared = getattr(sender, "role_permissions", None)
    if declared is None:
        return
    permissions = Permission.objects.using(using).filter(content_type__app_label=sender.label)
    allowed: set[str] = set()
    for role in Role:
        allowed |= set(declared.get(role.value, ()))
        group, _ = Group.objects.using(using).get_or_create(name=role.value)
        group.permissions.remove(*permissions.exclude(codename__in=allowed))
        group.permissions.add(*permissions.filter(codename__in=allowed))
