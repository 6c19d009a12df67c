"""Who may enter the dashboard, and in which role. Each change is one transaction with its entry in the security log.

A superuser is an owner, too. There is always an active owner, nobody can deactivate themselves, and nobody gives a role
that may do more than they may, or changes somebody who has one.
"""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.db import models, transaction
from django.http import HttpRequest
from django.template.loader import render_to_string

from oauth.accounts import mail, passwords, sessions, two_factor
from oauth.accounts.models import StaffRole
from oauth.accounts.roles import Role, is_less
from oauth.actor import Actor
from oauth.audit.log import Event, record
from oauth.email_addresses import check_email, email_key
from oauth.errors import ServiceError
from oauth.signals import staff_deactivated, staff_demoted
from oauth.store import store_origin

EMAIL_TEMPLATE = "accounts/invitation_email.txt"
SUBJECT_TEMPLATE = "accounts/invitation_subject.txt"


class Invitation(mail.EmailKind):
    """`Email.details`: `origin` of the links. `Email.about`: the id of the member."""

    key = "invitation"

    def write(self, email, user):
        if not user.is_staff:
            return None
        context = passwords.link_context(user, email.details["origin"])
        return render_to_string(SUBJECT_TEMPLATE, context), render_to_string(EMAIL_TEMPLATE, context)


INVITATION = Invitation()
mail.register(INVITATION)


def role_of(member: Any) -> str | None:
    """A built-in Role, or the name of one of the store's own."""
    if member.is_superuser:
        return Role.OWNER
    names = {group.name for group in member.groups.all()}
    return next((role for role in Role if role in names), None) or min(names, default=None)


def may_give(giver: Any, role: str | None) -> bool:
    """Whether the role may do nothing that the giver may not do."""
    models.prefetch_related_objects([giver], "groups")  # a page asks once for each role and each action
    if role is None or role_of(giver) == Role.OWNER:
        return True
    if role == Role.OWNER:
        return False
    pairs = Permission.objects.filter(group__name=role).values_list("content_type__app_label", "codename")
    return {f"{label}.{codename}" for label, codename in pairs} <= giver.get_all_permissions()


def roles() -> list[str]:
    """Names: of the built-in roles, then of the store's own."""
    own = Group.objects.exclude(name__in=Role.values).order_by("name").values_list("name", flat=True)
    return [*Role.values, *own]


def roles_to_give(giver: Any) -> list[str]:
    return [role for role in roles() if may_give(giver, role)]


def require_power(by: Actor, role: str | None, *path: str) -> None:
    """Raises ServiceError(*path) for a role that may do more than `by`. SYSTEM may do all."""
    if by.user_id and not may_give(get_user_model()._default_manager.get(pk=by.user_id), role):
        raise ServiceError(f"{role} may do more than you may.", *path)


def limit_of(role: str | None) -> str:
    """The scopes of tokens of the role, separated by spaces."""
    return StaffRole.objects.filter(group__name=role).values_list("scopes", flat=True).first() or ""


def has_role(*roles: str) -> models.Q:
    """Filters people who have one of these roles."""
    has = models.Q(groups__name__in=roles)
    return has | models.Q(is_superuser=True) if Role.OWNER in roles else has


def members_with(*roles: str) -> models.QuerySet[Any]:
    return _members().filter(has_role(*roles)).distinct()


def owners() -> models.QuerySet[Any]:
    """Active owners."""
    return members_with(Role.OWNER).filter(is_active=True)


@transaction.atomic
def invite(*, email: str, role: str, first_name: str = "", last_name: str = "", by: Actor) -> Any:
    """Creates a member without a password, who chooses one by the link that `send_invitation` sends.

    Raises ServiceError where the email is taken, a customer does not become a member of staff, and for a role that may
    do more than `by`.
    """
    require_power(by, role, "role")
    users: Any = get_user_model()._default_manager
    holder = users.with_email(email).first()
    if holder and holder.is_staff:
        raise ServiceError("There is a member of staff with this email.", "email")
    if holder:
        raise ServiceError("A customer has this email. Invite another email address.", "email")
    member = users.create_staff(email, first_name=first_name, last_name=last_name)
    member.groups.set([_locked_group(role)])
    record(Event.STAFF_INVITED, by, member=member.email, role=role)
    return member


def send_invitation(member: Any, request: HttpRequest) -> None:
    """Queues an email with a link to choose a password, which works for three days. Raises ServiceError("email")."""
    check_email(member.email)
    mail.queue(INVITATION, member.email, about=member.pk, origin=store_origin(request))


