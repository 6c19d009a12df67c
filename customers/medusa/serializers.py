"""Rows of the tables in Medusa's shapes. One query reads customers with their relations, and one more their groups."""

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db.models import FilteredRelation, Q

from customers.core.json_rows import JSONRows
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
    "id", "created_at", "updated_at", "first_name", "last_name", "line1", "line2", "line3", "line4",
    "country", "state", "postcode", "phone_number", "is_default_for_billing",
)  # fmt: skip
GROUP_COLUMNS = ("id", "created_at", "updated_at", "name", "metadata")
ORDER_COLUMNS = ("id", "number", "date_placed", "payment_status", "currency")
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


def everybody() -> Any:
    """All customers; `billing` is the default billing address.

    Unlike the condition of `Customer.objects`, this one has no parameters. So PostgreSQL can use the index of customers
    in a plan for all parameters, too.
    """
    billing = FilteredRelation("addresses", condition=Q(addresses__is_default_for_billing=True))
    return User.objects.filter(is_staff=False).annotate(billing=billing)


@lru_cache(maxsize=32)
def customer_rows(relations: frozenset[str] = frozenset()) -> Any:
    """All customers, as rows of `CUSTOMER_COLUMNS`, with `order_list` and `address_list` (JSON) where the `relations`
    need them. Kept, because Django takes long to build it."""
    lists = {}
    if "orders" in relations:
        lists["order_list"] = JSONRows("pk", owner=Order._meta.get_field("user"), columns=ORDER_COLUMNS)
    if not relations.isdisjoint(("shipping_addresses", "billing_address")):
        lists["address_list"] = JSONRows("pk", owner=Address._meta.get_field("user"), columns=ADDRESS_COLUMNS)
    return everybody().annotate(**lists).values(*CUSTOMER_COLUMNS, *lists)


@lru_cache(maxsize=32)
def one_customer(relations: frozenset[str]) -> PreparedQuery:
    return PreparedQuery(lambda id: customer_rows(relations).filter(pk=id))


@lru_cache(maxsize=32)
def newest_customers(limit: int, relations: frozenset[str] = frozenset()) -> PreparedQuery:
    """The first page of all customers, which is requested most often."""
    return PreparedQuery(lambda: customer_rows(relations).newest_first()[:limit])


_memberships = PreparedQuery(
    lambda *user_ids: (
        Membership.objects.filter(user_id__in=user_ids)
        .order_by("customergroup_id")
        .values("user_id", *(f"customergroup__{name}" for name in GROUP_COLUMNS))
    )
)


def customer_with_id(id: str, relations: Iterable[str] = ()) -> Row | None:
    """The row of a customer, as `customer_rows` reads it. None for an unknown id."""
    number = ids.decoded(ids.CUSTOMER, id)
    found = one_customer(frozenset(relations))(number) if number is not None else []
    return next((row for row in found if customer_id(row) == id), None)


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


def customer_id(row: Row) -> str:
    return ids.encoded(ids.CUSTOMER, row["id"], row["date_joined"])


def group_id(group: CustomerGroup) -> str:
    return ids.encoded(ids.GROUP, group.pk, group.created_at)


def format_datetime(value: datetime) -> str:
    """`2026-11-21T17:34:21.623Z`. `value` is in UTC, as the database returns it."""
    return f"{value.isoformat(timespec='milliseconds')[:-6]}Z"


def customer(row: Row) -> Row:
    billing_id = row["billing__id"]
    return {
        "id": customer_id(row),
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


def new_customer(person: Row, *, has_account: bool) -> Row:
    """A customer who was just created, without addresses. `person`: their columns."""
    return customer({**person, "has_account": has_account, "billing__id": None})


def address(row: Row, customer_id: str) -> Row:
    """`row` from an `address_list`, whose times are texts."""
    created_at = datetime.fromisoformat(row["created_at"])
    return {
        "id": ids.encoded(ids.ADDRESS, row["id"], created_at),
        "created_at": format_datetime(created_at),
        "updated_at": format_datetime(datetime.fromisoformat(row["updated_at"])),
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
    """`row` from an `order_list`, whose times are texts. The fields that our columns have: the stored document is not
    in Medusa's shape."""
    date_placed = datetime.fromisoformat(row["date_placed"])
    return {
        "id": ids.encoded(ids.ORDER, row["id"], date_placed),
        "created_at": format_datetime(date_placed),
        "updated_at": format_datetime(date_placed),
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
    """Rows of `customer_rows` in Medusa's shape, each with these `RELATIONS`."""
    shown = [customer(row) for row in rows]
    if rows:
        for relation in relations:
            RELATIONS[relation](rows, shown)
    return shown


def _embed_addresses(rows: list[Row], shown: list[Row]) -> None:
    for row, customer in zip(rows, shown, strict=True):
        customer["shipping_addresses"] = [address(each, customer["id"]) for each in row["address_list"]]


def _embed_billing_address(rows: list[Row], shown: list[Row]) -> None:
    for row, customer in zip(rows, shown, strict=True):
        billing = [each for each in row["address_list"] if each["id"] == row["billing__id"]]
        customer["billing_address"] = address(billing[0], customer["id"]) if billing else None


def _embed_orders(rows: list[Row], shown: list[Row]) -> None:
    """The newest first."""
    for row, customer in zip(rows, shown, strict=True):
        orders = [order(each, customer) for each in row["order_list"]]
        customer["orders"] = sorted(orders, key=lambda order: order["id"], reverse=True)


def _embed_groups(rows: list[Row], shown: list[Row]) -> None:
    groups: dict[int, list[Row]] = {row["id"]: [] for row in rows}
    for row in _memberships(*groups):
        columns = {name: row[f"customergroup__{name}"] for name in GROUP_COLUMNS}
        groups[row["user_id"]].append(group(columns))
    for row, customer in zip(rows, shown, strict=True):
        customer["groups"] = groups[row["id"]]


# By the names that `expand` may have: functions that add a relation to customers, who are given as rows and as shown.
RELATIONS: dict[str, Callable[[list[Row], list[Row]], None]] = {
    "orders": _embed_orders,
    "shipping_addresses": _embed_addresses,
    "billing_address": _embed_billing_address,
    "groups": _embed_groups,
}
