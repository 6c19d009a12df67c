"""What the pages of orders, subscriptions and carts show of a document.

A document comes from another system, so a value of an unexpected type is treated as absent.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from customers.orders.models import Cart, Order, Subscription
from customers.orders.services import MAX_EXTERNAL_ID, moment

AMOUNT = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,4})?")
GOOD = {"paid", "fulfilled", "active", "success", "succeeded", "delivered", "completed"}
WARNING = {
    "pending", "authorized", "expiring", "expired", "partially_paid", "partially_fulfilled", "processing", "on_hold",
    "incomplete", "past_due", "retrying", "paused", "in_transit",
}  # fmt: skip
DANGER = {"failed", "failure", "rejected", "declined"}
MAX_LINKED = 100  # orders or subscriptions that a page links to


class Chip(NamedTuple):
    label: str
    tone: str


class Total(NamedTuple):
    """An amount in the currency of the order, and in that of the store's reports."""

    label: str
    charged: Decimal | None
    reported: Decimal | None


class Link(NamedTuple):
    """`pk`: None if the store does not have the row."""

    label: str
    pk: int | None


@dataclass
class Page:
    """`reported_in`: empty if all amounts are in `currency`. `facts`: pairs of a name and a text."""

    currency: str
    reported_in: str
    chips: list[Chip]
    lines: list[dict[str, Any]]
    totals: list[Total]
    addresses: list[tuple[str, dict[str, Any]]]
    facts: list[tuple[str, Any]]
    moments: list[tuple[str, datetime | None]]
    document: str
    payments: list[dict[str, Any]] = field(default_factory=list)
    refunds: list[dict[str, Any]] = field(default_factory=list)
    fulfilments: list[dict[str, Any]] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)


def order_page(order: Order) -> Page:
    document = _part(order.document)
    report = _part(document.get("report_values"))
    currency = _text(document.get("currency")) or order.currency
    reported_in = _text(report.get("currency")) or currency
    refunds = _rows(document.get("refunds"))
    has_report = reported_in != currency and bool(report)
    return Page(
        currency=currency,
        reported_in=reported_in if has_report else "",
        chips=_chips(order.payment_status, document.get("fulfillment_status"), is_test=order.is_test),
        lines=[_line(each) for each in _rows(document.get("lines"))],
        totals=_totals(
            _order_totals(document, refunds),
            _order_totals(report, [_part(each.get("report_values")) for each in refunds]) if has_report else {},
        ),
        addresses=_addresses(document),
        facts=_facts(document, "status", "source", "shipping_method", "subscription_lifecycle"),
        moments=[("Placed", order.date_placed), ("Last change", moment(document.get("updated_at")))],
        document=_pretty(order.document),
        payments=[_payment(each) for each in _rows(document.get("transactions"))],
        refunds=[_refund(each) for each in refunds],
        fulfilments=[_fulfilment(each) for each in _rows(document.get("fulfillments"))],
        links=_subscription_links(document),
    )


def subscription_page(subscription: Subscription) -> Page:
    document = _part(subscription.document)
    lines = [_line(each) for each in _rows(document.get("lines"))]
    for line in lines:
        line["amount"] = line["unit_price"] and line["unit_price"] * line["quantity"]
    return Page(
        currency=_text(document.get("currency")),
        reported_in="",
        chips=_chips(subscription.status, is_test=subscription.is_test),
        lines=lines,
        totals=_totals({"Shipping": _amount(document.get("shipping_price")), "Total": _amount(document.get("total"))}),
        addresses=_addresses(document),
        facts=_facts(document, "frequency", "payment_method", "cancel_reason", "cancel_reason_other_message"),
        moments=[
            ("Created", subscription.date_created),
            ("Next renewal", moment(document.get("next_renewal_date"))),
            ("Paused at", moment(document.get("paused_at"))),
            ("Paused until", moment(document.get("paused_until"))),
        ],
        document=_pretty(subscription.document),
        links=_order_links(document),
    )


