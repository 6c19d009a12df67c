"""Orders and subscriptions, reported or made here, and the counters of their customers.

A document has the shape in which the Admin API shows it. An order needs `number`, `date_placed`, `payment_status` and
`total_incl_tax`; a subscription needs `id`, `date_created` and `status`. Everything else is kept unchanged. A second
document with the same number or id replaces the first one, and may move it to another customer.

The counters are computed from all rows each time, so nothing is counted twice:

- `orders_count`: successful orders (`OrderQuerySet.successful`);
- `total_spent`: the totals of these orders minus their refunds, in the reporting currency if the document has it;
  at least zero, at most what the column holds;
- `subscriptions_count`: subscriptions except tests;
- a lead becomes a customer with the first successful order, and stays one.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar

from django.db import transaction
from django.db.models import Count, F, Sum, TextChoices
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from customers import services
from customers.core.json_values import check_json, is_same_json
from customers.core.postgres import bulk_insert
from customers.models import User, UserType
from customers.orders.buyers import update_buyers
from customers.orders.models import Order, PaymentStatus, Subscription, SubscriptionStatus
from customers.webhooks import outbox
from customers.webhooks.events import (
    ORDER_CREATED,
    ORDER_UPDATED,
    SUBSCRIPTION_CREATED,
    SUBSCRIPTION_UPDATED,
    EventType,
)
from oauth.actor import SYSTEM, Actor
from oauth.errors import ServiceError

MAX_NUMBER_LENGTH = 128
MAX_CURRENCY_LENGTH = 12
MAX_SOURCE_LENGTH = 64
MAX_EXTERNAL_ID = 2**63 - 1
MAX_AMOUNT = Decimal("9999999999.99")
ZERO, CENT = Decimal(0), Decimal("0.01")
AMOUNT = re.compile(r"[0-9]{1,10}(\.[0-9]{0,2})?")

KEYS: dict[Any, str] = {Order: "number", Subscription: "external_id"}
CREATED: dict[Any, EventType] = {Order: ORDER_CREATED, Subscription: SUBSCRIPTION_CREATED}
UPDATED: dict[Any, EventType] = {Order: ORDER_UPDATED, Subscription: SUBSCRIPTION_UPDATED}

Row = TypeVar("Row", Order, Subscription)


def record_order(*, user_id: int, document: Any, by: Actor = SYSTEM, keep_counters: bool = False) -> Order:
    """Creates or replaces an order. `keep_counters`: does not change the counters, because another system sets them.

    Raises User.DoesNotExist, and ServiceError as `order_columns` does.
    """
    columns = order_columns(document)
    key = {KEYS[Order]: columns.pop(KEYS[Order])}
    return _record(Order, key, by, keep_counters=keep_counters, user_id=user_id, document=document, **columns)


def record_subscription(
    *, user_id: int, document: Any, by: Actor = SYSTEM, keep_counters: bool = False
) -> Subscription:
    """Creates or replaces a subscription. `keep_counters` and errors: as in `record_order`."""
    columns = subscription_columns(document)
    key = {KEYS[Subscription]: columns.pop(KEYS[Subscription])}
    return _record(Subscription, key, by, keep_counters=keep_counters, user_id=user_id, document=document, **columns)


@transaction.atomic
def record_new(orders: Iterable[tuple[int, Any]], subscriptions: Iterable[tuple[int, Any]]) -> None:
    """Creates many orders and subscriptions, given as pairs of a user's id and a document.

    Raises ServiceError as `order_columns` does, and IntegrityError if a number or an id exists already.
    """
    rows: dict[Any, list[Any]] = {
        Order: [Order(user_id=id, document=document, **order_columns(document)) for id, document in orders],
        Subscription: [
            Subscription(user_id=id, document=document, **subscription_columns(document))
            for id, document in subscriptions
        ],
    }
    for model, new in rows.items():
        bulk_insert(model, new)
        keys = [getattr(row, KEYS[model]) for row in new]
        ids = model.objects.filter(**{f"{KEYS[model]}__in": keys}).values_list("pk", flat=True)
        outbox.enqueue_objects(CREATED[model], ids)
    user_ids = {row.user_id for new in rows.values() for row in new}
    counters = _counters(user_ids)
    services.change_users(user_ids, by=SYSTEM, values=lambda user: _with_user_type(user, counters[user.pk]))
    update_buyers(user_ids)


def order_columns(document: Any) -> dict[str, Any]:
    """The columns of an order. Raises ServiceError with the path of the value that is missing or wrong."""
    _check_document(document)
    part, _ = _part_with("total_incl_tax", document)
    return {
        "number": _text(document, "number", MAX_NUMBER_LENGTH),
        "date_placed": _date(document, "date_placed"),
        "payment_status": _choice(document, "payment_status", PaymentStatus),
        "is_test": _flag(document, "is_test"),
        "source": _source(document),
        "currency": _text(part, "currency", MAX_CURRENCY_LENGTH, required=False),
        "total": _amount(document, "total_incl_tax"),
        "refunded": _refunded(document),
    }


def subscription_columns(document: Any) -> dict[str, Any]:
    """The columns of a subscription. Raises ServiceError with the path of the value that is missing or wrong."""
    _check_document(document)
    return {
        "external_id": _external_id(document, "id"),
        "date_created": _date(document, "date_created"),
        "status": _choice(document, "status", SubscriptionStatus),
        "is_test": _flag(document, "is_test"),
    }


def _record(
    model: type[Row], key: dict[str, Any], by: Actor, *, keep_counters: bool, user_id: int, **columns: Any
) -> Row:
    while True:
        former_owner = model.objects.filter(**key).values_list("user_id", flat=True).first()
        with transaction.atomic():
            owners = _locked({user_id, former_owner or user_id})
            if user_id not in owners:
                raise User.DoesNotExist
            row, is_new = model.objects.get_or_create(**key, defaults={"user_id": user_id, **columns})
            if row.user_id not in owners:
                continue  # meanwhile it was moved to a third person, who has to be locked, too
            is_different = not is_new and _is_different(row, {"user_id": user_id, **columns})
            if is_new:
                outbox.enqueue_objects(CREATED[model], [row.pk])
            elif is_different:
                for name, value in {"user_id": user_id, **columns}.items():
                    setattr(row, name, value)
                row.save()
                outbox.enqueue_objects(UPDATED[model], [row.pk])
            if model is Order and (is_new or is_different):
                update_buyers(owners)
            if not keep_counters:
                counters = _counters(owners)
                for owner in owners.values():
                    services.save_changes(owner, _with_user_type(owner, counters[owner.pk]), by)
            return row


def _is_different(row: Order | Subscription, columns: Mapping[str, Any]) -> bool:
    return any(not is_same_json(getattr(row, name), value) for name, value in columns.items())


def _locked(user_ids: set[int]) -> dict[int, User]:
    """Locks these people in the order of their ids, so that two moves between the same people can't deadlock."""
    return {user.pk: user for user in User.objects.select_for_update().filter(pk__in=user_ids).order_by("pk")}


