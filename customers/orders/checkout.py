"""Orders, carts and subscriptions that an app sends: made into the documents that `customers.orders.services` records.

The customer is referred to by id or email, or created, as `customers.upserts.get_or_create_user` does. The first
address that somebody without addresses orders to becomes their first address.
"""

import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from customers import services, upserts
from customers.core.json_values import check_json
from customers.limits import MAX_CARTS, TooMany
from customers.models import Address, User
from customers.orders import gateway
from customers.orders.documents import Purchase, order_document, subscription_document
from customers.orders.lines import as_text, choose_currency, clean_amount, clean_lines
from customers.orders.models import Cart, Order, PaymentStatus, Subscription
from customers.orders.services import MAX_AMOUNT, moment, record_order, record_subscription
from customers.validation import check_length, clean_address, clean_metadata, clean_tags, clean_text
from oauth.actor import Actor
from oauth.errors import ServiceError
from oauth.text import one_line

MAX_TEXT_LENGTH = 255
# Fields of which each decides the same address, so a request has one of them at most.
SHIPPING = ("shipping_address", "use_default_shipping_address")
BILLING = ("billing_address", "use_default_billing_address", "billing_same_as_shipping_address")
UNSUPPORTED = {"offers": "This store has no offers.", "vouchers": "This store has no vouchers."}
NUMBERS = range(10**9, 10**10)  # of orders and subscriptions; random, so that nobody can count them


def place_order(*, by: Actor, user: Mapping[str, Any], lines: Sequence[Mapping[str, Any]], **fields: Any) -> Order:
    """Creates an order, and its customer if the email is new. The other arguments are those of the Admin API.

    Raises PaymentDeclined: then the customer and a cart with the lines are kept; no cart if there are MAX_CARTS. Raises
    ServiceError and StaffFixed: then nothing is kept.
    """
    with transaction.atomic():
        purchase = _purchase(by, user, lines, fields)
        details = fields.get("payment_details") or {}
        payment = gateway.pay(purchase.total, fields.get("payment_method"), details)
        tags = _within("tags", clean_tags, fields.get("tags") or [])
        if payment.status is not None:
            date_placed = fields.get("date_placed")
            number = str(_free(Order, "number"))
            document = order_document(
                number,
                purchase,
                payment,
                tags=tags,
                descriptor=_descriptor(details),
                date_placed=date_placed and _clean_moment(date_placed, "date_placed"),
                status=fields.get("status"),
            )
            return record_order(user_id=purchase.user.pk, document=document, by=by)
        with suppress(TooMany):  # the customer is kept, and learns of the card
            _keep(purchase)
    raise gateway.PaymentDeclined


@transaction.atomic
def create_cart(*, by: Actor, user: Mapping[str, Any], lines: Sequence[Mapping[str, Any]], **fields: Any) -> Cart:
    """Creates a cart, and its customer if the email is new. Raises ServiceError, StaffFixed, TooMany."""
    return _keep(_purchase(by, user, lines, fields))


@transaction.atomic
def start_subscription(
    *,
    by: Actor,
    user: Mapping[str, Any],
    lines: Sequence[Mapping[str, Any]],
    interval: str,
    interval_count: int,
    next_renewal_date: datetime,
    **fields: Any,
) -> Subscription:
    """Creates a subscription, and its customer if the email is new. The card is checked and not charged: nothing is
    due before `next_renewal_date`, and this store makes no renewals.

    Raises PaymentDeclined, ServiceError, StaffFixed: then nothing is kept.
    """
    purchase = _purchase(by, user, lines, fields)
    payment = gateway.pay(Decimal(0), fields.get("payment_method"), fields.get("payment_details") or {})
    if payment.status is None:
        raise gateway.PaymentDeclined
    if payment.status != PaymentStatus.PAID:
        raise ServiceError("A subscription needs a card that is accepted at once.", "payment_details", "card_token")
    renewal = _clean_moment(next_renewal_date, "next_renewal_date")
    document = subscription_document(
        _free(Subscription, "external_id"), purchase, payment, interval, interval_count, renewal
    )
    return record_subscription(user_id=purchase.user.pk, document=document, by=by)


