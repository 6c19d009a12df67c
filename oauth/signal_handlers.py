"""Handlers for signals of the staff accounts."""

from django.dispatch import receiver

from oauth.audit.log import Event, record
from oauth.signals import staff_deactivated, staff_demoted
from oauth.tokens import apps_with_tokens_of, revoke_tokens_of_user


@receiver(staff_deactivated)
def revoke_tokens_of_deactivated_staff(sender, user, by, **kwargs):
    revoke_tokens_of_user(user, by)


@receiver(staff_demoted)
def record_limited_tokens(sender, user, role, by, **kwargs):
    """Nothing else is to be done: each use of a token looks at the role of its owner."""
    for app in apps_with_tokens_of(user):
        record(Event.TOKEN_LIMITED, by, app, owner=user.email, role=role)
