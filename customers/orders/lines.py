"""The lines of an order, a cart or a subscription that an app sends, and what they cost.

The store has no catalogue, no stock, no taxes and no discounts: a line costs its price times its quantity, with and
without tax. `price` is that of one unit, in the currency of the order.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import orjson
from babel.numbers import get_currency_precision

from customers.core.json_values import check_json
from customers.limits import MAX_LINE_QUANTITY, MAX_METADATA_BYTES, MAX_ORDER_LINES
from customers.orders.services import MAX_AMOUNT
from customers.store.services import get_details
from customers.validation import check_length, clean_metadata, clean_text
from oauth.errors import ServiceError
from oauth.text import one_line

MAX_SKU_LENGTH = 255
MAX_PROPERTIES = 100
MAX_PRODUCT_ID = 2**63 - 1


def choose_currency(given: str | None, lines: Sequence[Mapping[str, Any]]) -> str:
    """The given currency, or that of the first line that has one, or else the store's first one.

    Raises ServiceError for a currency that the store does not have.
    """
    currencies = get_details().currencies
    code = (given or next((line["currency"] for line in lines if line.get("currency")), currencies[0])).upper()
    if code not in currencies:
        raise ServiceError(f"This store sells in {', '.join(currencies)}.", "currency")
    return code


def clean_amount(amount: Decimal, currency: str, *path: str | int) -> Decimal:
    """An amount of at least zero with as many decimals as the currency has in use (CLDR, by babel), at most two.

    Raises ServiceError(*path).
    """
    decimals = min(get_currency_precision(currency), 2)
    if amount < 0:
        raise ServiceError("An amount is at least 0.", *path)
    if amount > MAX_AMOUNT:
        raise ServiceError(f"An amount is at most {MAX_AMOUNT}.", *path)
    if amount != round(amount, decimals):
        raise ServiceError(f"An amount in {currency} has at most {decimals} decimals.", *path)
    return amount


def as_text(amount: Decimal) -> str:
    return f"{amount:.2f}"


def clean_lines(lines: Sequence[Mapping[str, Any]], currency: str) -> tuple[list[dict[str, Any]], Decimal]:
    """What all documents have in a line, with its unit price in `price`; and the total. Raises ServiceError."""
    if not 0 < len(lines) <= MAX_ORDER_LINES:
        raise ServiceError(f"Enter 1 to {MAX_ORDER_LINES} lines.", "lines")
    cleaned = []
    for position, line in enumerate(lines):
        try:
            cleaned.append(_clean_line(line, currency))
        except ServiceError as error:
            raise error.within("lines", position) from None
    total = sum((line["price"] * line["quantity"] for line in cleaned), Decimal(0))
    if total > MAX_AMOUNT:
        raise ServiceError(f"The lines add up to more than {MAX_AMOUNT}.", "lines")
    return cleaned, total


def _clean_line(line: Mapping[str, Any], currency: str) -> dict[str, Any]:
    product_id, sku = line.get("product_id"), clean_text(one_line(line.get("sku") or ""))
    check_length(sku, MAX_SKU_LENGTH, "sku")
    if product_id is None and not sku:
        raise ServiceError("Enter a product_id or a sku.", "product_id")
    if product_id is not None and not 0 < product_id <= MAX_PRODUCT_ID:
        raise ServiceError("Enter a positive whole number.", "product_id")
    if line["quantity"] > MAX_LINE_QUANTITY:
        raise ServiceError(f"A quantity is at most {MAX_LINE_QUANTITY}.", "quantity")
    if line.get("price") is None:
        raise ServiceError("This store has no catalogue. Enter the price of one unit.", "price")
    if line.get("currency") and line["currency"].upper() != currency:
        raise ServiceError(f"All lines are in the currency of the order, {currency}.", "currency")
    if line.get("subscription"):
        raise ServiceError("Create a subscription at /api/admin/subscriptions/.", "subscription")
    return {
        "product_id": product_id or 0,
        "sku": sku,
        "quantity": line["quantity"],
        "price": clean_amount(line["price"], currency, "price"),
        "is_upsell": line.get("is_upsell", False),
        "metadata": clean_metadata(line.get("metadata")),
        "properties": _clean_properties(line.get("properties")),
    }


def _clean_properties(given: Any) -> list[dict[str, Any]]:
    """`{"engraving": "Ada"}` or `[{"key": "engraving", "value": "Ada"}]`, as the latter. Raises ServiceError."""
    check_json(given, "properties")
    if isinstance(given, dict):
        given = [{"key": key, "value": value} for key, value in given.items()]
    if given is None:
        return []
    if not isinstance(given, list) or not all(
        isinstance(each, dict) and each.keys() == {"key", "value"} and isinstance(each["key"], str) for each in given
    ):
        raise ServiceError("Enter an object, or a list of objects with key and value.", "properties")
    if len(given) > MAX_PROPERTIES:
        raise ServiceError(f"A line has at most {MAX_PROPERTIES} properties.", "properties")
    if len(orjson.dumps(given)) > MAX_METADATA_BYTES:
        raise ServiceError(f"The properties of a line have at most {MAX_METADATA_BYTES} bytes of JSON.", "properties")
    return given
