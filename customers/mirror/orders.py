"""Orders and subscriptions of another store's customers, as it tells them.

The counters of a customer are the store's to tell. With an order they change by what it is worth now and was not
before. One that is not known here and was placed before the customer was last told of is among them already.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, cast

from django.db import transaction

from customers import services
from customers.mirror.apply import ID_TAKEN
from customers.mirror.models import Copy, FollowedStore
from customers.mirror.payload import MAX_ID
from customers.models import User, UserType
from customers.orders import services as orders
from customers.orders.models import SUCCESSFUL_PAYMENT, Order, Subscription
from customers.privacy import erasure
from oauth.actor import SYSTEM
from oauth.errors import ServiceError

CENT = Decimal("0.01")
NOT_WHOSE = "it does not tell whose it is"
NUMBER_TAKEN = "a customer who was not copied has one of this number"


@dataclass(frozen=True, slots=True)
class Kind:
    """`key`: the column that tells one from another. `columns_of` raises ServiceError."""

    model: Any
    key: str
    placed: str
    columns_of: Callable[[Any], dict[str, Any]]
    record: Callable[..., Any]


KINDS = {
    "order": Kind(Order, "number", "date_placed", orders.order_columns, orders.record_order),
    "subscription": Kind(
        Subscription, "external_id", "date_created", orders.subscription_columns, orders.record_subscription
    ),
}


class NotKnownYet(Exception):
    """The customer is not here: who tells of them is to do that first."""


class Conflict(Exception):
    pass


def owner_of(kind: Kind, document: Any) -> int:
    """The id of the customer. Raises ServiceError for what is no such document, or does not tell."""
    key = kind.columns_of(document)[kind.key]
    user = document.get("user")
    told = user.get("id") if isinstance(user, Mapping) else document.get("user_id")
    id = told or kind.model.objects.filter(**{kind.key: key}).values_list("user_id", flat=True).first()
    if type(id) is not int or not 0 < id <= MAX_ID:
        raise ServiceError(NOT_WHOSE, "user")
    return id


@transaction.atomic
def take(store: FollowedStore, kind: Kind, document: Any) -> bool:
    """Keeps a document, and the counters with it; whether it was new. An order that was updated before the one that is
    here is not taken.

    Raises ServiceError, NotKnownYet, and Conflict."""
    owner = owner_of(kind, document)
    copy = _locked(store, owner)
    if copy is None and User.objects.filter(pk=owner).exists():
        raise Conflict(ID_TAKEN)
    if copy is None:
        raise NotKnownYet
    former = _former(store, kind, document)
    if former and not _is_newer(document, former.document):
        return False
    was = _worth(former) if former else None
    if former is None and kind.columns_of(document)[kind.placed] <= cast(datetime, copy.state_at):
        was = _worth(kind.model(**kind.columns_of(document)))
    row = _record(kind, document, copy)
    if former and former.user_id != owner:
        _count(former.user_id, {name: -value for name, value in (was or {}).items()})
        was = None
    difference = {name: value - (was or {}).get(name, 0) for name, value in _worth(row).items()}
    _count(owner, difference)
    return True


@transaction.atomic
def keep(store: FollowedStore, customer_id: int, documents: Mapping[str, list[Any]]) -> list[str]:
    """All that the store lists for a customer, by kind, when it has told the counters, too. Returns why some are not
    kept."""
    copy = _locked(store, customer_id)
    if copy is None:
        return []
    refused = []
    for name, listed in documents.items():
        kind = KINDS[name]
        known = dict(kind.model.objects.filter(user=customer_id).values_list(kind.key, "document"))
        for document in listed:
            try:
                if known.get(kind.columns_of(document)[kind.key]) != document:
                    _former(store, kind, document)
                    _record(kind, document, copy)
            except ServiceError as error:
                refused.append(f"{name}: {'.'.join(map(str, error.path))}")
            except Conflict as conflict:
                refused.append(f"{name}: {conflict}")
    return refused


def _locked(store: FollowedStore, customer_id: int) -> Copy | None:
    """None where nothing is kept of them."""
    return Copy.objects.select_for_update().filter(pk=customer_id, store=store).exclude(state_at=None).first()


def _former(store: FollowedStore, kind: Kind, document: Any) -> Any:
    """Raises Conflict."""
    row = kind.model.objects.filter(**{kind.key: kind.columns_of(document)[kind.key]}).first()
    if row and not Copy.objects.filter(pk=row.user_id, store=store).exclude(state_at=None).exists():
        raise Conflict(NUMBER_TAKEN)
    return row


def _record(kind: Kind, document: Any, copy: Copy) -> Any:
    kept = erasure.redacted(document) if copy.is_erased else document
    return kind.record(user_id=copy.pk, document=kept, keep_counters=True)


def _is_newer(document: Mapping[str, Any], former: Mapping[str, Any]) -> bool:
    """As far as they tell; subscriptions don't."""
    latter, earlier = orders.moment(document.get("updated_at")), orders.moment(former.get("updated_at"))
    return document != former and not (latter and earlier and latter < earlier)


def _worth(row: Order | Subscription) -> dict[str, Any]:
    if isinstance(row, Subscription):
        return {"subscriptions_count": int(not row.is_test)}
    counts = row.payment_status in SUCCESSFUL_PAYMENT and not row.is_test
    return {"orders_count": int(counts), "total_spent": (row.total - row.refunded) if counts else Decimal(0)}


def _count(user_id: int, differences: Mapping[str, Any]) -> None:
    user = User.objects.select_for_update().get(pk=user_id)
    values: dict[str, Any] = {
        name: max(getattr(user, name) + difference, 0) for name, difference in differences.items()
    }
    if "total_spent" in values:
        values["total_spent"] = min(Decimal(values["total_spent"]), orders.MAX_AMOUNT).quantize(CENT)
    if values.get("orders_count") and user.user_type == UserType.LEAD:
        values["user_type"] = UserType.CUSTOMER
    services.change(user, values, SYSTEM)