def counters_from_rows(user_ids: Collection[int]) -> dict[int, dict[str, Any] | None]:
    """The counter fields of each of these users; None for users without any order or subscription."""
    owners = {id for model in (Order, Subscription) for id in user_ids if model.objects.filter(user=id).exists()}
    counters = _counters(user_ids)
    return {id: counters[id] if id in owners else None for id in user_ids}


def _counters(user_ids: Collection[int]) -> dict[int, dict[str, Any]]:
    """The counter fields of each of these users."""
    successful = Order.objects.filter(user__in=user_ids).successful().values("user").order_by()
    orders = {row["user"]: row for row in successful.annotate(count=Count("id"), spent=Sum(F("total") - F("refunded")))}
    real = Subscription.objects.filter(user__in=user_ids).real().values_list("user").order_by()
    subscriptions = dict(real.annotate(count=Count("id")))
    return {
        id: {
            "orders_count": orders[id]["count"] if id in orders else 0,
            # SQLite adds up in floating point.
            "total_spent": min(max(orders[id]["spent"] if id in orders else ZERO, ZERO), MAX_AMOUNT).quantize(CENT),
            "subscriptions_count": subscriptions.get(id, 0),
        }
        for id in user_ids
    }


def _with_user_type(user: User, counters: dict[str, Any]) -> dict[str, Any]:
    if counters["orders_count"] and user.user_type == UserType.LEAD:
        return {**counters, "user_type": UserType.CUSTOMER}
    return counters


