"""Who may enter the dashboard, and in which role. One call is one transaction, and leaves a line in the security log.

A superuser is an owner, too. There is always an active owner, and nobody locks themselves out.
"""

import logging

from django.contrib.auth.models import Group
from django.db import IntegrityError, models, transaction
from django.http import HttpRequest

from customers import insertion, validation
from customers.models import StaffMember, User, UserType
from oauth import tokens
from oauth.accounts import passwords, sessions, two_factor
from oauth.accounts.roles import Role
from oauth.actor import Actor
from oauth.audit.log import Event, record
from oauth.errors import ServiceError

EMAIL_TEMPLATE = "accounts/invitation_email.txt"
SUBJECT_TEMPLATE = "accounts/invitation_subject.txt"

logger = logging.getLogger(__name__)


class InvitationForm(passwords.ResetForm):
    def get_users(self, email):
        return StaffMember.objects.filter(email__lower=email.lower(), is_active=True)


def role_of(member: User) -> Role | None:
    if member.is_superuser:
        return Role.OWNER
    names = {group.name for group in member.groups.all()}
    return next((role for role in Role if role in names), None)


def owners() -> models.QuerySet[StaffMember]:
    """Active owners. A superuser is an owner, too."""
    is_owner = models.Q(is_superuser=True) | models.Q(groups__name=Role.OWNER)
    return StaffMember.objects.filter(is_owner, is_active=True).distinct()


@transaction.atomic
def invite(*, email: str, role: Role, first_name: str = "", last_name: str = "", by: Actor) -> StaffMember:
    """A new member without a password; `send_invitation` lets them choose one.

    Raises ServiceError: an email that is taken makes nobody a member of staff.
    """
    email = validation.clean_email(email)
    taken = User.objects.filter(email__lower=email.lower()).first()
    if taken and taken.is_staff:
        raise ServiceError("There is a member of staff with this email.", "email")
    if taken:
        raise ServiceError(
            "A customer has this email, and does not become staff by it. Invite another email address.", "email"
        )
    member = StaffMember(
        email=email,
        first_name=validation.clean_name(first_name),
        last_name=validation.clean_name(last_name),
        user_type=UserType.DASHBOARD,
    )
    member.set_unusable_password()
    try:
        with transaction.atomic():
            member.save(force_insert=True)
    except IntegrityError as error:
        if insertion.is_email_conflict(error):  # taken since we looked
            raise validation.EmailTaken from None
        raise
    member.groups.set([Group.objects.get(name=role)])
    record(Event.STAFF_INVITED, by, member=member.email, role=role)
    return member


def send_invitation(member: User, request: HttpRequest) -> None:
    """A link to choose a password by, which works for three days. Raises ServiceError("email")."""
    form = InvitationForm({"email": member.email})
    try:
        if not form.is_valid():
            raise ValueError(form.errors.as_json())
        form.save(
            request=request,
            use_https=request.is_secure(),
            subject_template_name=SUBJECT_TEMPLATE,
            email_template_name=EMAIL_TEMPLATE,
        )
    except (OSError, ValueError):
        logger.exception("No invitation for member of staff %s", member.pk)
        raise ServiceError("The invitation could not be sent. Send it again later.", "email") from None


@transaction.atomic
def change_role(member_id: int, role: Role, *, by: Actor) -> None:
    """Raises StaffMember.DoesNotExist, ServiceError("role") where no owner would be left."""
    member = _locked(member_id)
    former = role_of(member)
    if former == role:
        return
    if former == Role.OWNER:
        _keep_an_owner_besides(member, "role")
    member.is_superuser = False
    member.save(update_fields=["is_superuser"])
    member.groups.set([Group.objects.get(name=role)])
    record(Event.STAFF_CHANGED, by, member=member.email, role=[former, role])


@transaction.atomic
def rename(member_id: int, *, first_name: str, last_name: str, by: Actor) -> None:
    """Raises StaffMember.DoesNotExist."""
    member = _locked(member_id)
    names = (validation.clean_name(first_name), validation.clean_name(last_name))
    if names != (member.first_name, member.last_name):
        member.first_name, member.last_name = names
        member.save(update_fields=["first_name", "last_name"])
        record(Event.STAFF_CHANGED, by, member=member.email, name=member.get_full_name())


@transaction.atomic
def deactivate(member_id: int, *, by: Actor) -> None:
    """They can't sign in any more; their sessions and tokens end at once, and don't come back with them.

    Raises StaffMember.DoesNotExist, ServiceError for oneself and where no owner would be left.
    """
    member = _locked(member_id)
    if not member.is_active:
        return
    if (member.email or "").lower() == by.email.lower():
        raise ServiceError("You can't deactivate yourself.")
    if role_of(member) == Role.OWNER:
        _keep_an_owner_besides(member)
    member.is_active = False
    member.save(update_fields=["is_active"])
    record(Event.STAFF_CHANGED, by, member=member.email, is_active=[True, False])
    sessions.end_sessions(member, by)
    tokens.revoke_tokens_of(member, by)


@transaction.atomic
def reactivate(member_id: int, *, by: Actor) -> None:
    """Raises StaffMember.DoesNotExist."""
    member = _locked(member_id)
    if not member.is_active:
        member.is_active = True
        member.save(update_fields=["is_active"])
        record(Event.STAFF_CHANGED, by, member=member.email, is_active=[False, True])


def sign_out(member: User, *, by: Actor) -> None:
    """Everywhere."""
    sessions.end_sessions(member, by)


def forget_second_factor(member: User, *, by: Actor) -> None:
    """For who has lost the phone and the recovery codes."""
    two_factor.switch_off(member, by)


def _locked(member_id: int) -> StaffMember:
    """With all others, so that two owners can't take the role from each other at the same time."""
    members = {member.pk: member for member in StaffMember.objects.select_for_update().order_by("pk")}
    if member_id not in members:
        raise StaffMember.DoesNotExist
    return members[member_id]


def _keep_an_owner_besides(member: StaffMember, *path: str) -> None:
    if member.is_active and not owners().exclude(pk=member.pk).exists():
        raise ServiceError("The store needs an active owner: make somebody else one first.", *path)
