"""Rows of the tables in Medusa's shapes. Only the requested relations are read, with one query for each."""

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db.models import FilteredRelation, Q, QuerySet

from customers.core.prepared_query import PreparedQuery
from customers.groups.models import CustomerGroup
from customers.groups.services import Membership
from customers.medusa import ids
from customers.models import Address, Customer, User
from customers.orders.models import Order, PaymentStatus
from oauth.accounts import staff

CUSTOMER_COLUMNS = (
    "id", "date_joined", "updated_at", "email", "first_name", "last_name", "phone_number", "has_account", "metadata",
    "billing__id", "billing__created_at",
)  # fmt: skip
ADDRESS_COLUMNS = (
    "id", "created_at", "updated_at", "user_id", "first_name", "last_name", "line1", "line2", "line3", "line4",
    "country", "state", "postcode", "phone_number", "is_default_for_billing",
)  # fmt: skip
GROUP_COLUMNS = ("id", "created_at", "updated_at", "name", "metadata")
ORDER_COLUMNS = ("id", "user_id", "number", "date_placed", "payment_status", "currency")
# Medusa's names for the states of a payment.
PAYMENT_STATUS = {
    PaymentStatus.PENDING: "not_paid",
    PaymentStatus.AUTHORIZED: "awaiting",
    PaymentStatus.EXPIRING: "awaiting",
    PaymentStatus.EXPIRED: "canceled",
    PaymentStatus.PAID: "captured",
    PaymentStatus.VOIDED: "canceled",
    PaymentStatus.REFUNDED: "refunded",
    PaymentStatus.PARTIALLY_PAID: "awaiting",
    PaymentStatus.PARTIALLY_REFUNDED: "partially_refunded",
    PaymentStatus.PARTIALLY_VOIDED: "captured",
}

Row = dict[str, Any]


def with_billing_address(customers: QuerySet) -> QuerySet:
    """Rows of `CUSTOMER_COLUMNS`."""
    billing = FilteredRelation("addresses", condition=Q(addresses__is_default_for_billing=True))
    return customers.annotate(billing=billing).values(*CUSTOMER_COLUMNS)


_customer = PreparedQuery(lambda id: with_billing_address(Customer.objects.filter(pk=id)))
_addresses = PreparedQuery(
    lambda *user_ids: Address.objects.filter(user_id__in=user_ids).order_by("id").values(*ADDRESS_COLUMNS)
)
_orders = PreparedQuery(
    lambda *user_ids: Order.objects.filter(user_id__in=user_ids).newest_first().values(*ORDER_COLUMNS)
)
_memberships = PreparedQuery(
    lambda *user_ids: (
        Membership.objects.filter(user_id__in=user_ids)
        .order_by("customergroup_id")
        .values("user_id", *(f"customergroup__{name}" for name in GROUP_COLUMNS))
    )
)


@lru_cache(maxsize=32)
def newest_customers(limit: int) -> PreparedQuery:
    """The first page of all customers, which is requested most often."""
    return PreparedQuery(lambda: with_billing_address(Customer.objects.newest_first())[:limit])


def customer_with_id(id: str) -> Row | None:
    """The row of a customer, with `CUSTOMER_COLUMNS`. None for an unknown id."""
    number = ids.decoded(ids.CUSTOMER, id)
    found = _customer(number) if number is not None else []
    return next((row for row in found if ids.encoded(ids.CUSTOMER, row["id"], row["date_joined"]) == id), None)


def customers_with_ids(wanted: Iterable[str]) -> dict[str, int]:
    """The primary keys of the customers that exist, by their ids."""
    numbers = [number for id in wanted if (number := ids.decoded(ids.CUSTOMER, id)) is not None]
    created = dict(Customer.objects.filter(pk__in=numbers).values_list("pk", "date_joined")) if numbers else {}
    known = {ids.encoded(ids.CUSTOMER, number, at): number for number, at in created.items()}
    return {id: known[id] for id in wanted if id in known}


def group_with_id(id: str) -> CustomerGroup | None:
    return next(iter(groups_with_ids([id])), None)


def groups_with_ids(wanted: Iterable[str]) -> list[CustomerGroup]:
    wanted = set(wanted)
    numbers = [number for id in wanted if (number := ids.decoded(ids.GROUP, id)) is not None]
    groups = CustomerGroup.objects.filter(pk__in=numbers).order_by("pk") if numbers else []
    return [group for group in groups if group_id(group) in wanted]


def group_id(group: CustomerGroup) -> str:
    return ids.encoded(ids.GROUP, group.pk, group.created_at)


def format_datetime(value: datetime) -> str:
    """`2026-11-21T17:34:21.623Z`. `value` is in UTC, as the database returns it."""
    return f"{value.isoformat(timespec='milliseconds')[:-6]}Z"


