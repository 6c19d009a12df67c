"""What goes out: rows of the tables in Medusa's shapes. Only what is asked for is read, in one query for each kind."""

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
# What Medusa calls the state of a payment.
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
    """The first page of everybody, which is what is asked for most."""
    return PreparedQuery(lambda: with_billing_address(Customer.objects.newest_first())[:limit])


def customer_with_id(id: str) -> Row | None:
    """As in the table, of `CUSTOMER_COLUMNS`."""
    number = ids.number_in(ids.CUSTOMER, id)
    found = _customer(number) if number is not None else []
    return next((row for row in found if ids.encoded(ids.CUSTOMER, row["id"], row["date_joined"]) == id), None)


def customers_with_ids(wanted: Iterable[str]) -> dict[str, int]:
    """Of the customers that are there, by their ids, the numbers."""
    numbers = [number for id in wanted if (number := ids.number_in(ids.CUSTOMER, id)) is not None]
    made = dict(Customer.objects.filter(pk__in=numbers).values_list("pk", "date_joined")) if numbers else {}
    known = {ids.encoded(ids.CUSTOMER, number, at): number for number, at in made.items()}
    return {id: known[id] for id in wanted if id in known}


def group_with_id(id: str) -> CustomerGroup | None:
    return next(iter(groups_with_ids([id])), None)


def groups_with_ids(wanted: Iterable[str]) -> list[CustomerGroup]:
    wanted = set(wanted)
    numbers = [number for id in wanted if (number := ids.number_in(ids.GROUP, id)) is not None]
    groups = CustomerGroup.objects.filter(pk__in=numbers).order_by("pk") if numbers else []
    return [group for group in groups if group_id(group) in wanted]


def group_id(group: CustomerGroup) -> str:
    return ids.encoded(ids.GROUP, group.pk, group.created_at)


def moment(value: datetime) -> str:
    """`2026-11-21T17:34:21.623Z`, of a moment in UTC, as the database gives it."""
    return f"{value.isoformat(timespec='milliseconds')[:-6]}Z"


def customer(row: Row) -> Row:
    billing_id = row["billing__id"]
    return {
        "id": ids.encoded(ids.CUSTOMER, row["id"], row["date_joined"]),
        "created_at": moment(row["date_joined"]),
        "updated_at": moment(row["updated_at"]),
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
    """Of a person who was just stored, and has no addresses."""
    return customer({**vars(user), "has_account": has_account, "billing__id": None})


def address(row: Row, customer_id: str) -> Row:
    return {
        "id": ids.encoded(ids.ADDRESS, row["id"], row["created_at"]),
        "created_at": moment(row["created_at"]),
        "updated_at": moment(row["updated_at"]),
        "deleted_at": None,
        "customer_id": customer_id,
        "company": None,
        "first_name": row["first_name"],
        "last_name": row["last_name"],
        "address_1": row["line1"],
        "address_2": ", ".join(filter(None, (row["line2"], row["line3"]))),
        "city": row["line4"],
        "country_code": row["country"].lower(),
        "province": row["state"],
        "postal_code": row["postcode"],
        "phone": row["phone_number"],
        "metadata": None,
    }


def group(row: Row) -> Row:
    return {
        "id": ids.encoded(ids.GROUP, row["id"], row["created_at"]),
        "created_at": moment(row["created_at"]),
        "updated_at": moment(row["updated_at"]),
        "deleted_at": None,
        "name": row["name"],
        "metadata": row["metadata"],
    }


def order(row: Row, customer: Row) -> Row:
    """What the columns tell: an order system reports in a shape that is not Medusa's."""
    return {
        "id": ids.encoded(ids.ORDER, row["id"], row["date_placed"]),
        "created_at": moment(row["date_placed"]),
        "updated_at": moment(row["date_placed"]),
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
    """Somebody of the staff."""
    return {
        "id": ids.encoded(ids.USER, user.pk, user.date_joined),
        "created_at": moment(user.date_joined),
        "updated_at": moment(user.updated_at),
        "deleted_at": None,
        "role": "admin" if staff.role_of(user) == staff.Role.OWNER else "member",
        "email": user.email,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "api_token": None,
        "metadata": user.metadata,
    }


def customers(rows: list[Row], relations: Iterable[str]) -> list[Row]:
    """In Medusa's shape, each with these `RELATIONS`."""
    shown = {row["id"]: customer(row) for row in rows}
    if shown:
        for relation in relations:
            RELATIONS[relation](shown)
    return list(shown.values())


def _embed_addresses(shown: dict[int, Row]) -> None:
    for row in shown.values():
        row["shipping_addresses"] = []
    for found in _addresses(*shown):
        owner = shown[found["user_id"]]
        owner["shipping_addresses"].append(address(found, owner["id"]))


def _embed_billing_address(shown: dict[int, Row]) -> None:
    for row in shown.values():
        row["billing_address"] = None
    for found in _addresses(*shown):
        if found["is_default_for_billing"]:
            owner = shown[found["user_id"]]
            owner["billing_address"] = address(found, owner["id"])


def _embed_orders(shown: dict[int, Row]) -> None:
    for row in shown.values():
        row["orders"] = []
    for found in _orders(*shown):
        owner = shown[found["user_id"]]
        owner["orders"].append(order(found, owner))


def _embed_groups(shown: dict[int, Row]) -> None:
    for row in shown.values():
        row["groups"] = []
    for found in _memberships(*shown):
        columns = {name: found[f"customergroup__{name}"] for name in GROUP_COLUMNS}
        shown[found["user_id"]]["groups"].append(group(columns))


# What `expand` may name. Of the rows by their numbers.
RELATIONS: dict[str, Callable[[dict[int, Row]], None]] = {
    "orders": _embed_orders,
    "shipping_addresses": _embed_addresses,
    "billing_address": _embed_billing_address,
    "groups": _embed_groups,
}
