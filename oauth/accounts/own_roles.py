"""A store's own roles, made of sections. Each function is one transaction with its entry in the security log."""

from collections.abc import Mapping

from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.db import models, transaction

from oauth.accounts.models import StaffRole
from oauth.accounts.roles import declared_codenames, is_less
from oauth.accounts.sections import SECTIONS, Level, scopes_of_levels
from oauth.accounts.staff import members_with, require_power
from oauth.actor import Actor
from oauth.audit.log import Event, record
from oauth.errors import ServiceError
from oauth.signals import staff_demoted
from oauth.text import clean_title

MAX_NAME_LENGTH = 50
MAX_ROLES = 50


@transaction.atomic
def create_role(*, name: str, levels: Mapping[str, str], by: Actor) -> StaffRole:
    """`levels`: a Level by the key of a section; a section that is missing is closed.

    Raises ServiceError for a name that is taken, for levels that do not fit together, and for what `by` does not have.
    """
    group = Group(name=_checked_name(name))
    if Group.objects.count() >= MAX_ROLES:
        raise ServiceError(f"A store has at most {MAX_ROLES} roles.")
    group.save()
    role = StaffRole(group=group, **_columns(levels))
    role.save(force_insert=True)
    _set_permissions(role, by)
    record(Event.ROLE_CREATED, by, role=group.name, sections=role.levels)
    return role


@transaction.atomic
def update_role(role_id: int, *, name: str, levels: Mapping[str, str], by: Actor) -> StaffRole:
    """It holds for its members, and for their tokens, from the next request on.

    Raises StaffRole.DoesNotExist, and ServiceError as `create_role` does.
    """
    role = _locked(role_id)
    require_power(by, role.group.name)
    former_name, former_levels, former_scopes = role.group.name, role.levels, role.scopes
    role.group.name = _checked_name(name, role.group)
    role.group.save(update_fields=["name"])
    for column, value in _columns(levels).items():
        setattr(role, column, value)
    role.save()
    _set_permissions(role, by)
    if (former_name, former_levels) != (role.group.name, role.levels):
        record(Event.ROLE_CHANGED, by, role=[former_name, role.group.name], sections=[former_levels, role.levels])
    if is_less(role.scopes, former_scopes):
        for member in members_with(role.group.name):
            staff_demoted.send(update_role, user=member, role=role.group.name, by=by)
    return role


@transaction.atomic
def delete_role(role_id: int, *, by: Actor) -> None:
    """Raises StaffRole.DoesNotExist, and ServiceError while somebody has the role."""
    role = _locked(role_id)
    require_power(by, role.group.name)
    if members := role.group.user_set.count():
        people = "1 person has" if members == 1 else f"{members} people have"
        raise ServiceError(f"{people} this role. Give them another role first.")
    record(Event.ROLE_DELETED, by, role=role.group.name)
    role.group.delete()


def _locked(role_id: int) -> StaffRole:
    """An own role. Built-in roles are declared in code."""
    role = StaffRole.objects.select_related("group").get(pk=role_id)
    Group.objects.select_for_update().get(pk=role.group_id)
    if role.is_built_in:
        raise ServiceError("Built-in roles can't be changed.")
    return role


def _checked_name(name: str, group: Group | None = None) -> str:
    name = clean_title(name, MAX_NAME_LENGTH, "name")
    others = Group.objects.exclude(pk=group.pk if group else 0).values_list("name", flat=True)
    if name.casefold() in {other.casefold() for other in others}:
        raise ServiceError("There is already a role with this name.", "name")
    return name


def _columns(levels: Mapping[str, str]) -> dict[str, object]:
    given = {key: Level(levels.get(key, Level.NONE)) for key in SECTIONS}
    for key, level in given.items():
        section = SECTIONS[key]
        if level not in section.levels:
            raise ServiceError(f"{section.label} can't be edited.", key)
        for needed in section.needs if level != Level.NONE else ():
            if given[needed] == Level.NONE:
                raise ServiceError(f"This shows {SECTIONS[needed].label}: give at least View there, too.", key)
    opened = {key: level.value for key, level in given.items() if level != Level.NONE}
    if not opened:
        raise ServiceError("Open at least one section.")
    return {"levels": opened, "scopes": " ".join(scopes_of_levels(opened))}


def _set_permissions(role: StaffRole, by: Actor) -> None:
    wanted = models.Q(pk__in=())
    for app in apps.get_app_configs():
        if codenames := declared_codenames(app, role.group.name, role.levels):
            wanted |= models.Q(content_type__app_label=app.label, codename__in=codenames)
    role.group.permissions.set(Permission.objects.filter(wanted))
    require_power(by, role.group.name)
