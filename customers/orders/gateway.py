"""The test gateway: it takes no money. The card token decides what it answers, as `docs/orders.md` lists them."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from customers.orders.models import PaymentStatus
from oauth.errors import ServiceError

CARD_TOKEN, EXTERNAL = "card_token", "external"
# Fields of payment details that would choose something that this store does not have.
UNSUPPORTED = {
    "authorize_value": "This store has one gateway, which takes the whole amount at once.",
    "payment_gateway": "This store has one gateway.",
    "payment_gateway_group": "This store has one gateway.",
    "paypal_account": "This store keeps no PayPal accounts.",
    "recache_card_cvv": "This store keeps no cards.",
    "reference_transaction_id": "This store keeps no transactions for later charges.",
}
MAX_DESCRIPTOR_LENGTH = 22


@dataclass(frozen=True)
class Answer:
    """`status` is None for a declined card. `has_transaction`: whether money would have moved."""

    status: PaymentStatus | None
    is_test: bool = False
    has_transaction: bool = False
    method: str = "bankcard"


ANSWERS = {
    "tok_success": Answer(PaymentStatus.PAID, has_transaction=True),
    "tok_declined": Answer(None),
    "tok_pending": Answer(PaymentStatus.PENDING),
    # The platform's test tokens: they make test orders, which do not count.
    "test_card": Answer(PaymentStatus.PAID, is_test=True),
    "test_3ds_card": Answer(PaymentStatus.PENDING, is_test=True),
}


class PaymentDeclined(ServiceError):
    """The customer and the cart are kept, so that the app can try again with another card."""

    code = "declined"

    def __init__(self):
        super().__init__("The card was declined.", "payment_details", "card_token")


def pay(amount: Decimal, method: str | None, details: dict[str, Any]) -> Answer:
    """Asks the gateway for the amount. Without a method, an order of nothing is paid and any other one is pending.

    Raises ServiceError for a method or details that this store does not support.
    """
    for name, message in UNSUPPORTED.items():
        if details.get(name) not in (None, ""):
            raise ServiceError(message, "payment_details", name)
    token = details.get("card_token")
    if token and method != CARD_TOKEN:
        raise ServiceError("A card token needs the payment method card_token.", "payment_method")
    if details.get("external_payment_method") and method != EXTERNAL:
        raise ServiceError("It needs the payment method external.", "payment_details", "external_payment_method")
    if method == CARD_TOKEN:
        if not token:
            raise ServiceError("Enter a card token.", "payment_details", "card_token")
        if token not in ANSWERS:
            known = ", ".join(ANSWERS)
            raise ServiceError(f"The test gateway knows the card tokens {known}.", "payment_details", "card_token")
        return ANSWERS[token]
    if method == EXTERNAL:
        return Answer(
            PaymentStatus.PAID, has_transaction=True, method=details.get("external_payment_method") or EXTERNAL
        )
    if method:
        raise ServiceError("This store supports the payment methods card_token and external.", "payment_method")
    return Answer(PaymentStatus.PENDING if amount else PaymentStatus.PAID)
