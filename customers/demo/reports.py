"""Generates documents of orders and subscriptions in the shape of the Admin API."""

from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from customers.demo.people import Person
from customers.demo.world import PRODUCTS, RATES, STORE_CURRENCY, SUBSCRIBED, Product

CENT = Decimal("0.01")
TAX = Decimal("0.20")
SETTLED = timedelta(days=3)  # after which an order is paid, sent and, some of them, given back
MONTH = timedelta(days=30)


def order(number: int, person: Person, placed: datetime, random: Random, now: datetime) -> dict[str, Any]:
    products = random.sample(PRODUCTS, random.choices((1, 2, 3), (55, 30, 15))[0])
    lines = [_line(product, random.choices((1, 2, 4), (75, 20, 5))[0], person) for product in products]
    total = sum((Decimal(line["price_incl_tax"]) for line in lines), Decimal(0))
    is_settled = now - placed > SETTLED
    status = random.choices(("paid", "partially_refunded", "refunded", "voided"), (91, 4, 2, 3))[0]
    status = status if is_settled else random.choices(("paid", "authorized", "pending"), (60, 30, 10))[0]
    refunded = {"refunded": total, "partially_refunded": _rounded(total / 3)}.get(status)
    address = person.row["addresses"][0]
    return {
        "number": f"D{number}",
        "date_placed": placed.isoformat(),
        "created_at": placed.isoformat(),
        "updated_at": placed.isoformat(),
        "currency": person.country.currency,
        "payment_status": status,
        "fulfillment_status": "fulfilled" if is_settled and status != "voided" else "unfulfilled",
        "is_test": False,
        "lines": [{"id": number * 10 + position, **line} for position, line in enumerate(lines)],
        **_amounts(total),
        "report_values": {"currency": STORE_CURRENCY, **_amounts(_in_store_currency(total, person))},
        "refunds": [_refund(number, refunded, person)] if refunded else [],
        "billing_address": address,
        "shipping_address": address,
        "shipping_method": "Parcel",
        "source": "storefront",
    }


def subscription(number: int, person: Person, created: datetime, random: Random, now: datetime) -> dict[str, Any]:
    line = _line(random.choice(SUBSCRIBED), random.choice((1, 2)), person)
    status = random.choices(("active", "paused", "canceled", "past_due"), (75, 8, 14, 3))[0]
    months = (now - created) // MONTH + 1
    return {
        "id": number,
        "date_created": created.isoformat(),
        "status": status,
        "currency": person.country.currency,
        "frequency": "Every month",
        "interval": "month",
        "interval_count": 1,
        "is_test": False,
        "lines": [
            {"id": number * 10, "price": str(_rounded(Decimal(line["price_incl_tax"]) / line["quantity"])), **line}
        ],
        "num_lines": 1,
        "num_orders": months,
        "next_renewal_date": (created + months * MONTH).isoformat() if status == "active" else None,
        "payment_method": "Bankcard",
        "shipping_address": person.row["addresses"][0],
        "total": line["price_incl_tax"],
    }


def _line(product: Product, quantity: int, person: Person) -> dict[str, Any]:
    """The prices are those of the whole line, as in the platform's documents."""
    price = _rounded(product.price / RATES[person.country.currency]) * quantity
    return {
        "product_id": product.id,
        "sku": product.sku,
        "product_title": product.title,
        "variant_title": product.variant,
        "quantity": quantity,
        "currency": person.country.currency,
        "price_incl_tax": str(price),
        "price_excl_tax": str(_rounded(price / (1 + TAX))),
    }


def _refund(number: int, amount: Decimal, person: Person) -> dict[str, Any]:
    reported = {"currency": STORE_CURRENCY, "total_refund_amount": str(_in_store_currency(amount, person))}
    return {"order_number": f"D{number}", "total_refund_amount": str(amount), "report_values": reported}


def _amounts(total: Decimal) -> dict[str, str]:
    without_tax = _rounded(total / (1 + TAX))
    return {"total_incl_tax": str(total), "total_excl_tax": str(without_tax), "total_tax": str(total - without_tax)}


def _in_store_currency(amount: Decimal, person: Person) -> Decimal:
    return _rounded(amount * RATES[person.country.currency])


def _rounded(amount: Decimal) -> Decimal:
    return amount.quantize(CENT)