def _purchase(
    by: Actor, user: Mapping[str, Any], lines: Sequence[Mapping[str, Any]], fields: Mapping[str, Any]
) -> Purchase:
    """Checks the lines and the addresses, and finds or creates the customer."""
    for name, message in UNSUPPORTED.items():
        if fields.get(name):
            raise ServiceError(message, name)
    currency = choose_currency(fields.get("currency"), lines)
    clean, subtotal = clean_lines(lines, currency)
    for names in (SHIPPING, BILLING):
        _require_one_of(names, fields)
    given = {name: _clean_address(fields, name) for name in ("shipping_address", "billing_address")}
    purchase = Purchase(
        currency=currency,
        lines=clean,
        subtotal=subtotal,
        shipping_code=_shipping_code(fields),
        shipping_price=clean_amount(fields.get("shipping_price") or Decimal(0), currency, "shipping_price"),
        attribution=_clean_attribution(fields.get("attribution") or {}),
        metadata=clean_metadata(fields.get("metadata")),
        user=_within("user", upserts.get_or_create_user, by=by, **user),
    )
    if purchase.total > MAX_AMOUNT:
        raise ServiceError(f"The lines and the shipping add up to more than {MAX_AMOUNT}.", "shipping_price")
    purchase.shipping_address = given["shipping_address"] or _default_address(purchase.user, fields, "shipping")
    purchase.billing_address = given["billing_address"] or _default_address(purchase.user, fields, "billing")
    if fields.get("billing_same_as_shipping_address"):
        purchase.billing_address = purchase.shipping_address
    if address := given["shipping_address"]:
        _keep_first_address(purchase.user, address, by)
    return purchase


def _keep_first_address(user: User, address: Mapping[str, Any], by: Actor) -> None:
    """Orders that arrive at the same time wait here for each other: one of them has the first address."""
    user.refresh_from_db(from_queryset=User.objects.select_for_update())
    if not Address.objects.filter(user=user).exists():
        services.add_address(user.pk, by=by, **address)
        user.refresh_from_db()


def _keep(purchase: Purchase) -> Cart:
    """Raises TooMany."""
    User.objects.select_for_update().get(pk=purchase.user.pk)
    if Cart.objects.filter(user=purchase.user).count() >= MAX_CARTS:
        raise TooMany(f"A customer has at most {MAX_CARTS} carts.")
    return Cart.objects.create(
        user=purchase.user,
        currency=purchase.currency,
        total=purchase.subtotal,
        document={
            "attribution": purchase.attribution,
            "lines": [{**line, "price": as_text(line["price"])} for line in purchase.lines],
            "metadata": purchase.metadata,
        },
    )


def _within(field: str, clean: Any, *values: Any, **named: Any) -> Any:
    """Calls `clean`; the path of its error starts with `field`."""
    try:
        return clean(*values, **named)
    except ServiceError as error:
        raise error if error.path[:1] == (field,) else error.within(field) from None


def _require_one_of(names: Sequence[str], fields: Mapping[str, Any]) -> None:
    given = [name for name in names if fields.get(name)]
    if len(given) > 1:
        raise ServiceError(f"Send {given[0]} or {given[1]}, not both.", given[0])


def _clean_address(fields: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    address = fields.get(name)
    return _within(name, clean_address, address) if address else None


def _default_address(user: User, fields: Mapping[str, Any], kind: str) -> dict[str, Any] | None:
    if not fields.get(f"use_default_{kind}_address"):
        return None
    address = Address.objects.filter(user=user, **{f"is_default_for_{kind}": True}).first()
    if address is None:
        raise ServiceError(f"The customer has no default address for {kind}.", f"use_default_{kind}_address")
    return vars(address)


def _shipping_code(fields: Mapping[str, Any]) -> str:
    code = fields.get("shipping_code") or ""
    if code and fields.get("shipping_price") is None:
        raise ServiceError("This store has no shipping rates. Enter the price of shipping.", "shipping_price")
    check_json(code, "shipping_code")
    check_length(code, MAX_TEXT_LENGTH // 2, "shipping_code")
    return code


def _clean_attribution(given: Mapping[str, Any]) -> dict[str, Any]:
    attribution = dict(given)
    if attribution.pop("agent", None) is not None:
        raise ServiceError("This store has no agents.", "attribution", "agent")
    metadata = attribution.pop("metadata", None)
    for name, text in attribution.items():
        check_json(text, "attribution", name)
        check_length(text or "", MAX_TEXT_LENGTH, "attribution", name)
    return {**attribution, "metadata": _within("attribution", clean_metadata, metadata)}


def _clean_moment(given: datetime, field: str) -> datetime:
    at = moment(given.isoformat())
    if at is None:
        raise ServiceError("This date is too early or too late.", field)
    return at


def _descriptor(details: Mapping[str, Any]) -> str:
    text = clean_text(one_line(details.get("statement_descriptor") or ""))
    check_length(text, gateway.MAX_DESCRIPTOR_LENGTH, "payment_details", "statement_descriptor")
    return text


def _free(model: Any, key: str) -> int:
    while True:
        number = secrets.choice(NUMBERS)
        if not model.objects.filter(**{key: number}).exists():
            return number
