"""The documents of orders and subscriptions that this store makes itself, in the shape of the Admin API.

Fixed values: there are no taxes, no discounts, no fulfilments and no exchange rates, so amounts with and without tax
are equal, and the report values are in the currency of the order.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone

from customers.models import User
from customers.orders.gateway import Answer
from customers.orders.lines import as_text
from customers.orders.models import PaymentStatus, SubscriptionStatus

SOURCE = "admin_api"
OPEN = "open"
GATEWAY = {"id": 1, "is_next_payments": False, "name": "Test gateway", "type": "test"}
# Ids of the parts of an order follow from its number. A line has its position; these come after the last possible line.
IDS = 1_000
SHIPPING_ADDRESS, BILLING_ADDRESS, TRANSACTION = 901, 902, 903
ADDRESS_FIELDS = (
    "first_name", "last_name", "line1", "line2", "line3", "line4", "state", "postcode", "phone_number", "country",
    "notes",
)  # fmt: skip


@dataclass
class Purchase:
    """What an order, a cart and a subscription have in common. `subtotal`: of the lines, without shipping."""

    user: User
    currency: str
    lines: list[dict[str, Any]]
    subtotal: Decimal
    shipping_code: str
    shipping_price: Decimal
    attribution: dict[str, Any]
    metadata: dict[str, Any] | None
    shipping_address: dict[str, Any] | None = None
    billing_address: dict[str, Any] | None = None

    @property
    def total(self) -> Decimal:
        return self.subtotal + self.shipping_price


def order_document(
    number: str,
    purchase: Purchase,
    payment: Answer,
    *,
    tags: list[str],
    descriptor: str,
    date_placed: datetime | None,
    status: str | None,
) -> dict[str, Any]:
    now = _utc_text(timezone.now())
    total, shipping = as_text(purchase.total), as_text(purchase.shipping_price)
    is_paid = payment.status == PaymentStatus.PAID
    id = int(number) * IDS
    amounts = {
        "original_shipping_excl_tax": shipping,
        "original_shipping_incl_tax": shipping,
        "original_total_discount": "0.00",
        "original_total_excl_tax": total,
        "original_total_incl_tax": total,
        "shipping_excl_tax": shipping,
        "shipping_incl_tax": shipping,
        "total_cost": "0.00",
        "total_discount": "0.00",
        "total_excl_tax": total,
        "total_incl_tax": total,
    }
    return {
        **amounts,
        "attribution": purchase.attribution,
        "billing_address": _address(purchase.billing_address, id + BILLING_ADDRESS),
        "created_at": now,
        "currency": purchase.currency,
        "date_placed": _utc_text(date_placed) if date_placed else now,
        "display_taxes": "0.00",
        "fulfillment_status": "unfulfilled",
        "fulfillments": [],
        "is_test": payment.is_test,
        "lines": [
            _order_line(line, id + position, purchase.currency, now) for position, line in enumerate(purchase.lines, 1)
        ],
        "metadata": purchase.metadata,
        "number": number,
        "offer_discounts": [],
        "payment_status": str(payment.status),
        "refunds": [],
        "report_values": {**amounts, "currency": purchase.currency},
        "shipping_address": _address(purchase.shipping_address, id + SHIPPING_ADDRESS),
        "shipping_code": purchase.shipping_code,
        "shipping_method": purchase.shipping_code,
        "shipping_tax": "0.00",
        "shipping_tax_lines": [],
        "source": SOURCE,
        "status": status or OPEN,
        "subscription_lifecycle": "non-recurring",
        "subscriptions": [],
        "supports_post_purchase_upsells": False,
        "tags": tags,
        "tax_lines": [],
        "total_outstanding": "0.00" if is_paid else total,
        "total_tax": "0.00",
        "transactions": (
            [_transaction(id + TRANSACTION, purchase, payment, descriptor, now)] if payment.has_transaction else []
        ),
        "updated_at": now,
        "voucher_discounts": [],
    }


def subscription_document(
    id: int, purchase: Purchase, payment: Answer, interval: str, interval_count: int, next_renewal_date: datetime
) -> dict[str, Any]:
    every = f"Every {interval}" if interval_count == 1 else f"Every {interval_count} {interval}s"
    return {
        "attribution": purchase.attribution,
        "billing_address": _address(purchase.billing_address, id * IDS + BILLING_ADDRESS),
        "cancel_reason": "",
        "cancel_reason_other_message": None,
        "currency": purchase.currency,
        "date_created": _utc_text(timezone.now()),
        "frequency": every,
        "id": id,
        "interval": interval,
        "interval_count": interval_count,
        "is_tax_known": True,
        "is_test": payment.is_test,
        "lines": [
            {
                "id": id * IDS + position,
                "metadata": line["metadata"],
                "price": as_text(line["price"]),
                "product_id": line["product_id"],
                "properties": line["properties"],
                "quantity": line["quantity"],
                "sku": line["sku"],
                "variant_id": line["product_id"],
            }
            for position, line in enumerate(purchase.lines, 1)
        ],
        "next_renewal_date": _utc_text(next_renewal_date),
        "num_lines": len(purchase.lines),
        "num_orders": 0,
        "orders": [],
        "paused_at": None,
        "paused_until": None,
        "payment_details": {"gateway": GATEWAY},
        "payment_method": payment.method,
        "shipping_address": _address(purchase.shipping_address, id * IDS + SHIPPING_ADDRESS),
        "shipping_code": purchase.shipping_code,
        "shipping_price": as_text(purchase.shipping_price),
        "status": str(SubscriptionStatus.ACTIVE),
        "total": as_text(purchase.total),
    }


def line_amounts(line: dict[str, Any]) -> dict[str, str]:
    """Of the whole line, as the platform's documents have them."""
    amount = as_text(Decimal(line["price"]) * line["quantity"])
    return {
        "price_excl_tax": amount,
        "price_incl_tax": amount,
        "total_cost": "0.00",
        "total_discount": "0.00",
        "unit_cost": "0.00",
    }