@transaction.atomic
def change_role(member_id: int, role: str, *, by: Actor) -> None:
    """Tokens of the member may do at most what the new role may do, from the next request on.

    Raises User.DoesNotExist, ServiceError("role") where no owner would be left or a role may do more than `by`.
    """
    member = _locked(member_id, by)
    former = role_of(member)
    if former == role:
        return
    require_power(by, role, "role")
    if former == Role.OWNER:
        _require_another_owner(member, "role")
    member.is_superuser = False
    member.save(update_fields=["is_superuser"])
    member.groups.set([_locked_group(role)])
    record(Event.STAFF_CHANGED, by, member=member.email, role=[former, role])
    if two_factor.must_be_set_up(member):
        sessions.end_sessions(member, by)  # Medusa's would not ask for it
    if is_less(limit_of(role), limit_of(former)):
        staff_demoted.send(change_role, user=member, role=role, by=by)


@transaction.atomic
def rename(member_id: int, *, first_name: str, last_name: str, by: Actor) -> None:
    """Raises User.DoesNotExist, ServiceError for an invalid name."""
    member = _locked(member_id, by)
    names = (member.normalize_name(first_name), member.normalize_name(last_name, "last_name"))
    if names != (member.first_name, member.last_name):
        member.first_name, member.last_name = names
        member.save(update_fields=["first_name", "last_name"])
        record(Event.STAFF_CHANGED, by, member=member.email, name=member.get_full_name())


@transaction.atomic
def deactivate(member_id: int, *, by: Actor) -> None:
    """The member can't sign in any more. Their sessions and tokens end at once, and stay ended after `reactivate`.

    Raises User.DoesNotExist, ServiceError for oneself and where no owner would be left.
    """
    member = _locked(member_id, by)
    if not member.is_active:
        return
    if member.email and email_key(member.email) == email_key(by.email):
        raise ServiceError("You can't deactivate yourself.")
    if role_of(member) == Role.OWNER:
        _require_another_owner(member)
    member.is_active = False
    member.save(update_fields=["is_active"])
    record(Event.STAFF_CHANGED, by, member=member.email, is_active=[True, False])
    _end_access(member, by)


@transaction.atomic
def reactivate(member_id: int, *, by: Actor) -> None:
    """Raises User.DoesNotExist."""
    member = _locked(member_id, by)
    if not member.is_active:
        _end_access(member, by)  # also where they were deactivated in another way than by `deactivate`
        member.is_active = True
        member.save(update_fields=["is_active"])
        record(Event.STAFF_CHANGED, by, member=member.email, is_active=[False, True])


def _end_access(member: Any, by: Actor) -> None:
    sessions.end_sessions(member, by)
    staff_deactivated.send(deactivate, user=member, by=by)


def sign_out(member: Any, *, by: Actor) -> None:
    """Ends all sessions of the member."""
    require_power(by, role_of(member))
    sessions.end_sessions(member, by)


def switch_off_two_factor(member: Any, *, by: Actor) -> None:
    """For a member who has lost both the phone and the recovery codes."""
    require_power(by, role_of(member))
    two_factor.switch_off(member, by)


@transaction.atomic
def require_two_factor(roles: Iterable[str], *, by: Actor, keep: str | None = None) -> int:
    """Makes these roles, and no others, require two-factor sign-in.

    Members who newly have to set it up are signed out everywhere, since their sessions began with a password alone.
    `keep`: the digest of a session that stays. Returns how many members have to set it up.
    """
    added = two_factor.require_of(roles, by)
    members = members_with(*added).filter(is_active=True).exclude(two_factor__is_on=True)
    for member in members:
        sessions.end_sessions(member, by, keep=keep)
    return len(members)


def _members() -> models.QuerySet[Any]:
    return get_user_model()._default_manager.filter(is_staff=True)


def _locked_group(role: str) -> Group:
    """Locked, so that the role is not deleted at the same time. Raises ServiceError("role")."""
    group = Group.objects.select_for_update().filter(name=role).first()
    if group is None:
        raise ServiceError("There is no such role.", "role")
    return group


def _locked(member_id: int, by: Actor) -> Any:
    """The member. Locks all of them, so that two owners can't take the role from each other at the same time."""
    members = {member.pk: member for member in _members().select_for_update().order_by("pk")}
    if member_id not in members:
        raise get_user_model().DoesNotExist
    require_power(by, role_of(members[member_id]))
    return members[member_id]


def _require_another_owner(member: Any, *path: str) -> None:
    if member.is_active and not owners().exclude(pk=member.pk).exists():
        raise ServiceError("The store needs an active owner: make somebody else an owner first.", *path)
