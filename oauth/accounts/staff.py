"""Who may enter the dashboard, and in which role. Each change is one transaction with its entry in the security log.

A superuser is an owner, too. There is always an active owner, and nobody can deactivate themselves.
"""

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import models, transaction
from django.http import HttpRequest
from django.template.loader import render_to_string

from oauth.accounts import mail, passwords, sessions, two_factor
from oauth.accounts.roles import Role
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


def role_of(member: Any) -> Role | None:
    if member.is_superuser:
        return Role.OWNER
    names = {group.name for group in member.groups.all()}
    return next((role for role in Role if role in names), None)


def owners() -> models.QuerySet[Any]:
    """Active owners. A superuser is an owner, too."""
    is_owner = models.Q(is_superuser=True) | models.Q(groups__name=Role.OWNER)
    return _members().filter(is_owner, is_active=True).distinct()


@transaction.atomic
def invite(*, email: str, role: Role, first_name: str = "", last_name: str = "", by: Actor) -> Any:
    """Creates a member without a password, who chooses one by the link that `send_invitation` sends.

    Raises ServiceError where the email is taken: a customer does not become a member of staff.
    """
    users: Any = get_user_model()._default_manager
    holder = users.with_email(email).first()
    if holder and holder.is_staff:
        raise ServiceError("There is a member of staff with this email.", "email")
    if holder:
        raise ServiceError("A customer has this email. Invite another email address.", "email")
    member = users.create_staff(email, first_name=first_name, last_name=last_name)
    member.groups.set([Group.objects.get(name=role)])
    record(Event.STAFF_INVITED, by, member=member.email, role=role)
    return member


def send_invitation(member: Any, request: HttpRequest) -> None:
    """Queues an email with a link to choose a password, which works for three days. Raises ServiceError("email")."""
    check_email(member.email)
    mail.queue(INVITATION, member.email, about=member.pk, origin=store_origin(request))


@transaction.atomic
def change_role(member_id: int, role: Role, *, by: Actor) -> None:
    """Tokens of the member may do at most what the new role may do, from the next request on.

    Raises User.DoesNotExist, ServiceError("role") where no owner would be left.
    """
    member = _locked(member_id)
    former = role_of(member)
    if former == role:
        return
    if former == Role.OWNER:
        _require_another_owner(member, "role")
    member.is_superuser = False
    member.save(update_fields=["is_superuser"])
    member.groups.set([Group.objects.get(name=role)])
    record(Event.STAFF_CHANGED, by, member=member.email, role=[former, role])
    if former and list(Role).index(role) < list(Role).index(former):
        staff_demoted.send(change_role, user=member, role=role, by=by)


@transaction.atomic
def rename(member_id: int, *, first_name: str, last_name: str, by: Actor) -> None:
    """Raises User.DoesNotExist, ServiceError for an invalid name."""
    member = _locked(member_id)
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
    member = _locked(member_id)
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
    member = _locked(member_id)
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
    sessions.end_sessions(member, by)


def switch_off_two_factor(member: Any, *, by: Actor) -> None:
    """For a member who has lost both the phone and the recovery codes."""
    two_factor.switch_off(member, by)


def _members() -> models.QuerySet[Any]:
    return get_user_model()._default_manager.filter(is_staff=True)


def _locked(member_id: int) -> Any:
    """The member. Locks all of them, so that two owners can't take the role from each other at the same time."""
    members = {member.pk: member for member in _members().select_for_update().order_by("pk")}
    if member_id not in members:
        raise get_user_model().DoesNotExist
    return members[member_id]


def _require_another_owner(member: Any, *path: str) -> None:
    if member.is_active and not owners().exclude(pk=member.pk).exists():
        raise ServiceError("The store needs an active owner: make somebody else an owner first.", *path)
