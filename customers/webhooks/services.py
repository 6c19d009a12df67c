"""Every write to webhooks but a worker's. One call is one transaction."""

import re
import secrets
from collections.abc import Callable
from datetime import timedelta
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from customers.webhooks import outbox
from customers.webhooks.delivery.allowed_hosts import is_allowed
from customers.webhooks.delivery.outcomes import RECOVERED
from customers.webhooks.models import Delivery, Webhook
from oauth import encryption
from oauth.errors import ServiceError
from oauth.models import ApiVersion, App

MAX_EVENTS = 100
MAX_SECRET_LENGTH = 255
MAX_NAME_LENGTH = 255
EVENT = re.compile(r"[a-z][a-z0-9_]{0,40}(\.[a-z0-9_]{1,40}){1,2}")
KEPT_FOR = timedelta(days=30)  # deliveries, longer than any is tried again


@transaction.atomic
def create_webhook(*, app_id: int | None = None, **fields: Any) -> Webhook:
    """`app_id`: of the app whose token asks for it. Without a `secret_key`, or with an empty one, one is made.

    Raises ServiceError.
    """
    owner = App.objects.filter(pk=app_id, kind=App.Kind.PARTNER).first()
    webhook = Webhook(app=owner, **checked({"secret_key": None, **fields}))
    webhook.save(force_insert=True)
    return webhook


@transaction.atomic
def update_webhook(webhook_id: int, *, precondition: Callable[[], None] | None = None, **changes: Any) -> Webhook:
    """What is not given stays, and so does a secret for which an empty one is given. Switched on, it starts anew.

    Raises Webhook.DoesNotExist, ServiceError, and what `precondition` raises.
    """
    webhook = Webhook.objects.select_for_update().get(pk=webhook_id)
    if precondition:
        precondition()
    if not changes.get("secret_key"):
        changes.pop("secret_key", None)
    columns = checked(changes)
    if columns.get("active") and not webhook.active:
        columns |= RECOVERED
    for name, value in columns.items():
        setattr(webhook, name, value)
    webhook.updated_at = timezone.now()
    webhook.save(update_fields=[*columns, "updated_at"])
    return webhook


@transaction.atomic
def delete_webhook(webhook_id: int) -> None:
    """With its deliveries. Raises Webhook.DoesNotExist."""
    Webhook.objects.select_for_update().get(pk=webhook_id).delete()


@transaction.atomic
def dismiss(app_id: int) -> None:
    """The app is uninstalled: it is told so, if it subscribed to that, and of nothing else any more."""
    for webhook in Webhook.objects.select_for_update().filter(app_id=app_id, active=True):
        webhook.deliveries.filter(status=Delivery.Status.WAITING).update(
            status=Delivery.Status.FAILED, error="The app was uninstalled."
        )
        if outbox.APP_UNINSTALLED in webhook.events:
            outbox.put_for(webhook, outbox.APP_UNINSTALLED, app_id)
        webhook.active, webhook.updated_at = False, timezone.now()
        webhook.save(update_fields=["active", "updated_at"])


@transaction.atomic
def send_test(webhook_id: int) -> Delivery:
    """The first of its events, about an example. Raises Webhook.DoesNotExist, and ServiceError where it is off."""
    webhook = Webhook.objects.get(pk=webhook_id)
    if not webhook.active:
        raise ServiceError("The webhook is switched off.", "active")
    told = (outbox.CREATED, outbox.UPDATED)
    event_type = next((name for name in webhook.events if name in told), outbox.CREATED)
    return outbox.put_for(webhook, event_type, 0, is_test=True)


@transaction.atomic
def send_again(delivery_id: int) -> None:
    """The same bytes, at once, with all retries before it. Raises Delivery.DoesNotExist, ServiceError."""
    delivery = Delivery.objects.select_for_update().select_related("webhook").get(pk=delivery_id)
    if not delivery.webhook.active:
        raise ServiceError("The webhook is switched off.", "webhook")
    if delivery.status != Delivery.Status.WAITING and not delivery.body:
        raise ServiceError("What it told is not kept any more.", "body")
    delivery.status, delivery.attempts, delivery.due_at = Delivery.Status.WAITING, 0, timezone.now()
    delivery.save(update_fields=["status", "attempts", "due_at"])


def forget_old() -> int:
    """Deletes deliveries of more than 30 days ago; returns how many."""
    return Delivery.objects.filter(created_at__lt=timezone.now() - KEPT_FOR).delete()[0]


@transaction.atomic
def rotate_secret_keys() -> None:
    """Encrypts every secret with the newest key. Raises UnreadableSecret."""
    for webhook in Webhook.objects.select_for_update():
        webhook.encrypted_secret_key = encryption.rotate(webhook.encrypted_secret_key)
        webhook.save(update_fields=["encrypted_secret_key"])


def checked(fields: dict[str, Any]) -> dict[str, Any]:
    """The columns for these values. Raises ServiceError."""
    columns = dict(fields)
    for name, clean in CLEANERS.items():
        if name in columns:
            columns[name] = clean(columns[name])
    if "secret_key" in columns:
        columns["encrypted_secret_key"] = encryption.encrypt(columns.pop("secret_key"))
    return columns


def _clean_target(target: str) -> str:
    schemes = ("https", "http") if settings.WEBHOOKS_ALLOW_HTTP else ("https",)
    try:
        parts = urlsplit(target)
        host, _ = parts.hostname, parts.port
        (host or "").encode("idna")
    except ValueError:
        raise ServiceError("Enter a valid URL.", "target") from None
    if parts.scheme not in schemes or not host or not target[target.index(":") :].isprintable() or " " in target:
        raise ServiceError(f"Enter a URL of {' or '.join(schemes)}.", "target")
    if "@" in parts.netloc or not (parts.path + parts.query).isascii():
        raise ServiceError("Enter a URL without a password, in ASCII.", "target")
    if _is_refused(host):
        raise ServiceError("Nothing is sent to this address.", "target")
    return target


def _is_refused(host: str) -> bool:
    """An address that is written as one; what a name leads to is seen when it is connected to."""
    try:
        return not is_allowed(ip_address(host))
    except ValueError:
        return False


def _clean_events(events: list[str | None]) -> list[str]:
    names = list(dict.fromkeys(filter(None, events)))
    if wrong := next((name for name in names if not EVENT.fullmatch(name)), None):
        raise ServiceError(f"{wrong[:50]!r} is no name of an event, such as customer.created.", "events")
    if len(names) > MAX_EVENTS:
        raise ServiceError(f"At most {MAX_EVENTS} events.", "events")
    return names


def _clean_secret_key(secret: str | None) -> str:
    if secret and len(secret) > MAX_SECRET_LENGTH:
        raise ServiceError(f"At most {MAX_SECRET_LENGTH} characters.", "secret_key")
    return secret or secrets.token_urlsafe(32)


def _clean_name(name: str | None) -> str | None:
    if name and len(name) > MAX_NAME_LENGTH:
        raise ServiceError(f"At most {MAX_NAME_LENGTH} characters.", "name")
    return name


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