def cart_page(cart: Cart) -> Page:
    document = _part(cart.document)
    return Page(
        currency=cart.currency,
        reported_in="",
        chips=[],
        lines=[_line(each) for each in _rows(document.get("lines"))],
        totals=_totals({"Total": cart.total}),
        addresses=[],
        facts=_facts(document),
        moments=[("Created", cart.created_at)],
        document=_pretty(cart.document),
    )


def state_of(value: Any) -> Chip | None:
    """The state's label, with the colour of what it means. None if there is no state."""
    state = _text(value)
    tone = "good" if state in GOOD else "warning" if state in WARNING else "danger" if state in DANGER else "neutral"
    return Chip(_words(state), tone) if state else None


def _chips(*states: Any, is_test: bool = False) -> list[Chip]:
    found = [state for state in map(state_of, states) if state]
    return [*found, Chip("Test", "neutral")] if is_test else found


def _line(line: Mapping[str, Any]) -> dict[str, Any]:
    quantity, product = line.get("quantity"), _text(line.get("product_id"))
    return {
        "title": _text(line.get("product_title")) or _text(line.get("sku")) or f"Product {product}",
        "variant": _text(line.get("variant_title")),
        "sku": _text(line.get("sku")),
        "quantity": quantity if type(quantity) is int and 0 <= quantity < 10**9 else 1,
        "unit_price": _amount(line.get("price")),
        "amount": _amount(line.get("price_incl_tax")),
        "reported": _amount(_part(line.get("report_values")).get("price_incl_tax")),
        "properties": [
            (_text(each.get("key")), value)
            for each in _rows(line.get("properties"))
            if (value := _text(each.get("value")))
        ],
    }


def _order_totals(values: Mapping[str, Any], refunds: Iterable[Mapping[str, Any]]) -> dict[str, Decimal | None]:
    total, without_tax = _amount(values.get("total_incl_tax")), _amount(values.get("total_excl_tax"))
    shipping, discount = _amount(values.get("shipping_incl_tax")), _amount(values.get("total_discount"))
    refunded = sum((_amount(each.get("total_refund_amount")) or Decimal(0) for each in refunds), Decimal(0))
    return {
        "Lines": None if total is None or shipping is None else total - shipping,
        "Shipping": shipping,
        "Total": total,
        "Tax included": None if total is None or without_tax is None else total - without_tax,
        "Discount deducted": discount or None,
        "Refunded": -refunded if refunded else None,
        "After refunds": total - refunded if refunded and total is not None else None,
    }


def _totals(charged: Mapping[str, Decimal | None], reported: Mapping[str, Decimal | None] | None = None) -> list[Total]:
    reported = reported or {}
    return [
        Total(label, amount, reported.get(label))
        for label, amount in charged.items()
        if amount is not None or reported.get(label) is not None
    ]


