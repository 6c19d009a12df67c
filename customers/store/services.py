"""Reading and changing the store's details."""

import re
from collections.abc import Callable
from hashlib import sha256
from typing import Any

from babel.numbers import list_currencies
from django.db import transaction

from customers.phone_numbers import clean_phone_number
from customers.store.models import MAX_CURRENCIES, MAX_NAME_LENGTH, StoreDetails, StoreLogo
from oauth.errors import ServiceError
from oauth.text import check_printable, clean_title, normalized, one_line

_ONLY_ROW = 1
MAX_LOGO_BYTES = 200_000
# How files begin, and their media types.
LOGO_TYPES = [
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png"),
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "image/webp"),
    (re.compile(rb"GIF8[79]a"), "image/gif"),
]


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


@transaction.atomic
def change_logo(content: bytes | None) -> StoreDetails:
    """None removes it. Raises ServiceError("logo") for what is no small image of one of `LOGO_TYPES`.

    SVG is left out, since an SVG file can contain scripts.
    """
    details, _ = StoreDetails.objects.select_for_update().get_or_create(pk=_ONLY_ROW)
    if content is None:
        StoreLogo.objects.all().delete()
        details.logo_digest = ""
    else:
        media_type = next((media_type for begins, media_type in LOGO_TYPES if begins.match(content)), None)
        if media_type is None:
            raise ServiceError("Choose an image: PNG, JPEG, WebP or GIF.", "logo")
        if len(content) > MAX_LOGO_BYTES:
            raise ServiceError(f"Choose an image of at most {MAX_LOGO_BYTES // 1000} kB.", "logo")
        StoreLogo.objects.update_or_create(pk=_ONLY_ROW, defaults={"content": content, "media_type": media_type})
        details.logo_digest = sha256(content).hexdigest()
    details.save(update_fields=["logo_digest"])
    return details


def get_logo(digest: str) -> StoreLogo | None:
    """The logo, if it is still the one with this digest."""
    return StoreLogo.objects.filter(pk=_ONLY_ROW).first() if digest and get_details().logo_digest == digest else None


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