def _order_line(line: dict[str, Any], id: int, currency: str, now: str) -> dict[str, Any]:
    amounts = line_amounts(line)
    amounts |= {
        "original_price_excl_tax": amounts["price_excl_tax"],
        "original_price_incl_tax": amounts["price_incl_tax"],
        "original_total_discount": "0.00",
    }
    return {
        **amounts,
        "created_at": now,
        "currency": currency,
        "current_quantity": line["quantity"],
        "editable_quantity": 0,
        "fulfillable_quantity": 0,
        "id": id,
        "is_gift_card": False,
        "is_upsell": line["is_upsell"],
        "metadata": line["metadata"],
        "product_id": line["product_id"],
        "properties": line["properties"],
        "quantity": line["quantity"],
        "report_values": {**amounts, "currency": currency},
        "requires_shipping": False,
        "sku": line["sku"],
        "tax_lines": [],
        "updated_at": now,
        "variant_id": line["product_id"],
    }


def _transaction(id: int, purchase: Purchase, payment: Answer, descriptor: str, now: str) -> dict[str, Any]:
    amount = as_text(purchase.total)
    return {
        "amount": amount,
        "currency": purchase.currency,
        "date_created": now,
        "id": id,
        "is_disputed": False,
        "is_external": payment.method != "bankcard",
        "is_test": False,
        "parent_id": None,
        "payment_details": {"gateway": GATEWAY} if payment.method == "bankcard" else {},
        "payment_method": payment.method,
        "report_values": {"amount": amount, "currency": purchase.currency},
        "response_code": 100,
        "statement_descriptor": descriptor or None,
        "status": "succeeded",
        "type": "Debit",
    }


def _utc_text(at: datetime) -> str:
    """ISO 8601 in UTC, whatever the store's time zone: the filters of lists compare these texts."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _address(address: dict[str, Any] | None, id: int) -> dict[str, Any] | None:
    return address and {"id": id, **{name: str(address.get(name) or "") for name in ADDRESS_FIELDS}}
