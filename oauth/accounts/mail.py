"""The outbox of emails, and the part of the worker that sends them: nothing else sends an email.

An email is queued in the transaction of the change that it is about. A worker writes its text when it sends it, so no
one-time link is stored, and a request takes as long for a known address as for an unknown one.
"""

import logging
from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import F, QuerySet

from oauth.accounts.models import Email
from oauth.clock import database_now
from oauth.email_addresses import deliverable, email_key

FIRST_RETRY = timedelta(minutes=1)  # each further one waits three times as long
MAX_ATTEMPTS = 7  # within six hours
POLL = 1.0  # seconds to wait while no email is due

logger = logging.getLogger(__name__)


class EmailKind:
    """One kind of email. Its object is registered by the module that queues it."""

    key: str  # stored in `Email.kind`
    # For how long after one email the same person gets no other one of the kind, about the same thing.
    interval = timedelta(0)

    def address(self, email: Email, user: Any) -> str | None:
        """Where to send it: to the person who has the address of the recipient. None: there is nobody to send it to."""
        return user.email if user else None

    def write(self, email: Email, user: Any) -> tuple[str, str] | None:
        """The subject and the text. None where there is nothing to send any more. `user` is None only where `address`
        found an address without one."""
        raise NotImplementedError

    def on_sent(self, email: Email, user: Any) -> None:
        """Called in the transaction that removes the sent email from the outbox."""


_kinds: dict[str, EmailKind] = {}


def register(*kinds: EmailKind) -> None:
    _kinds.update({each.key: each for each in kinds})


def queue(kind: EmailKind, recipient: str, *, about: int = 0, **details: Any) -> None:
    """Queues an email to the person who has this address when it is sent. No person, no email, unless the kind has
    recipients of its own.

    One statement, whether or not such an email waits already, which is then the only one. `about`: an id that keeps
    emails of one kind apart. `details`: what `write` needs, as JSON, without secrets.
    """
    email = Email(kind=kind.key, recipient=email_key(recipient), about=about, details=details, due_at=database_now())
    Email.objects.bulk_create([email], ignore_conflicts=True)


def emails_to(recipients: set[str]) -> QuerySet[Email]:
    """Queued emails to one of these addresses."""
    return Email.objects.filter(recipient__in=[email_key(each) for each in recipients])


def send_next() -> bool:
    """Sends the email that is due for the longest time. Returns whether there was one.

    An email that was sent by a worker that was killed before it could record it is sent again.
    """
    email = Email.objects.filter(due_at__lte=database_now()).order_by("due_at", "pk").first()
    if email is None:
        return False
    retry_at = database_now() + FIRST_RETRY * 3**email.attempts
    leased = Email.objects.filter(pk=email.pk, due_at=email.due_at).update(due_at=retry_at, attempts=F("attempts") + 1)
    if not leased:
        return True  # another worker has it
    try:
        _send(email)
    except Exception:  # the mail server, or an address or a text that no email can have
        is_last = email.attempts + 1 >= MAX_ATTEMPTS
        logger.exception("Email %s (%s) could not be sent%s.", email.pk, email.kind, " and was given up" * is_last)
        if is_last:
            Email.objects.filter(pk=email.pk).delete()
    return True


def _send(email: Email) -> None:
    if email.is_sent:
        Email.objects.filter(pk=email.pk).delete()  # its interval is over
        return
    kind = _kinds[email.kind]
    users: Any = get_user_model()._default_manager
    user = users.with_email(email.recipient).filter(is_active=True).first()
    address = kind.address(email, user)
    written = kind.write(email, user) if address else None
    if address and written:
        subject, text = written
        EmailMessage(" ".join(subject.split()), text, to=[deliverable(address)]).send()
    with transaction.atomic():
        queued = Email.objects.filter(pk=email.pk)
        if kind.interval:
            queued.update(is_sent=True, attempts=0, due_at=database_now() + kind.interval)
        else:
            queued.delete()
        if written:
            kind.on_sent(email, user)
