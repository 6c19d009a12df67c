"""Reading and changing the store's details."""

from typing import Any

from babel.numbers import list_currencies
from django.db import transaction

from customers.core.json_values import check_json
from customers.store.models import MAX_CURRENCIES, StoreDetails
from oauth.errors import ServiceError

_ONLY_ROW = 1


def get_details() -> StoreDetails:
    """The stored details, or the defaults if nobody has changed them yet."""
    return StoreDetails.objects.filter(pk=_ONLY_ROW).first() or StoreDetails(pk=_ONLY_ROW)


@transaction.atomic
def change_details(**changes: Any) -> StoreDetails:
    """`changes` fit into the columns. Raises ServiceError for a currency that ISO 4217 does not have."""
    details, _ = StoreDetails.objects.select_for_update().get_or_create(pk=_ONLY_ROW)
    for name, value in changes.items():
        check_json(value, name)
        setattr(details, name, clean_currencies(value) if name == "currencies" else value)
    details.save()
    return details


def clean_currencies(codes: list[str]) -> list[str]:
    """Each code once, in the order given. Raises ServiceError("currencies")."""
    codes = list(dict.fromkeys(codes))
    if not 0 < len(codes) <= MAX_CURRENCIES:
        raise ServiceError(f"Enter 1 to {MAX_CURRENCIES} currencies.", "currencies")
    known = list_currencies()
    if unknown := next((code for code in codes if code not in known), None):
        raise ServiceError(f"{unknown[:12]} is not a currency of ISO 4217.", "currencies")
    return codes
