"""What follows from an answer, or from none: retries, warnings, the end."""

import http.client
import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import Q
from django.template.loader import render_to_string
from django.utils import timezone

from customers.models import StaffMember
from customers.webhooks import outbox
from customers.webhooks.models import Delivery, Webhook
from customers.webhooks.sending import Outcome

RETRIES = 10
RETRY_FACTOR = 3  # with the first after 30 seconds, the last is after ten days
# After so many failures in a row nothing is sent for a while, from 30 seconds to a quarter of an hour.
REST_AFTER = 3
LONGEST_REST = timedelta(minutes=15)
MAX_FAILURES = 20  # beyond, nothing depends on their number
# Of a webhook that fails all the time: when its staff is warned, and when it is switched off.
WARN_AFTER = (timedelta(hours=1), timedelta(days=1), timedelta(days=5))
SWITCH_OFF_AFTER = timedelta(days=10)

logger = logging.getLogger(__name__)


def retry_after(attempts: int) -> timedelta:
    """How long to wait when so many attempts, from 1, have failed."""
    return timedelta(seconds=settings.WEBHOOKS_RETRY_SECONDS * RETRY_FACTOR ** (attempts - 1))


def record(delivery_id: int, outcome: Outcome) -> None:
    """Notes what came of an attempt. Whoever has to know of its consequences gets a mail afterwards."""
    with transaction.atomic():
        delivery = Delivery.objects.select_for_update().filter(pk=delivery_id).first()
        if delivery is None:
            return  # its webhook, or the person it was about, is gone
        now = timezone.now()
        delivery.attempts += 1
        delivery.last_sent_at = now
        delivery.response_code, delivery.response_ms = outcome.code, int(outcome.seconds * 1000)
        delivery.error = outcome.error
        if outcome.is_success:
            delivery.status = Delivery.Status.DELIVERED
        elif delivery.is_test or outcome.code == http.client.GONE or delivery.attempts > RETRIES:
            delivery.status = Delivery.Status.FAILED
        else:
            delivery.due_at = now + retry_after(delivery.attempts)
        if delivery.status != Delivery.Status.WAITING and delivery.event_type == outbox.REDACTED:
            delivery.body, delivery.snapshot = "", None  # nobody has to know any more
        delivery.save()
        news = _note(Webhook.objects.select_for_update().get(pk=delivery.webhook_id), delivery, outcome, now)
    if news:
        tell_staff(delivery.webhook, news, outcome)


def _note(webhook: Webhook, delivery: Delivery, outcome: Outcome, now: datetime) -> str:
    """What the webhook itself has of it; the answer is the name of a mail, if one is due."""
    if outcome.code == http.client.GONE and webhook.active:
        _save(webhook, active=False, updated_at=now)
        return "gone"
    if outcome.is_success:
        if webhook.failures:
            _save(webhook, failures=0, failing_since=None, warning_count=0, next_check_date=None)
        return ""
    if delivery.is_test or not webhook.active:
        return ""
    since = webhook.failing_since or now
    _save(webhook, failures=min(webhook.failures + 1, MAX_FAILURES), failing_since=since)
    if webhook.failures >= REST_AFTER:
        rest = min(retry_after(webhook.failures - REST_AFTER + 1), LONGEST_REST)
        _save(webhook, next_check_date=now + rest)
    if now - since >= SWITCH_OFF_AFTER:
        _save(webhook, active=False, updated_at=now)
        return "switched_off"
    warnings = sum(now - since >= time for time in WARN_AFTER)
    if warnings <= webhook.warning_count:
        return ""
    _save(webhook, warning_count=warnings)
    return "warning"


def _save(webhook: Webhook, **columns) -> None:
    for name, value in columns.items():
        setattr(webhook, name, value)
    webhook.save(update_fields=list(columns))


def tell_staff(webhook: Webhook, news: str, outcome: Outcome) -> None:
    """By mail to the owners. A mail that can't be sent stops no delivery."""
    owners = StaffMember.objects.filter(Q(is_superuser=True) | Q(groups__name="Owner"), is_active=True).distinct()
    emails = [email for email in owners.values_list("email", flat=True) if email]
    context = {"webhook": webhook, "news": news, "outcome": outcome, "store": settings.STORE_DOMAIN}
    subject = f"Webhook {webhook}: {SUBJECTS[news]}".replace("\n", " ")
    try:
        EmailMessage(subject, render_to_string("customers/webhook_email.txt", context), to=emails).send()
    except (OSError, ValueError):  # from the mail server and the way to it; for what mail can't hold
        logger.exception("The mail about webhook %s could not be sent.", webhook.pk)


SUBJECTS = {"gone": "switched off", "switched_off": "switched off", "warning": "it fails"}