def customer(row: Row) -> Row:
    billing_id = row["billing__id"]
    return {
        "id": ids.encoded(ids.CUSTOMER, row["id"], row["date_joined"]),
        "created_at": format_datetime(row["date_joined"]),
        "updated_at": format_datetime(row["updated_at"]),
        "deleted_at": None,
        "email": row["email"],
        "first_name": row["first_name"],
        "last_name": row["last_name"],
        "billing_address_id": billing_id and ids.encoded(ids.ADDRESS, billing_id, row["billing__created_at"]),
        "phone": row["phone_number"],
        "has_account": bool(row["has_account"]),
        "metadata": row["metadata"],
    }


def new_customer(user: User, *, has_account: bool) -> Row:
    """A customer who was just created, without addresses."""
    return customer({**vars(user), "has_account": has_account, "billing__id": None})


def address(row: Row, customer_id: str) -> Row:
    return {
        "id": ids.encoded(ids.ADDRESS, row["id"], row["created_at"]),
        "created_at": format_datetime(row["created_at"]),
        "updated_at": format_datetime(row["updated_at"]),
        "deleted_at": None,
        "customer_id": customer_id,
        "company": None,
        "first_name": row["first_name"] or None,
        "last_name": row["last_name"] or None,
        "address_1": row["line1"] or None,
        "address_2": ", ".join(filter(None, (row["line2"], row["line3"]))) or None,
        "city": row["line4"] or None,
        "country_code": row["country"].lower() or None,
        "province": row["state"] or None,
        "postal_code": row["postcode"] or None,
        "phone": row["phone_number"] or None,
        "metadata": None,
    }


def group(row: Row) -> Row:
    return {
        "id": ids.encoded(ids.GROUP, row["id"], row["created_at"]),
        "created_at": format_datetime(row["created_at"]),
        "updated_at": format_datetime(row["updated_at"]),
        "deleted_at": None,
        "name": row["name"],
        "metadata": row["metadata"],
    }


def order(row: Row, customer: Row) -> Row:
    """The fields that our columns have: the stored document is not in Medusa's shape."""
    return {
        "id": ids.encoded(ids.ORDER, row["id"], row["date_placed"]),
        "created_at": format_datetime(row["date_placed"]),
        "updated_at": format_datetime(row["date_placed"]),
        "status": "pending",
        "payment_status": PAYMENT_STATUS[row["payment_status"]],
        "display_id": row["id"],
        "external_id": row["number"],
        "customer_id": customer["id"],
        "email": customer["email"],
        "currency_code": row["currency"].lower(),
        "metadata": None,
    }


def user(user: User) -> Row:
    """A member of staff."""
    return {
        "id": ids.encoded(ids.USER, user.pk, user.date_joined),
        "created_at": format_datetime(user.date_joined),
        "updated_at": format_datetime(user.updated_at),
        "deleted_at": None,
        "role": "admin" if staff.role_of(user) == staff.Role.OWNER else "member",
        "email": user.email,
        "first_name": user.first_name or None,
        "last_name": user.last_name or None,
        "api_token": None,
        "metadata": user.metadata,
    }


def customers(rows: list[Row], relations: Iterable[str]) -> list[Row]:
    """Customers in Medusa's shape, each with these `RELATIONS`."""
    by_key = {row["id"]: customer(row) for row in rows}
    if by_key:
        for relation in relations:
            RELATIONS[relation](by_key)
    return list(by_key.values())


def _embed_addresses(by_key: dict[int, Row]) -> None:
    for customer in by_key.values():
        customer["shipping_addresses"] = []
    for row in _addresses(*by_key):
        owner = by_key[row["user_id"]]
        owner["shipping_addresses"].append(address(row, owner["id"]))


def _embed_billing_address(by_key: dict[int, Row]) -> None:
    for customer in by_key.values():
        customer["billing_address"] = None
    for row in _addresses(*by_key):
        if row["is_default_for_billing"]:
            owner = by_key[row["user_id"]]
            owner["billing_address"] = address(row, owner["id"])


def _embed_orders(by_key: dict[int, Row]) -> None:
    for customer in by_key.values():
        customer["orders"] = []
    for row in _orders(*by_key):
        owner = by_key[row["user_id"]]
        owner["orders"].append(order(row, owner))


def _embed_groups(by_key: dict[int, Row]) -> None:
    for customer in by_key.values():
        customer["groups"] = []
    for row in _memberships(*by_key):
        columns = {name: row[f"customergroup__{name}"] for name in GROUP_COLUMNS}
        by_key[row["user_id"]]["groups"].append(group(columns))


# By the names that `expand` may have: functions that add a relation to customers, given by primary key.
RELATIONS: dict[str, Callable[[dict[int, Row]], None]] = {
    "orders": _embed_orders,
    "shipping_addresses": _embed_addresses,
    "billing_address": _embed_billing_address,
    "groups": _embed_groups,
}