def _check_document(document: Any) -> None:
    if not isinstance(document, dict):
        raise ServiceError("A document is an object.", "document")
    check_json(document, "document")


def _text(document: Mapping, name: str, max_length: int, *, required: bool = True) -> str:
    value = document.get(name)
    if value is None and not required:
        return ""
    if not isinstance(value, str) or (required and not value.strip()) or len(value) > max_length:
        raise ServiceError(f"Enter a text of at most {max_length} characters.", name)
    return value


def _external_id(document: Mapping, name: str) -> int:
    value = document.get(name)
    if type(value) is not int or not 0 < value <= MAX_EXTERNAL_ID:
        raise ServiceError("Enter a positive whole number.", name)
    return value


def _source(document: Mapping) -> str:
    """Empty if it is not known: no report is refused for it."""
    value = document.get("source")
    return value if isinstance(value, str) and len(value) <= MAX_SOURCE_LENGTH else ""


def _flag(document: Mapping, name: str) -> bool:
    value = document.get(name, False)
    if not isinstance(value, bool):
        raise ServiceError("Enter true or false.", name)
    return value


def _choice(document: Mapping, name: str, choices: type[TextChoices]) -> str:
    value = document.get(name)
    if value not in choices.values:
        raise ServiceError(f"Enter one of {', '.join(choices.values)}.", name)
    return value


def _date(document: Mapping, name: str) -> datetime:
    at = moment(document.get(name))
    if at is None:
        raise ServiceError("Enter a date and time of ISO 8601, as in 2026-10-03T09:12:44Z.", name)
    return at


def moment(text: Any) -> datetime | None:
    """A date and time of ISO 8601, in UTC. Without an offset it is in the store's time zone. None if it is invalid."""
    try:
        value = parse_datetime(text) if isinstance(text, str) else None
        at = value and (value if timezone.is_aware(value) else timezone.make_aware(value)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    # The first and the last year of the calendar are rejected: the shift to another zone would overflow there.
    return at if at and MINYEAR < at.year < MAXYEAR else None


def _part_with(name: str, document: Mapping) -> tuple[Mapping, tuple[str, ...]]:
    """The part of the document with the amount in the reporting currency, else the document; and the path to it."""
    report = document.get("report_values")
    if isinstance(report, dict) and report.get(name) is not None:
        return report, ("report_values",)
    return document, ()


def _amount(document: Mapping, name: str) -> Decimal:
    part, path = _part_with(name, document)
    value = part.get(name)
    if not isinstance(value, str) or not AMOUNT.fullmatch(value):
        raise ServiceError(f'Enter an amount such as "12.50", from 0 to {MAX_AMOUNT}, as a string.', *path, name)
    return Decimal(value)


def _refunded(document: Mapping) -> Decimal:
    refunds = document.get("refunds") or []
    if not isinstance(refunds, list):
        raise ServiceError("Enter a list.", "refunds")
    refunded = Decimal(0)
    for position, refund in enumerate(refunds):
        if not isinstance(refund, dict):
            raise ServiceError("Enter an object.", "refunds", position)
        try:
            refunded += _amount(refund, "total_refund_amount")
        except ServiceError as error:
            raise error.within("refunds", position) from None
    if refunded > MAX_AMOUNT:
        raise ServiceError(f"The refunds add up to more than {MAX_AMOUNT}.", "refunds")
    return refunded
