"""Every change of webhooks and deliveries, except those that the worker makes. Each function is one transaction."""

import secrets
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from customers.core.outgoing import check_target
from customers.core.retention import delete_in_batches, end_if_any
from customers.limits import MAX_WEBHOOKS, MAX_WEBHOOKS_OF_APP, require_room
from customers.webhooks.events import APP_UNINSTALLED, EVENT_NAMES, EXAMPLE_ID, example_type
from customers.webhooks.models import HEALTHY, MAX_NAME_LENGTH, Delivery, Webhook
from oauth.actor import Actor
from oauth.audit.log import Event, record
from oauth.clock import database_now
from oauth.encryption import UnreadableSecret
from oauth.errors import ServiceError
from oauth.models import ApiVersion, App
from oauth.text import clean_title

MAX_SECRET_LENGTH = 255
DEFAULT_PORTS = {"https": 443, "http": 80}
WAITING_FOR_AT_MOST = timedelta(days=30)  # longer than any is retried


@transaction.atomic
def create_webhook(*, store: str, by: Actor, **fields: Any) -> Webhook:
    """Creates a webhook of the store, or of the partner app that `by` acts through. Without a `secret_key`, or with an
    empty one, it gets a random one. `store`: the domain that its owner knows the store by.

    Raises TooMany, ServiceError.
    """
    owner = App.objects.filter(pk=by.app_id, kind=App.Kind.PARTNER).first()
    webhook = Webhook(app=owner, store=store, **checked({"secret_key": None, **fields}))
    require_room(Webhook.objects.all(), MAX_WEBHOOKS, f"A store has at most {MAX_WEBHOOKS} webhooks.")
    own = Webhook.objects.filter(app=owner)
    require_room(own, MAX_WEBHOOKS_OF_APP, f"An app or the store itself has at most {MAX_WEBHOOKS_OF_APP} webhooks.")
    webhook.save(force_insert=True)
    _record(Event.WEBHOOK_CREATED, webhook, by, events=webhook.events)
    return webhook


@transaction.atomic
def update_webhook(
    webhook_id: int, *, by: Actor, precondition: Callable[[Any], None] | None = None, **changes: Any
) -> Webhook:
    """Changes the given fields; an empty `secret_key` leaves the secret as it is. Activating resets the failures.

    Raises Webhook.DoesNotExist, ServiceError, and what `precondition` raises.
    """
    webhook = Webhook.objects.select_for_update().get(pk=webhook_id)
    if precondition:
        precondition(webhook)
    if not changes.get("secret_key"):
        changes.pop("secret_key", None)
    columns = checked(changes)
    if columns.get("active") and not webhook.active:
        columns |= HEALTHY
    changed = sorted(name for name, value in columns.items() if _differs(webhook, name, value))
    for name, value in columns.items():
        setattr(webhook, name, value)
    webhook.updated_at = timezone.now()
    webhook.save(update_fields=[*columns, "updated_at"])
    if changed:
        _record(Event.WEBHOOK_CHANGED, webhook, by, changed=changed)
    return webhook


@transaction.atomic
def delete_webhook(webhook_id: int, *, by: Actor) -> None:
    """Deletes its deliveries, too. Raises Webhook.DoesNotExist."""
    webhook = Webhook.objects.select_for_update().get(pk=webhook_id)
    _record(Event.WEBHOOK_DELETED, webhook, by)
    webhook.delete()


def _record(event: Event, webhook: Webhook, by: Actor, **detail: Any) -> None:
    """Writes to the security log. Of the target only the host: some receivers have a secret in the path."""
    record(event, by, webhook=webhook.pk, host=urlsplit(webhook.target).hostname or "", **detail)


def _differs(webhook: Webhook, name: str, value: Any) -> bool:
    try:
        return getattr(webhook, name) != value
    except UnreadableSecret:
        return True


@transaction.atomic
def deactivate_for_app(app_id: int) -> None:
    """The app was uninstalled: its webhooks get `app.uninstalled`, if they subscribe to it, and nothing after that."""
    for webhook in Webhook.objects.select_for_update().filter(app_id=app_id, active=True):
        webhook.deliveries.filter(status=Delivery.Status.WAITING).update(
            status=Delivery.Status.FAILED, error="The app was uninstalled."
        )
        if APP_UNINSTALLED.name in webhook.events:
            Delivery.objects.create(webhook=webhook, event_type=APP_UNINSTALLED.name, object_id=app_id)
        webhook.active, webhook.updated_at = False, timezone.now()
        webhook.save(update_fields=["active", "updated_at"])


