"""Filters of the lists of orders and subscriptions. All that are given must match.

The customer, the number, the dates and the payment have columns. Anything else is read from the documents, which takes
long in a large store.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import partial, reduce
from operator import or_
from typing import Any

from django.db import connection
from django.db.models import BooleanField, Func, Q, QuerySet, Value

from customers.core.dates import within_days
from customers.models import User
from customers.orders.lines import MAX_PRODUCT_ID
from customers.querysets import is_in_json_list
from oauth.errors import ServiceError

Rows = QuerySet[Any]
Filter = Callable[[Rows, Any], Rows]

ADDRESSES = ("shipping_address", "billing_address")
ADDRESS_LINES = ("line1", "line2", "line3", "line4", "state", "postcode")
ATTRIBUTION = (
    "utm_source", "utm_campaign", "utm_term", "utm_content", "affiliate", "subaffiliate1", "subaffiliate2",
    "subaffiliate3", "subaffiliate4", "subaffiliate5",
)  # fmt: skip
LOOKUPS = {
    **{name: f"document__attribution__{name}" for name in ATTRIBUTION},
    "funnels": "document__attribution__funnel__in",
    "agents": "document__attribution__agent__email__in",
    "is_test": "is_test",
}
# Names of filters, and the lookups that they stand for.
ORDER_LOOKUPS = {
    **LOOKUPS,
    "order_number": "number",
    "currency": "document__currency__iexact",
    "status": "document__status__in",
    "payment_status": "payment_status__in",
    "fulfillment_status": "document__fulfillment_status__in",
    "subscription_lifecycle": "document__subscription_lifecycle",
    "countries": "document__shipping_address__country__in",
    "sources": "document__source__in",
}
SUBSCRIPTION_LOOKUPS = {
    **LOOKUPS,
    "status": "status__in",
    "cancel_reason": "document__cancel_reason",
    "payment_method": "document__payment_method__in",
}


def filter_orders(orders: Rows, filters: Mapping[str, Any]) -> Rows:
    """`filters`: by the names of the Admin API. Raises ServiceError for one that this store does not have."""
    return _filtered(orders, filters, ORDER_LOOKUPS, ORDER_FILTERS)


def filter_subscriptions(subscriptions: Rows, filters: Mapping[str, Any]) -> Rows:
    """`filters`: by the names of the Admin API. Raises ServiceError for one that this store does not have."""
    return _filtered(subscriptions, filters, SUBSCRIPTION_LOOKUPS, SUBSCRIPTION_FILTERS)


def _filtered(
    rows: Rows, filters: Mapping[str, Any], lookups: Mapping[str, str], functions: Mapping[str, Filter]
) -> Rows:
    for name, value in filters.items():
        if name in lookups:
            rows = rows.filter(**{lookups[name]: value})
        elif name in functions:
            rows = functions[name](rows, value)
        else:
            raise ServiceError("This store does not keep what this filter looks for.", name)
    return rows


def _by_day(column: str, end: str) -> Filter:
    """Days in the store's time zone, both ends included."""
    return lambda rows, day: within_days(rows, column, *((day, None) if end == "from" else (None, day)))


def _by_customer(rows: Rows, people: Rows) -> Rows:
    return rows.filter(user__in=people.values("pk"))


def _by_text(key: str, rows: Rows, text: str) -> Rows:
    """A number that starts with the text, or a customer as the search of the dashboard finds one."""
    found = Q(user__in=User.objects.search(text).values("pk"))
    if key == "number":
        found |= Q(number__startswith=text.strip())
    elif text.strip().isdecimal() and len(text) < 19:
        found |= Q(external_id=int(text))
    return rows.filter(found)


def _by_address(rows: Rows, text: str) -> Rows:
    """One line of an address contains the text."""
    lookups = [f"document__{address}__{line}__icontains" for address in ADDRESSES for line in ADDRESS_LINES]
    return rows.filter(reduce(or_, (Q((lookup, text)) for lookup in lookups)))


def _by_entry(items: str, key: str, rows: Rows, values: Sequence[Any]) -> Rows:
    """The document's list `items` has an object whose `key` is one of the values."""
    return rows.filter(reduce(or_, (_has_entry(items, key, value) for value in values)))


def _has_entry(items: str, key: str, value: Any) -> Any:
    if connection.vendor == "postgresql":
        return Q(document__contains={items: [{key: value}]})
    # A reported list may have entries that are no objects.
    entry = f"CASE WHEN type = 'object' THEN json_extract(value, '$.{key}') END"
    entries = Func("document", Value(f"$.{items}"), template=f"(SELECT {entry} FROM json_each(%(expressions)s))")  # noqa: S608  constants
    return Func(Value(value), entries, template="%(expressions)s", arg_joiner=" IN ", output_field=BooleanField())


def _by_product(rows: Rows, ids: Sequence[int]) -> Rows:
    kept = [id for id in ids if abs(id) <= MAX_PRODUCT_ID]  # SQLite can't look for a larger one, and no row has it
    return _by_entry("lines", "product_id", rows, kept) if kept else rows.none()


def _by_tags(rows: Rows, tags: Sequence[str]) -> Rows:
    if connection.vendor == "postgresql":
        return rows.filter(reduce(or_, (Q(document__tags__contains=[tag]) for tag in tags)))
    return rows.filter(reduce(or_, (is_in_json_list(tag, "document", "$.tags") for tag in tags)))


def _by_renewal(end: str) -> Filter:
    """Days in UTC: the documents have dates as texts of ISO 8601, which are compared as texts."""

    def filter_rows(rows: Rows, day: date) -> Rows:
        if end == "from":
            return rows.filter(document__next_renewal_date__gte=day.isoformat())
        return rows.filter(document__next_renewal_date__lt=f"{day.isoformat()}U")  # after every time of that day

    return filter_rows


FILTERS: dict[str, Filter] = {
    "address": _by_address,
    "sku": partial(_by_entry, "lines", "sku"),
    "product": _by_product,
}
ORDER_FILTERS: dict[str, Filter] = {
    **FILTERS,
    "search_text": partial(_by_text, "number"),
    "name": lambda rows, text: _by_customer(rows, User.objects.with_name(text)),
    "payment_method": partial(_by_entry, "transactions", "payment_method"),
    "tags": _by_tags,
    "date_placed_from": _by_day("date_placed", "from"),
    "date_placed_to": _by_day("date_placed", "to"),
}
SUBSCRIPTION_FILTERS: dict[str, Filter] = {
    **FILTERS,
    "search_text": partial(_by_text, "external_id"),
    "order_number": lambda rows, number: _by_entry("orders", "order_number", rows, [number]),
    "customer_email": lambda rows, email: _by_customer(rows, User.objects.with_email(email)),
    "customer_phone_number": lambda rows, text: _by_customer(rows, User.objects.with_phone_number(text)),
    "date_from": _by_day("date_created", "from"),
    "date_to": _by_day("date_created", "to"),
    "next_renewal_date_from": _by_renewal("from"),
    "next_renewal_date_to": _by_renewal("to"),
}
