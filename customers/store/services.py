"""Reading and changing the store's details."""

from collections.abc import Callable
from typing import Any

from babel.numbers import list_currencies
from django.db import transaction

from customers.phone_numbers import clean_phone_number
from customers.store.models import MAX_CURRENCIES, MAX_NAME_LENGTH, StoreDetails
from oauth.errors import ServiceError
from oauth.text import check_printable, clean_title, normalized, one_line

_ONLY_ROW = 1


def get_details() -> StoreDetails:
    """The stored details, or the defaults if nobody has changed them yet."""
    return StoreDetails.objects.filter(pk=_ONLY_ROW).first() or StoreDetails(pk=_ONLY_ROW)


class ConsentText:
    sql = f"(SELECT coalesce(max(consent_text_version), '') FROM {StoreDetails._meta.db_table})"  # noqa: S608  a name

    def __call__(self) -> str:
        return get_details().consent_text_version


@transaction.atomic
def change_details(**changes: Any) -> StoreDetails:
    """`changes` fit into the columns. Raises ServiceError with the name of the field."""
    details, _ = StoreDetails.objects.select_for_update().get_or_create(pk=_ONLY_ROW)
    for name, value in changes.items():
        clean = CLEANERS.get(name)
        setattr(details, name, clean(value) if clean else _clean_line(value, name))
    details.save()
    return details


def _clean_line(text: str, name: str) -> str:
    line = normalized(one_line(text))
    check_printable(line, name)
    return line


def _clean_currencies(codes: list[str]) -> list[str]:
    """Each code once, in the order given."""
    codes = list(dict.fromkeys(codes))
    if not 0 < len(codes) <= MAX_CURRENCIES:
        raise ServiceError(f"Enter 1 to {MAX_CURRENCIES} currencies.", "currencies")
    known = list_currencies()
    if unknown := next((code for code in codes if code not in known), None):
        raise ServiceError(f"{unknown[:12]} is not a currency of ISO 4217.", "currencies")
    return codes


CLEANERS: dict[str, Callable[[Any], Any]] = {
    "name": lambda name: clean_title(name, MAX_NAME_LENGTH, "name"),
    "currencies": _clean_currencies,
    "phone_number": lambda number: clean_phone_number(number, None),
}
