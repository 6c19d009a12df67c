"""Mirrored stores and their webhook events. One event is one transaction, and is processed once.

With a token of the store, an event about a known customer only marks them as stale; the worker then reads them from
the store (`refresh_worker`). Without a token, events are applied in the order received.
"""

import hmac
import json
import secrets
from collections.abc import Iterator
from typing import Any

from django.db import transaction

from customers.core.retention import delete_in_batches, end_if_any
from customers.mirror import apply, orders, payload
from customers.mirror.models import MirroredCustomer, MirroredStore, ReceivedEvent
from customers.mirror.orders import DOCUMENT_TYPES, CustomerUnknown, MirrorConflict
from customers.mirror.payload import InboundEvent, RemoteCustomer
from customers.mirror.plan import Conflict, Keep, plan_erasure
from customers.models import User
from customers.privacy import erasure
from customers.webhooks.signing import sign
from oauth.actor import SYSTEM
from oauth.clock import database_now
from oauth.errors import ServiceError

SUBSCRIBED_EVENTS = (
    "customer.created", "customer.updated", "customer.deleted", "customer.redacted",
    "order.created", "order.updated", "subscription.created", "subscription.updated",
)  # fmt: skip
ERASING = ("deleted", "redacted")
MAX_DETAIL_LENGTH = 255

Outcome = ReceivedEvent.Outcome


class InvalidSignature(ServiceError):
    code = "invalid_signature"

    def __init__(self):
        super().__init__("The signature does not match the body.")


def get_or_create_store(url: str) -> MirroredStore:
    """`url`: clean, see `arguments.clean_store_url`."""
    return MirroredStore.objects.get_or_create(url=url, defaults={"secret_key": secrets.token_urlsafe(32)})[0]


@transaction.atomic
def save_subscription(store_id: int, *, webhook_id: int, token: str) -> None:
    """The store's webhook sends events here. An empty token: events are applied as they come."""
    MirroredStore.objects.filter(pk=store_id).update(webhook_id=webhook_id, token=token)


def check_signature(store: MirroredStore, body: bytes, given: str) -> None:
    """The signature may be of the bytes or, as the platform documents it, of `json.dumps` of the parsed body.

    Raises InvalidSignature, UnreadableSecret.
    """
    key = store.secret_key
    if _is_equal(sign(body, key), given):
        return
    try:
        dumped = json.dumps(json.loads(body)).encode()
    except (ValueError, RecursionError):
        raise InvalidSignature from None
    if not _is_equal(sign(dumped, key), given):
        raise InvalidSignature


def _is_equal(expected: str, given: str) -> bool:
    return hmac.compare_digest(expected.encode(), given.strip().lower().encode())


@transaction.atomic
def process_event(store: MirroredStore, event: InboundEvent) -> bool:
    """Applies an event; returns False if it was processed before. What prevents it is recorded with the event.

    Raises CustomerUnknown, and IntegrityError if another writer takes an email or an id at the same moment: the store
    must send the event again.
    """
    received, is_new = ReceivedEvent.objects.get_or_create(
        store=store, event_id=event.event_id, defaults={"event_type": event.event_type}
    )
    if is_new:
        try:
            with transaction.atomic():
                received.outcome, received.detail = _apply_event(store, received, event.data)
        except CustomerUnknown:
            raise
        except MirrorConflict as conflict:
            received.outcome, received.detail = Outcome.CONFLICT, conflict.message
        except ServiceError as error:
            received.outcome, received.detail = Outcome.REJECTED, ".".join(map(str, error.path)) or error.message
        received.detail = received.detail[:MAX_DETAIL_LENGTH]
        received.save(update_fields=["object_id", "outcome", "detail"])
    return is_new


def _apply_event(store: MirroredStore, received: ReceivedEvent, data: Any) -> tuple[Outcome, str]:
    """The outcome and its detail. Sets the event's `object_id`."""
    name, _, verb = received.event_type.partition(".")
    if name == "customer" and verb in ERASING:
        customer_id = payload.parse_id(data)
        received.object_id = str(customer_id)
        return _erase_customer(store, customer_id)
    if name == "customer" and verb in ("created", "updated"):
        customer = payload.parse_customer(data)
        received.object_id = str(customer.id)
        return _sync_customer(store, customer, is_created=verb == "created")
    if document_type := DOCUMENT_TYPES.get(name):
        received.object_id = str(document_type.columns_of(data)[document_type.key])
        if store.has_token:
            apply.mark_stale(store, [orders.customer_id_of(document_type, data)], refetch_orders=True)
            return Outcome.QUEUED, ""
        return (Outcome.APPLIED if orders.apply_document(store, document_type, data) else Outcome.OUTDATED), ""
    return Outcome.IGNORED, ""


def _sync_customer(store: MirroredStore, customer: RemoteCustomer, *, is_created: bool) -> tuple[Outcome, str]:
    is_known = MirroredCustomer.objects.synced().filter(pk=customer.id, store=store).exists()
    if is_known and store.has_token:
        apply.mark_stale(store, [customer.id])
        return Outcome.QUEUED, ""
    if is_known and is_created:
        return Outcome.OUTDATED, "the customer is known"
    result = apply.sync(store, [customer], as_of=database_now())
    if store.has_token and customer.id in result.created:
        apply.mark_stale(store, [customer.id], refetch_orders=True)
    if customer.id in result.conflicts:
        return Outcome.CONFLICT, result.conflicts[customer.id]
    if customer.id in result.staff:
        return Outcome.IGNORED, "staff"
    if customer.id in result.outdated:
        return Outcome.OUTDATED, ""
    outcome = Outcome.APPLIED if customer.id in result.created | result.updated else Outcome.UNCHANGED
    return outcome, f"dropped: {', '.join(customer.dropped)}" if customer.dropped else ""


def _erase_customer(store: MirroredStore, customer_id: int) -> tuple[Outcome, str]:
    """It is final: events that come late bring no personal data back."""
    mirrored = apply.lock_states(store, [customer_id])[customer_id]
    user = User.objects.filter(pk=customer_id).first()
    action = plan_erasure(customer_id, store.pk, mirrored, user)
    if isinstance(action, Conflict):
        raise MirrorConflict(action.reason)  # which also removes the new sync state
    if isinstance(action, Keep):
        return Outcome.UNCHANGED, "erased before"
    if user:
        erasure.erase(customer_id, by=SYSTEM)
    mirrored.is_erased = True
    mirrored.save(update_fields=["is_erased"])
    return Outcome.APPLIED, ""


def delete_old_events() -> Iterator[int]:
    if before := end_if_any("received_events"):
        yield from delete_in_batches(ReceivedEvent.objects.filter(received_at__lt=before))


def reason_against_merging(user: User) -> str | None:
    mirrored = MirroredCustomer.objects.select_related("store").filter(pk=user.pk).first()
    return f"Customer {user.pk} is a copy from {mirrored.store}. Merge them there." if mirrored else None
