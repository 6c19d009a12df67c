"""Handlers for signals of the staff accounts."""

from django.db import transaction
from django.dispatch import receiver

from customers import history
from customers.models import Event
from oauth.signals import password_reset_sent


@receiver(password_reset_sent)
@transaction.atomic
def record_password_reset(sender, user, by, **kwargs):
    history.record([history.event(user.pk, Event.Kind.PASSWORD_RESET_SENT, by)])