@transaction.atomic
def send_test(webhook_id: int, *, customer_id: int | None = None) -> Delivery:
    """Enqueues an example of the first of its event types that has one, or this customer as one of these types; it is
    sent once, without retries.

    Raises Webhook.DoesNotExist, ServiceError for a webhook that is switched off, or that gets no customers.
    """
    webhook = Webhook.objects.get(pk=webhook_id)
    if not webhook.active:
        raise ServiceError("The webhook is switched off.", "active")
    event_type = example_type(webhook.events)
    if customer_id is None:
        customer_id = EXAMPLE_ID
    elif event_type.name not in webhook.events:
        raise ServiceError("The webhook has no event of customers.", "events")
    return Delivery.objects.create(webhook=webhook, event_type=event_type.name, object_id=customer_id, is_test=True)


@transaction.atomic
def send_again(delivery_id: int) -> None:
    """Sends the same bytes again, now, and with all retries.

    Raises Delivery.DoesNotExist, ServiceError where the webhook is switched off or the payload is no longer stored.
    """
    delivery = Delivery.objects.select_for_update().select_related("webhook").get(pk=delivery_id)
    if not delivery.webhook.active:
        raise ServiceError("The webhook is switched off.", "webhook")
    if delivery.status != Delivery.Status.WAITING and not delivery.body:
        raise ServiceError("The payload is no longer stored.", "body")
    delivery.status, delivery.attempts, delivery.due_at = Delivery.Status.WAITING, 0, database_now()
    delivery.save(update_fields=["status", "attempts", "due_at"])


def delete_old_deliveries() -> Iterator[int]:
    """Those that still wait are deleted after WAITING_FOR_AT_MOST. Yields the numbers of deleted rows."""
    if before := end_if_any("deliveries"):
        is_over = ~Q(status=Delivery.Status.WAITING) | Q(created_at__lt=timezone.now() - WAITING_FOR_AT_MOST)
        yield from delete_in_batches(Delivery.objects.filter(is_over, created_at__lt=before), index="created_at")


def checked(fields: dict[str, Any]) -> dict[str, Any]:
    """Validates fields of a webhook, and returns the columns for them. Raises ServiceError."""
    columns = dict(fields)
    for name, clean in CLEANERS.items():
        if name in columns:
            columns[name] = clean(columns[name])
    return columns


def _clean_target(target: str) -> str:
    schemes = ("https", "http") if settings.WEBHOOKS_ALLOW_HTTP else ("https",)
    try:
        parts = urlsplit(target)
        host, port = parts.hostname, parts.port
        (host or "").encode("idna")
    except ValueError:
        raise ServiceError("Enter a valid URL.", "target") from None
    if parts.scheme not in schemes or not host or not target[target.index(":") :].isprintable() or " " in target:
        raise ServiceError(f"Enter a URL of {' or '.join(schemes)}.", "target")
    if "@" in parts.netloc or not (parts.path + parts.query).isascii():
        raise ServiceError("Enter a URL without a password, in ASCII.", "target")
    check_target(host, DEFAULT_PORTS[parts.scheme] if port is None else port, "target")
    return target


def _clean_events(events: list[str | None]) -> list[str]:
    names = list(dict.fromkeys(filter(None, events)))
    if wrong := next((name for name in names if name not in EVENT_NAMES), None):
        raise ServiceError(f"{wrong[:50]!r} is not an event type. Event types: {', '.join(EVENT_NAMES)}.", "events")
    if not names:
        raise ServiceError("Choose at least one event type.", "events")
    return names


def _clean_secret_key(secret: str | None) -> str:
    if secret and len(secret) > MAX_SECRET_LENGTH:
        raise ServiceError(f"At most {MAX_SECRET_LENGTH} characters.", "secret_key")
    return secret or secrets.token_urlsafe(32)


def _clean_name(name: str | None) -> str | None:
    return name and clean_title(name, MAX_NAME_LENGTH, "name")


def _clean_version(version: str) -> str:
    if version not in ApiVersion.values:
        raise ServiceError(f"Enter one of {', '.join(ApiVersion.values)}.", "api_version")
    return version


CLEANERS: dict[str, Callable[[Any], Any]] = {
    "name": _clean_name,
    "target": _clean_target,
    "events": _clean_events,
    "secret_key": _clean_secret_key,
    "api_version": _clean_version,
}