def _addresses(document: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    shipping, billing = (_part(document.get(f"{kind}_address")) for kind in ("shipping", "billing"))
    found = [
        (title, _address(each))
        for title, each in (("Shipping address", shipping), ("Billing address", billing))
        if each
    ]
    if len(found) == 2 and found[0][1] == found[1][1]:
        return [("Shipping and billing address", found[0][1])]
    return found


def _address(address: Mapping[str, Any]) -> dict[str, Any]:
    city = " ".join(filter(None, (_joined(address, "line4", "state", separator=", "), _text(address.get("postcode")))))
    streets = [_text(address.get(name)) for name in ("line1", "line2", "line3")]
    return {
        "lines": [line for line in (_joined(address, "first_name", "last_name"), *streets, city) if line],
        "country": _text(address.get("country")),
        "phone_number": _text(address.get("phone_number")),
        "notes": _text(address.get("notes")),
    }


def _facts(document: Mapping[str, Any], *names: str) -> list[tuple[str, str]]:
    attribution, tags = _part(document.get("attribution")), document.get("tags")
    found = [
        *((_words(name), _words(_text(document.get(name)))) for name in names),
        ("Tags", ", ".join(map(_text, tags)) if isinstance(tags, list) else ""),
        ("Campaign", _joined(attribution, "utm_source", "utm_medium", "utm_campaign", separator=" / ")),
        *((_words(name), _text(attribution.get(name))) for name in ("funnel", "affiliate")),
        ("Agent", _joined(_part(attribution.get("agent")), "first_name", "last_name")),
        *((key, _text(value)) for key, value in _part(document.get("metadata")).items()),
    ]
    return [(label, text) for label, text in found if text]


def _payment(payment: Mapping[str, Any]) -> dict[str, Any]:
    details = _part(payment.get("payment_details"))
    last_four = _text(details.get("bankcard_last_four"))
    return {
        "at": moment(payment.get("date_created")),
        "type": _words(_text(payment.get("type"))) or "Payment",
        "method": _words(_text(payment.get("payment_method"))) + (f" ending in {last_four}" if last_four else ""),
        "gateway": _text(_part(details.get("gateway")).get("name")),
        "amount": _amount(payment.get("amount")),
        "currency": _text(payment.get("currency")),
        "chip": state_of(payment.get("status")),
    }


def _refund(refund: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "at": moment(refund.get("created_at")),
        "note": _text(refund.get("note")),
        "amount": _amount(refund.get("total_refund_amount")),
        "reported": _amount(_part(refund.get("report_values")).get("total_refund_amount")),
    }


def _fulfilment(fulfilment: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "at": moment(fulfilment.get("created_at")),
        "chips": _chips(fulfilment.get("status"), fulfilment.get("delivery_status")),
        "method": _text(fulfilment.get("shipping_method")) or _words(_text(fulfilment.get("tracking_carrier"))),
        "tracking_code": _text(fulfilment.get("tracking_code")),
        "tracking_link": _web_link(fulfilment.get("tracking_link")),
        "items": [_line(each) for each in _rows(fulfilment.get("line_items"))],
    }


def _subscription_links(document: Mapping[str, Any]) -> list[Link]:
    ids = [each.get("id") for each in _rows(document.get("subscriptions"))][:MAX_LINKED]
    known = [each for each in ids if type(each) is int and 0 < each <= MAX_EXTERNAL_ID]
    found = Subscription.objects.filter(external_id__in=known).values_list("external_id", "pk") if known else ()
    pks = dict(found)
    return [Link(f"Subscription {each}", pks.get(each)) for each in known]


def _order_links(document: Mapping[str, Any]) -> list[Link]:
    numbers = [_text(each.get("order_number")) for each in _rows(document.get("orders"))][:MAX_LINKED]
    known = [each for each in numbers if each]
    pks = dict(Order.objects.filter(number__in=known).values_list("number", "pk")) if known else {}
    return [Link(f"Order {each}", pks.get(each)) for each in known]


def _part(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _rows(value: Any) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value).strip() if isinstance(value, str | int | float) else ""


def _joined(part: Mapping[str, Any], *names: str, separator: str = " ") -> str:
    """The texts under these names, without empty ones."""
    return separator.join(filter(None, (_text(part.get(name)) for name in names)))


def _amount(value: Any) -> Decimal | None:
    return Decimal(value) if isinstance(value, str) and AMOUNT.fullmatch(value) else None


def _pretty(document: Any) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False)


def _words(name: str) -> str:
    """`partially_paid` as `Partially paid`."""
    text = name.replace("_", " ")
    return text[:1].upper() + text[1:]


def _web_link(value: Any) -> str:
    """Empty for what a browser should not open."""
    try:
        return value if isinstance(value, str) and urlsplit(value).scheme in ("http", "https") else ""
    except ValueError:
        return ""
