"""Handlers for signals of the staff accounts."""

from django.dispatch import receiver

from oauth.signals import staff_deactivated
from oauth.tokens import revoke_tokens_of_user


@receiver(staff_deactivated)
def revoke_tokens_of_deactivated_staff(sender, user, by, **kwargs):
    revoke_tokens_of_user(user, by)
