"""The roles of staff. Each is a group, whose permissions every app declares in its AppConfig.

Three are built in. A store's own roles are made of sections, by `oauth.accounts.own_roles`.
"""

from collections.abc import Collection
from functools import lru_cache
from typing import Any

from django.apps import AppConfig, apps
from django.db import models

from oauth.accounts.sections import Level
from oauth.scopes import Scope, grants


class Role(models.TextChoices):
    """The built-in roles: names of groups, from the least to the most power. Each may do what those before it may."""

    VIEWER = "Viewer"
    STAFF = "Staff"
    OWNER = "Owner"


# What a token may do at most while its owner has the role: what the role may do in the dashboard. An owner may do all.
VIEWER_SCOPES = (
    Scope.USERS_READ, Scope.ORDERS_READ, Scope.SUBSCRIPTIONS_READ, Scope.METADATA_READ, Scope.STORE_READ
)  # fmt: skip
STAFF_SCOPES = (Scope.USERS_WRITE, Scope.ORDERS_WRITE, Scope.SUBSCRIPTIONS_WRITE, Scope.EXPORTS_READ,
                Scope.EXPORTS_WRITE)  # fmt: skip
OWNER_SCOPES = (Scope.ADMIN_READ, Scope.ADMIN_WRITE)
ROLE_SCOPES = {
    Role.VIEWER: VIEWER_SCOPES, Role.STAFF: (*VIEWER_SCOPES, *STAFF_SCOPES), Role.OWNER: OWNER_SCOPES
}  # fmt: skip


@lru_cache(maxsize=1000)
def limited_scopes(scopes: str, of_role: str) -> frozenset[str]:
    """What is left of a token's scopes while its owner has a role. Both are separated by spaces; "": none are left."""
    granted = frozenset(scopes.split())
    allowed = [Scope(scope) for scope in of_role.split()]
    if set(OWNER_SCOPES) <= set(allowed):
        return granted
    return frozenset(scope for scope in allowed if grants(granted, scope))


def is_less(scopes: str, former: str) -> bool:
    """Whether tokens of a role with these scopes may do less than those of the former one."""
    every = " ".join(Scope)
    return bool(limited_scopes(every, former) - limited_scopes(every, scopes))


def apply_role_permissions(sender: AppConfig, using: str, apps: Any = apps, **kwargs: Any) -> None:
    """Gives each role the permissions that the app declares in its AppConfig, and takes away its others.

    `role_permissions` maps a built-in role's name to codenames of its permissions: {"Viewer": ("view_customer",)}.
    `section_permissions` does so for the store's own roles: see `oauth.accounts.sections`. An app that declares nothing
    is left alone. Runs after each migration.
    """
    if not hasattr(sender, "role_permissions"):
        return
    try:
        group_model, permission_model = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
        role_model = apps.get_model("accounts", "StaffRole")
    except LookupError:
        return  # the tables of roles are not migrated yet; a later run comes back here
    for role in Role:
        group, _ = group_model.objects.using(using).get_or_create(name=role.value)
        scopes = {"scopes": " ".join(ROLE_SCOPES[role]), "levels": {}}
        role_model.objects.using(using).update_or_create(group=group, defaults=scopes)
    permissions = permission_model.objects.using(using).filter(content_type__app_label=sender.label)
    for role in role_model.objects.using(using).select_related("group"):
        allowed = declared_codenames(sender, role.group.name, role.levels)
        role.group.permissions.remove(*permissions.exclude(codename__in=allowed))
        role.group.permissions.add(*permissions.filter(codename__in=allowed))


def declared_codenames(app: Any, name: str, levels: dict[str, str]) -> Collection[str]:
    """The permissions that an AppConfig declares for a built-in role, or for an own role with these levels."""
    if name in Role.values:
        roles = list(Role)[: Role.values.index(name) + 1]
        return {codename for role in roles for codename in app.role_permissions.get(role.value, ())}
    sections = getattr(app, "section_permissions", {})
    return {
        codename
        for key, level in levels.items()
        for each in Level(level).included
        for codename in sections.get(key, {}).get(each.value, ())
    }
