"""Orders and subscriptions of mirrored customers.

The store owns a customer's counters. An order event changes them by the difference between the order's values now and
before. An order that is new here, but was placed before the customer was last synced, is already counted.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, cast

from django.db import transaction

from customers import services
from customers.mirror.models import MirroredCustomer, MirroredStore
from customers.mirror.payload import MAX_ID, InvalidPayload
from customers.mirror.plan import ConflictReason
from customers.models import User, UserType
from customers.orders import services as orders
from customers.orders.models import SUCCESSFUL_PAYMENT, Order, Subscription
from customers.orders.redaction import redact
from oauth.actor import SYSTEM
from oauth.errors import ServiceError

CENT = Decimal("0.01")
NUMBER_TAKEN = "another customer here has one with this number"


class CustomerUnknown(ServiceError):
    """The customer of an order is not here yet. The store must send the customer first, then the order again."""

    code = "customer_unknown"

    def __init__(self):
        super().__init__("The customer is not here yet. Retry later.")


class MirrorConflict(ServiceError):
    """Applying an event would change somebody who is not mirrored from the store."""

    code = "conflict"


@dataclass(frozen=True, slots=True)
class DocumentType:
    """Orders or subscriptions. `key`: the column that identifies one; `placed_at`: the column with its date;
    `path`: where the API lists a customer's; `counter`: the customer's field that counts them.

    `columns_of` raises ServiceError.
    """

    model: Any
    key: str
    placed_at: str
    path: str
    counter: str
    columns_of: Callable[[Any], dict[str, Any]]
    record: Callable[..., Any]


# By the first part of the type of an event.
DOCUMENT_TYPES = {
    "order": DocumentType(
        Order, "number", "date_placed", "orders", "orders_count", orders.order_columns, orders.record_order
    ),
    "subscription": DocumentType(
        Subscription,
        "external_id",
        "date_created",
        "subscriptions",
        "subscriptions_count",
        orders.subscription_columns,
        orders.record_subscription,
    ),
}


def customer_id_of(document_type: DocumentType, document: Any) -> int:
    """From the document, or else from the row that it replaces. Raises ServiceError."""
    key = document_type.columns_of(document)[document_type.key]
    user = document.get("user")
    given = user.get("id") if isinstance(user, Mapping) else document.get("user_id")
    rows = document_type.model.objects.filter(**{document_type.key: key})
    customer_id = given or rows.values_list("user_id", flat=True).first()
    if type(customer_id) is not int or not 0 < customer_id <= MAX_ID:
        raise InvalidPayload("The document does not name its customer.", "user")
    return customer_id


@transaction.atomic
def apply_document(store: MirroredStore, document_type: DocumentType, document: Any) -> bool:
    """Keeps an order or a subscription, and updates the counters. Returns False, and changes nothing, if the document
    is older than the one that is here, or the same.

    Raises ServiceError for an invalid document, CustomerUnknown, MirrorConflict.
    """
    customer_id = customer_id_of(document_type, document)
    customer = _lock_synced(store, customer_id)
    if customer is None and User.objects.filter(pk=customer_id).exists():
        raise MirrorConflict(ConflictReason.ID_TAKEN)
    if customer is None:
        raise CustomerUnknown
    columns = document_type.columns_of(document)
    former = _former_row(store, document_type, document)
    if former and not _is_newer(document, former.document):
        return False
    counted = _counts(former) if former else {}
    if former is None and columns[document_type.placed_at] <= cast(datetime, customer.synced_as_of):
        counted = _counts(document_type.model(**columns))
    row = _record(document_type, document, customer)
    if former and former.user_id != customer_id:
        _add_to_counters(former.user_id, {name: -value for name, value in counted.items()})
        counted = {}
    _add_to_counters(customer_id, {name: value - counted.get(name, 0) for name, value in _counts(row).items()})
    return True


@transaction.atomic
def store_documents(store: MirroredStore, customer_id: int, documents: Mapping[str, list[Any]]) -> list[str]:
    """Keeps all orders and subscriptions that the store lists for a customer. Leaves the counters as they are.

    `documents`: by the names of DOCUMENT_TYPES. Returns why some of them were rejected.
    """
    customer = _lock_synced(store, customer_id)
    if customer is None:
        return []
    rejected = []
    for name, listed in documents.items():
        document_type = DOCUMENT_TYPES[name]
        rows = document_type.model.objects.filter(user=customer_id)
        known = dict(rows.values_list(document_type.key, "document"))
        for document in listed:
            try:
                if known.get(document_type.columns_of(document)[document_type.key]) != document:
                    _former_row(store, document_type, document)
                    _record(document_type, document, customer)
            except ServiceError as error:
                rejected.append(f"{name}: {'.'.join(map(str, error.path)) or error.message}")
    return rejected


def _lock_synced(store: MirroredStore, customer_id: int) -> MirroredCustomer | None:
    """None where no data of the customer is here."""
    return MirroredCustomer.objects.synced().select_for_update().filter(pk=customer_id, store=store).first()


def _former_row(store: MirroredStore, document_type: DocumentType, document: Any) -> Any:
    """The row that the document replaces, or None. Raises MirrorConflict."""
    key = document_type.columns_of(document)[document_type.key]
    row = document_type.model.objects.filter(**{document_type.key: key}).first()
    if row and not MirroredCustomer.objects.synced().filter(pk=row.user_id, store=store).exists():
        raise MirrorConflict(NUMBER_TAKEN)
    return row


def _record(document_type: DocumentType, document: Any, customer: MirroredCustomer) -> Any:
    kept = redact(document) if customer.is_erased else document
    return document_type.record(user_id=customer.pk, document=kept, keep_counters=True)


def _is_newer(document: Mapping[str, Any], former: Mapping[str, Any]) -> bool:
    """By `updated_at`, which subscriptions don't have: of those, the document that came last is the newest."""
    updated_at, former_updated_at = (orders.moment(each.get("updated_at")) for each in (document, former))
    is_older = updated_at and former_updated_at and updated_at < former_updated_at
    return document != former and not is_older


def _counts(row: Order | Subscription) -> dict[str, Any]:
    """What the row adds to the counters of its customer."""
    if isinstance(row, Subscription):
        return {"subscriptions_count": int(not row.is_test)}
    is_counted = row.payment_status in SUCCESSFUL_PAYMENT and not row.is_test
    return {"orders_count": int(is_counted), "total_spent": (row.total - row.refunded) if is_counted else Decimal(0)}


def _add_to_counters(user_id: int, differences: Mapping[str, Any]) -> None:
    user = User.objects.select_for_update().get(pk=user_id)
    values: dict[str, Any] = {
        name: max(getattr(user, name) + difference, 0) for name, difference in differences.items()
    }
    if "total_spent" in values:
        values["total_spent"] = min(Decimal(values["total_spent"]), orders.MAX_AMOUNT).quantize(CENT)
    if values.get("orders_count") and user.user_type == UserType.LEAD:
        values["user_type"] = UserType.CUSTOMER
    services.save_changes(user, values, SYSTEM)
