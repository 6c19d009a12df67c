"""The roles of staff. Each is a group, whose permissions every app declares in its AppConfig."""

from typing import Any

from django.apps import AppConfig, apps
from django.db import models

from oauth.scopes import Scope, grants


class Role(models.TextChoices):
    """Names of groups, from the least to the most power. Each role may do what the roles before it may do."""

    VIEWER = "Viewer"
    STAFF = "Staff"
    OWNER = "Owner"


# What a token may do at most while its owner has the role: what the role may do in the dashboard. An owner may do all.
VIEWER_SCOPES = (
    Scope.USERS_READ, Scope.ORDERS_READ, Scope.SUBSCRIPTIONS_READ, Scope.METADATA_READ, Scope.STORE_READ
)  # fmt: skip
STAFF_SCOPES = (Scope.USERS_WRITE, Scope.ORDERS_WRITE, Scope.SUBSCRIPTIONS_WRITE, Scope.EXPORTS_READ,
                Scope.EXPORTS_WRITE)  # fmt: skip
ROLE_SCOPES = {None: (), Role.VIEWER: VIEWER_SCOPES, Role.STAFF: (*VIEWER_SCOPES, *STAFF_SCOPES)}


def scopes_of_role(role: Role | None, scopes: frozenset[str]) -> frozenset[str]:
    """What is left of `scopes` for a token whose owner has the role. None: no role, so nothing is left."""
    if role == Role.OWNER:
        return scopes
    return frozenset(scope for scope in ROLE_SCOPES[role] if grants(scopes, scope))


def least_role(scope: Scope) -> Role:
    """The role with the least power whose tokens may have the scope."""
    return next(role for role in Role if scope in scopes_of_role(role, frozenset([scope])))


def apply_role_permissions(sender: AppConfig, using: str, apps: Any = apps, **kwargs: Any) -> None:
    """Gives each role the permissions that the app declares in its AppConfig, and takes away its others.

    `role_permissions` maps a role's name to codenames of the app's permissions: {"Viewer": ("view_customer",)}. An app
    that declares nothing is left alone. Runs after each migration.
    """
    declared = getattr(sender, "role_permissions", None)
    if declared is None:
        return
    try:
        group_model, permission_model = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    except LookupError:
        return  # the tables of roles are not migrated yet; a later run comes back here
    permissions = permission_model.objects.using(using).filter(content_type__app_label=sender.label)
    allowed: set[str] = set()
    for role in Role:
        allowed |= set(declared.get(role.value, ()))
        group, _ = group_model.objects.using(using).get_or_create(name=role.value)
        group.permissions.remove(*permissions.exclude(codename__in=allowed))
        group.permissions.add(*permissions.filter(codename__in=allowed))
