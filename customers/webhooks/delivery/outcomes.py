"""Records the outcome of attempts: retries of a delivery, and warnings, pauses and the deactivation of a webhook."""

import http.client
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Case, F, Model, When
from django.template.loader import render_to_string

from customers.webhooks.delivery.sender import Outcome
from customers.webhooks.events import CUSTOMER_REDACTED
from customers.webhooks.models import HEALTHY, Delivery, Webhook
from customers.webhooks.signals import attempt_recorded
from oauth.accounts import mail, staff
from oauth.clock import database_now
from oauth.email_addresses import email_key
from oauth.models import App

MAX_RETRIES = 10
RETRY_FACTOR = 3  # 30 seconds before the first retry; the last one is ten days after the first attempt
# After this many failures in a row the webhook pauses, for 30 seconds at first and at most for MAX_PAUSE.
PAUSE_AFTER = 3
MAX_PAUSE = timedelta(minutes=15)
MAX_FAILURES = 20  # counted; a higher number changes nothing
# For how long a webhook has failed when the owners are warned, and when it is deactivated.
WARN_AFTER = (timedelta(hours=1), timedelta(days=1), timedelta(days=5))
DEACTIVATE_AFTER = timedelta(days=10)
NO_PAYLOAD = {"body": "", "snapshot": None}  # of an erased customer: personal data is not kept

# Notices, which are emails to the owners and to the developer of the app, with their subjects.
NOTICES = {"gone": "switched off", "switched_off": "switched off", "warning": "it fails"}


def retry_delay(attempts: int) -> timedelta:
    """How long to wait after this many failed attempts (1 or more)."""
    return timedelta(seconds=settings.WEBHOOKS_RETRY_SECONDS * RETRY_FACTOR ** (attempts - 1))


def record_successes(attempts: list[tuple[Delivery, Outcome]]) -> None:
    """Marks deliveries as delivered, and their webhooks as healthy. Deliveries deleted meanwhile are ignored."""
    if not attempts:
        return
    milliseconds = [When(pk=delivery.pk, then=int(outcome.seconds * 1000)) for delivery, outcome in attempts]
    redacted = [delivery.pk for delivery, _ in attempts if delivery.event_type == CUSTOMER_REDACTED.name]
    with transaction.atomic():
        Delivery.objects.filter(pk__in=[delivery.pk for delivery, _ in attempts]).update(
            status=Delivery.Status.DELIVERED,
            attempts=F("attempts") + 1,
            last_sent_at=database_now(),
            response_code=http.client.OK,
            response_ms=Case(*milliseconds),
            error="",
        )
        if redacted:
            Delivery.objects.filter(pk__in=redacted).update(**NO_PAYLOAD)
        webhooks = {delivery.webhook_id for delivery, _ in attempts}
        Webhook.objects.filter(pk__in=webhooks, failures__gt=0).update(**HEALTHY)
    for delivery, outcome in attempts:
        _notify(delivery, outcome, "delivered")


def record_failure(delivery_id: int, outcome: Outcome) -> None:
    """Schedules the retry, or ends the delivery. Queues emails if a notice is due."""
    with transaction.atomic():
        delivery = Delivery.objects.select_for_update().filter(pk=delivery_id).first()
        if delivery is None:
            return  # deleted meanwhile, with its webhook or its customer
        now = database_now()
        delivery.attempts += 1
        delivery.last_sent_at = now
        delivery.response_code, delivery.response_ms = outcome.code, int(outcome.seconds * 1000)
        delivery.error = outcome.error
        if delivery.is_test or outcome.code == http.client.GONE or delivery.attempts > MAX_RETRIES:
            delivery.status = Delivery.Status.FAILED
            if delivery.event_type == CUSTOMER_REDACTED.name:
                _set(delivery, **NO_PAYLOAD)
        else:
            delivery.due_at = now + retry_delay(delivery.attempts)
        delivery.save()
        webhook = Webhook.objects.select_for_update().get(pk=delivery.webhook_id)
        columns, notice = _consequences(webhook, delivery, outcome, now)
        _set(webhook, **columns)
        webhook.save(update_fields=columns)
        if notice:
            queue_notices(webhook, notice, outcome)
    _notify(delivery, outcome, "failed" if delivery.status == Delivery.Status.FAILED else "retry")


def _notify(delivery: Delivery, outcome: Outcome, name: str) -> None:
    attempt_recorded.send_robust(Delivery, delivery=delivery, seconds=outcome.seconds, code=outcome.code, outcome=name)


def _consequences(webhook: Webhook, delivery: Delivery, outcome: Outcome, now: datetime) -> tuple[dict[str, Any], str]:
    """What a failed attempt means for its webhook: the columns to change, and one of NOTICES, or ""."""
    if outcome.code == http.client.GONE and webhook.active:
        return {"active": False, "updated_at": now}, "gone"
    is_paused = webhook.next_check_date and webhook.next_check_date > now  # this attempt began before the pause
    if delivery.is_test or not webhook.active or is_paused:
        return {}, ""
    since = webhook.failing_since or now
    failures = min(webhook.failures + 1, MAX_FAILURES)
    columns: dict[str, Any] = {"failures": failures, "failing_since": since}
    if failures >= PAUSE_AFTER:
        columns["next_check_date"] = now + min(retry_delay(failures - PAUSE_AFTER + 1), MAX_PAUSE)
    if now - since >= DEACTIVATE_AFTER:
        return columns | {"active": False, "updated_at": now}, "switched_off"
    warnings = sum(now - since >= time for time in WARN_AFTER)
    if warnings <= webhook.warning_count:
        return columns, ""
    return columns | {"warning_count": warnings}, "warning"


def _set(instance: Model, **columns: Any) -> None:
    for name, value in columns.items():
        setattr(instance, name, value)


class WebhookNotice(mail.EmailKind):
    """`Email.about`: the id of the webhook. `Email.details`: `notice`, one of NOTICES, and `code` and `error` of the
    attempt that caused it."""

    key = "webhook_notice"
    template = "webhooks/notice.txt"

    def write(self, email, user):
        webhook = Webhook.objects.filter(pk=email.about).first()
        if webhook is None:
            return None
        text = render_to_string(self.template, {**email.details, "webhook": webhook, "store": settings.STORE_DOMAIN})
        subject = f"Webhook {webhook}: {NOTICES[email.details['notice']]}"
        return " ".join(subject.split()), text  # a header has no line breaks


class DeveloperNotice(WebhookNotice):
    """The same notice to the developer of the webhook's app, who has no account in this store."""

    key = "webhook_developer_notice"
    template = "webhooks/developer_notice.txt"

    def address(self, email, user):
        """None where the app has another developer by now."""
        app = App.objects.filter(webhook=email.about).first()
        return app.developer_email if app and email_key(app.developer_email) == email.recipient else None


WEBHOOK_NOTICE, DEVELOPER_NOTICE = WebhookNotice(), DeveloperNotice()
mail.register(WEBHOOK_NOTICE, DEVELOPER_NOTICE)


def queue_notices(webhook: Webhook, notice: str, outcome: Outcome) -> None:
    """Queues an email to each owner, and to the developer of the webhook's app. `notice`: one of NOTICES."""
    details = {"notice": notice, "code": outcome.code, "error": outcome.error}
    for email in staff.owners().exclude(email=None).values_list("email", flat=True):
        mail.queue(WEBHOOK_NOTICE, email, about=webhook.pk, **details)
    if webhook.app and webhook.app.developer_email:
        mail.queue(DEVELOPER_NOTICE, webhook.app.developer_email, about=webhook.pk, **details)
