"""Groups and their permissions, from what each app declares in its AppConfig."""

from types import SimpleNamespace

from django.apps import apps
from django.apps.registry import Apps
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from django.db import DEFAULT_DB_ALIAS

from oauth.accounts.roles import Role, apply_role_permissions

DECLARING = [config for config in apps.get_app_configs() if hasattr(config, "role_permissions")]


def permissions_of(role: str, app_label: str) -> set[str]:
    granted = Group.objects.get(name=role).permissions.filter(content_type__app_label=app_label)
    return set(granted.values_list("codename", flat=True))


def test_every_declared_permission_and_role_exists(db):
    unknown = {
        f"{config.label}: {role}, {codename}"
        for config in DECLARING
        for role, codenames in config.role_permissions.items()
        for codename in codenames
        if role not in Role.values
        or not Permission.objects.filter(content_type__app_label=config.label, codename=codename).exists()
    }

    assert not unknown


def test_each_role_may_do_what_the_roles_before_it_may_do(db):
    for config in DECLARING:
        allowed: set[str] = set()
        for role in Role:
            allowed |= set(config.role_permissions.get(role.value, ()))
            assert permissions_of(role, config.label) == allowed, (config.label, role)


def test_migrate_restores_declared_permissions_and_removes_others(db):
    viewer = Group.objects.get(name=Role.VIEWER)
    before = permissions_of(Role.VIEWER, "customers")
    viewer.permissions.set(Permission.objects.filter(codename="erase_customer"))
    Group.objects.get(name=Role.STAFF).delete()

    call_command("migrate", verbosity=0)

    assert permissions_of(Role.VIEWER, "customers") == before
    assert "change_customer" in permissions_of(Role.STAFF, "customers")


def test_roles_keep_permissions_of_apps_that_declare_nothing(db):
    foreign = Permission.objects.get(codename="view_logentry")
    viewer = Group.objects.get(name=Role.VIEWER)
    viewer.permissions.add(foreign)

    call_command("migrate", verbosity=0)

    assert foreign in viewer.permissions.all()


def test_roles_wait_for_the_tables_of_groups(db):
    app = SimpleNamespace(label="customers", role_permissions={"Viewer": ("view_customer",)})

    apply_role_permissions(app, using=DEFAULT_DB_ALIAS, apps=Apps())

    assert Group.objects.count() == len(Role)
