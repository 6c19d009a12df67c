"""Following a live store: what it tells by webhooks, taken in. One event is one transaction, and is taken once.

With a token of the store, an event about somebody who is here only says that they changed; what they are is read from
the store, soon after (`catching_up`). Without one an event is taken at its word, in the order in which events come.
"""

import hmac
import json
import secrets
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from customers import validation
from customers.mirror import apply, orders, payload
from customers.mirror.models import Copy, FollowedStore, ReceivedEvent
from customers.mirror.orders import KINDS, Conflict
from customers.models import User
from customers.privacy import erasure
from customers.webhooks.signing import sign
from oauth.actor import SYSTEM
from oauth.errors import ServiceError

EVENTS = (
    "customer.created", "customer.updated", "customer.deleted", "customer.redacted",
    "order.created", "order.updated", "subscription.created", "subscription.updated",
)  # fmt: skip
FORGETTING = ("deleted", "redacted")
KEPT_FOR = timedelta(days=30)  # events, longer than any is tried again
MAX_DETAIL = 255

Outcome = ReceivedEvent.Outcome


class Unsigned(Exception):
    """The signature is missing, or is not that of the store's secret key."""


def store_at(url: str) -> FollowedStore:
    """The store of this address, which is followed from now on."""
    return FollowedStore.objects.get_or_create(url=url, defaults={"secret_key": secrets.token_urlsafe(32)})[0]


@transaction.atomic
def subscribed(store_id: int, *, webhook_id: int, token: str) -> None:
    """There is a webhook there that tells us; an empty token is none."""
    FollowedStore.objects.filter(pk=store_id).update(webhook_id=webhook_id, token=token)


def check_signature(store: FollowedStore, body: bytes, given: str) -> None:
    """It may be of the bytes or, as the platform documents it, of what `json.dumps` writes of them.

    Raises Unsigned, UnreadableSecret."""
    key = store.secret_key
    if _is_same(sign(body, key), given):
        return
    try:
        written = json.dumps(json.loads(body)).encode()
    except (ValueError, RecursionError):
        raise Unsigned from None
    if not _is_same(sign(written, key), given):
        raise Unsigned


def _is_same(expected: str, given: str) -> bool:
    return hmac.compare_digest(expected.encode(), given.strip().lower().encode())


@transaction.atomic
def receive(store: FollowedStore, *, event_id: str, event_type: str, data: Any) -> bool:
    """Takes an event in; whether it had not come before. What can't be done with it is noted, not raised, but for
    NotKnownYet: it is to come again later.

    Raises ServiceError for names that are none, and IntegrityError where somebody took an email meanwhile.
    """
    validation.check_json([event_id, event_type])
    if not 0 < len(event_id) <= 64 or not 0 < len(event_type) <= 100:
        raise ServiceError("An event has an id of at most 64 and a type of at most 100 characters.")
    event, is_new = ReceivedEvent.objects.get_or_create(
        store=store, event_id=event_id, defaults={"event_type": event_type}
    )
    if is_new:
        try:
            with transaction.atomic():
                event.outcome, event.detail = _take(store, event, data)
        except ServiceError as error:
            event.outcome, event.detail = Outcome.REFUSED, ".".join(map(str, error.path)) or error.message
        except Conflict as conflict:
            event.outcome, event.detail = Outcome.CONFLICT, str(conflict)
        event.detail = event.detail[:MAX_DETAIL]
        event.save(update_fields=["object_id", "outcome", "detail"])
    return is_new


def _take(store: FollowedStore, event: ReceivedEvent, data: Any) -> tuple[Outcome, str]:
    name, _, what = event.event_type.partition(".")
    if name == "customer" and what in FORGETTING:
        event.object_id = str(id := payload.id_of(data))
        return _forget(store, id)
    if name == "customer" and what in ("created", "updated"):
        event.object_id = str(payload.id_of(data))
        return _take_customer(store, payload.customer(data), is_first=what == "created")
    if kind := KINDS.get(name):
        event.object_id = str(kind.columns_of(data)[kind.key])
        if store.has_token:
            apply.mark(store, [orders.owner_of(kind, data)], with_reports=True)
            return Outcome.TO_BE_READ, ""
        return (Outcome.APPLIED if orders.take(store, kind, data) else Outcome.OUTDATED), ""
    return Outcome.IGNORED, ""


def _take_customer(store: FollowedStore, told: payload.Told, *, is_first: bool) -> tuple[Outcome, str]:
    known = Copy.objects.filter(pk=told.id, store=store).exclude(state_at=None).exists()
    if known and store.has_token:
        apply.mark(store, [told.id])
        return Outcome.TO_BE_READ, ""
    if known and is_first:
        return Outcome.OUTDATED, "the customer is known"
    result = apply.copy(store, [told], as_of=apply.now())
    if store.has_token and told.id in result.created:
        apply.mark(store, [told.id], with_reports=True)
    if told.id in result.conflicts:
        return Outcome.CONFLICT, result.conflicts[told.id]
    if told.id in result.staff:
        return Outcome.IGNORED, "staff"
    if told.id in result.outdated:
        return Outcome.OUTDATED, ""
    outcome = Outcome.APPLIED if told.id in result.created | result.updated else Outcome.SAME
    return outcome, f"left out: {', '.join(told.left_out)}" if told.left_out else ""


def _forget(store: FollowedStore, id: int) -> tuple[Outcome, str]:
    """It is final: what was told of them before may come later, and nothing personal of it is kept."""
    Copy.objects.bulk_create([Copy(customer_id=id, store=store)], ignore_conflicts=True)
    copy = Copy.objects.select_for_update().get(pk=id)
    if copy.store_id != store.pk:
        raise Conflict(apply.OTHER_STORE)
    is_here = User.objects.filter(pk=id).exists()
    if is_here and copy.state_at is None and not copy.is_erased:
        raise Conflict(apply.ID_TAKEN)
    if is_here and not copy.is_erased:
        erasure.erase(id, by=SYSTEM)
    was_erased, copy.is_erased = copy.is_erased, True
    copy.save(update_fields=["is_erased"])
    return (Outcome.SAME if was_erased else Outcome.APPLIED), ""


def forget_old() -> int:
    """Deletes events of more than 30 days ago; returns how many."""
    return ReceivedEvent.objects.filter(received_at__lt=timezone.now() - KEPT_FOR).delete()[0]
