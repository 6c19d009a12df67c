"""Bodies and paths of orders, carts and subscriptions."""

from typing import Any

from tests.support.clients import ADMIN_API

ORDERS = f"{ADMIN_API}orders/"
CARTS = f"{ADMIN_API}carts/"
SUBSCRIPTIONS = f"{ADMIN_API}subscriptions/"

PAID = {"card_token": "tok_success"}
ADDRESS = {
    "first_name": "Ada",
    "last_name": "Lovelace",
    "line1": "9975 Berkshire Dr.",
    "line4": "Monsey",
    "state": "NY",
    "postcode": "10952",
    "phone_number": "2025550140",
    "country": "US",
}


def order_url(number: str) -> str:
    return f"{ORDERS}{number}/"


def line(**fields: Any) -> dict[str, Any]:
    """One product for 10.00; None leaves a field out."""
    given = {"product_id": 71, "quantity": 1, "price": "10.00", **fields}
    return {name: value for name, value in given.items() if value is not None}


def cart_body(**fields: Any) -> dict[str, Any]:
    return {"user": {"email": "ada@example.com"}, "lines": [line()], **fields}


def order_body(card: str = "tok_success", **fields: Any) -> dict[str, Any]:
    """A paid order of a new person for 10.00."""
    return cart_body(**{"payment_method": "card_token", "payment_details": {"card_token": card}, **fields})


def subscription_body(**fields: Any) -> dict[str, Any]:
    return order_body(
        **{"interval": "month", "interval_count": 3, "next_renewal_date": "2027-01-03T09:00:00Z", **fields}
    )
