"""Handlers for signals of the staff accounts."""

from django.db import transaction
from django.dispatch import receiver

from customers import services
from customers.models import Event
from oauth.signals import password_reset_sent


@receiver(password_reset_sent)
@transaction.atomic
def record_password_reset(sender, user, by, **kwargs):
    services.record(user, Event.Kind.PASSWORD_RESET_SENT, by)
