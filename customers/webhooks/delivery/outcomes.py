"""What follows from an answer, or from none: retries, warnings, the end."""

import http.client
import logging
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import Case, F, Model, Q, When
from django.template.loader import render_to_string
from django.utils import timezone

from customers.models import StaffMember
from customers.webhooks import outbox
from customers.webhooks.delivery.sender import Outcome
from customers.webhooks.models import Delivery, Webhook

RETRIES = 10
RETRY_FACTOR = 3  # with the first after 30 seconds, the last is after ten days
# After so many failures in a row nothing is sent for a while, from 30 seconds to a quarter of an hour.
REST_AFTER = 3
LONGEST_REST = timedelta(minutes=15)
MAX_FAILURES = 20  # beyond, nothing depends on their number
# Of a webhook that fails all the time: when its staff is warned, and when it is switched off.
WARN_AFTER = (timedelta(hours=1), timedelta(days=1), timedelta(days=5))
SWITCH_OFF_AFTER = timedelta(days=10)
FORGOTTEN = {"body": "", "snapshot": None}  # of a person who was: nobody has to know any more
RECOVERED = {"failures": 0, "failing_since": None, "warning_count": 0, "next_check_date": None}

logger = logging.getLogger(__name__)


def retry_after(attempts: int) -> timedelta:
    """How long to wait when so many attempts, from 1, have failed."""
    return timedelta(seconds=settings.WEBHOOKS_RETRY_SECONDS * RETRY_FACTOR ** (attempts - 1))


def record_successes(attempts: list[tuple[Delivery, Outcome]]) -> None:
    """What is gone meanwhile, with its webhook or with the person it was about, is left out."""
    if not attempts:
        return
    milliseconds = [When(pk=delivery.pk, then=int(outcome.seconds * 1000)) for delivery, outcome in attempts]
    redacted = [delivery.pk for delivery, _ in attempts if delivery.event_type == outbox.REDACTED]
    with transaction.atomic():
        Delivery.objects.filter(pk__in=[delivery.pk for delivery, _ in attempts]).update(
            status=Delivery.Status.DELIVERED,
            attempts=F("attempts") + 1,
            last_sent_at=timezone.now(),
            response_code=http.client.OK,
            response_ms=Case(*milliseconds),
            error="",
        )
        if redacted:
            Delivery.objects.filter(pk__in=redacted).update(**FORGOTTEN)
        webhooks = {delivery.webhook_id for delivery, _ in attempts}
        Webhook.objects.filter(pk__in=webhooks, failures__gt=0).update(**RECOVERED)


def record_failure(delivery_id: int, outcome: Outcome) -> None:
    """Of one attempt. Whoever has to know of its consequences gets a mail afterwards."""
    with transaction.atomic():
        delivery = Delivery.objects.select_for_update().filter(pk=delivery_id).first()
        if delivery is None:
            return  # its webhook, or the person it was about, is gone
        now = timezone.now()
        delivery.attempts += 1
        delivery.last_sent_at = now
        delivery.response_code, delivery.response_ms = outcome.code, int(outcome.seconds * 1000)
        delivery.error = outcome.error
        if delivery.is_test or outcome.code == http.client.GONE or delivery.attempts > RETRIES:
            delivery.status = Delivery.Status.FAILED
            if delivery.event_type == outbox.REDACTED:
                _set(delivery, **FORGOTTEN)
        else:
            delivery.due_at = now + retry_after(delivery.attempts)
        delivery.save()
        webhook = Webhook.objects.select_for_update().get(pk=delivery.webhook_id)
        columns, news = _consequences(webhook, delivery, outcome, now)
        _set(webhook, **columns)
        webhook.save(update_fields=columns)
    if news:
        tell_staff(webhook, news, outcome)


def _consequences(webhook: Webhook, delivery: Delivery, outcome: Outcome, now: datetime) -> tuple[dict[str, Any], str]:
    """Of a failure for the webhook itself: columns, and the name of a mail, if one is due."""
    if outcome.code == http.client.GONE and webhook.active:
        return {"active": False, "updated_at": now}, "gone"
    is_resting = webhook.next_check_date and webhook.next_check_date > now  # this was on its way before
    if delivery.is_test or not webhook.active or is_resting:
        return {}, ""
    since = webhook.failing_since or now
    failures = min(webhook.failures + 1, MAX_FAILURES)
    columns: dict[str, Any] = {"failures": failures, "failing_since": since}
    if failures >= REST_AFTER:
        columns["next_check_date"] = now + min(retry_after(failures - REST_AFTER + 1), LONGEST_REST)
    if now - since >= SWITCH_OFF_AFTER:
        return columns | {"active": False, "updated_at": now}, "switched_off"
    warnings = sum(now - since >= time for time in WARN_AFTER)
    if warnings <= webhook.warning_count:
        return columns, ""
    return columns | {"warning_count": warnings}, "warning"


def _set(instance: Model, **columns: Any) -> None:
    for name, value in columns.items():
        setattr(instance, name, value)


def tell_staff(webhook: Webhook, news: str, outcome: Outcome) -> None:
    """By mail to the owners. A mail that can't be sent stops no delivery."""
    owners = StaffMember.objects.filter(Q(is_superuser=True) | Q(groups__name="Owner"), is_active=True).distinct()
    emails = [email for email in owners.values_list("email", flat=True) if email]
    context = {"webhook": webhook, "news": news, "outcome": outcome, "store": settings.STORE_DOMAIN}
    subject = f"Webhook {webhook}: {SUBJECTS[news]}".replace("\n", " ")
    try:
        EmailMessage(subject, render_to_string("webhooks/notice.txt", context), to=emails).send()
    except (OSError, ValueError):  # from the mail server and the way to it; for what mail can't hold
        logger.exception("The mail about webhook %s could not be sent.", webhook.pk)


SUBJECTS = {"gone": "switched off", "switched_off": "switched off", "warning": "it fails"}
