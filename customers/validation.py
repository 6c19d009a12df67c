"""What may be said about a customer: errors, and the functions that clean one value each.

Every function raises the `CustomerError` it documents and returns the value to store.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import emoji
import phonenumbers
from django_countries import countries

from customers.core.json_values import check_json
from oauth.errors import ServiceError

MAX_EMAIL_LENGTH = 320
MAX_TAG_LENGTH = 255
MAX_USER_AGENT_LENGTH = 500
MAX_PHONE_NUMBER_LENGTH = 128
MAX_NOTE_LENGTH = 10_000  # in the dashboard
SPACES = re.compile(" {2,}")
E164 = re.compile(r"\+[1-9][0-9]{4,14}", re.ASCII)

EMAIL_CONSTRAINT = "user_email_unique"  # its name in the database

COUNTRY_CODES = frozenset(code for code, _ in countries)


class CustomerError(ServiceError):
    """A value of a customer that is refused."""


class EmailTaken(CustomerError):
    code = "unique"

    def __init__(self):
        super().__init__("A user with this email already exists.", "email")


def is_email_conflict(error: Exception) -> bool:
    """Whether an IntegrityError says that the email is taken."""
    return EMAIL_CONSTRAINT in str(error)


class EmailFixed(CustomerError):
    code = "fixed"

    def __init__(self):
        super().__init__("The email of a dashboard user can't be changed here.", "email")


class NoteFixed(CustomerError):
    code = "fixed"

    def __init__(self):
        super().__init__("A note can be edited by its author only, and for five minutes.", "message")


def clean_email(email: str) -> str:
    """A domain beyond ASCII in lower case, so that both databases compare it alike.

    Raises CustomerError("email") for more than 320 characters, which lower case may be.
    """
    email = email if email.isascii() else email.lower()
    if len(email) > MAX_EMAIL_LENGTH:
        raise CustomerError(f"An email has at most {MAX_EMAIL_LENGTH} characters.", "email")
    return email


def without_emoji(text: str) -> str:
    """`text` without emoji, and without the spaces that stood around them. Signs of trade (©, ®, ™) stay."""
    if text.isascii():
        return text
    kept = emoji.replace_emoji(text, lambda found, _: found if found in "©®™" else "")
    return kept if kept == text else SPACES.sub(" ", kept).strip()


def clean_name(text: str | None) -> str | None:
    """Without emoji, and with single spaces, as names are looked up."""
    return text and " ".join(without_emoji(text).split())


def clean_phone_number(text: str | None, country: str | None) -> str | None:
    """E.164 of an international number, or of a local one in `country` (ISO 3166). Empty values stay as they are.

    Raises CustomerError("phone_number") for what can't be parsed, and for a local number without a country.
    """
    if not text or not text.strip():
        return text and ""
    if _is_e164(text):
        return text
    if len(text) > MAX_PHONE_NUMBER_LENGTH:
        raise CustomerError(f"A phone number has at most {MAX_PHONE_NUMBER_LENGTH} characters.", "phone_number")
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException as error:
        message = "Enter a valid phone number."
        if country is None and error.error_type == phonenumbers.NumberParseException.INVALID_COUNTRY_CODE:
            message = "Enter the phone number with its country code, as in +15551234567."
        raise CustomerError(message, "phone_number") from None
    if not phonenumbers.is_possible_number(number):
        raise CustomerError("Enter a valid phone number.", "phone_number")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _is_e164(text: str) -> bool:
    """Whether that is plain to see. Parsing, which would leave it as it is, takes ten times as long."""
    if not E164.fullmatch(text):
        return False
    for end in (2, 3, 4):
        if plan := _numbering_plan(text[1:end]):
            national, (lengths, prefix) = text[end:], plan
            return len(national) in lengths and national[0] != "0" and not (prefix and prefix.match(national))
    return False


@cache
def _numbering_plan(calling_code: str) -> tuple[frozenset[int], re.Pattern[str] | None] | None:
    """How many digits the numbers of a country have, and what stands before one that is dialled within it. None for
    what is no calling code, or none of a country."""
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(calling_code), ("001",))
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(regions[0], None)
    if metadata is None or metadata.general_desc is None:
        return None
    prefix = metadata.national_prefix_for_parsing
    return frozenset(metadata.general_desc.possible_length), re.compile(prefix) if prefix else None


def clean_user_agent(text: str | None) -> str | None:
    """Raises CustomerError("user_agent") for more than 500 characters."""
    if text and len(text) > MAX_USER_AGENT_LENGTH:
        raise CustomerError(f"A user agent has at most {MAX_USER_AGENT_LENGTH} characters.", "user_agent")
    return text


def clean_tags(tags: Sequence[str | None]) -> list[str]:
    """Each word once, in the order given, without surrounding space; null and empty entries are dropped.

    Raises CustomerError("tags", position) for one that is longer than 255 characters.
    """
    words = [(tag or "").strip() for tag in tags]
    for position, word in enumerate(words):
        if len(word) > MAX_TAG_LENGTH:
            raise CustomerError(f"A tag has at most {MAX_TAG_LENGTH} characters.", "tags", position)
    return list(dict.fromkeys(filter(None, words)))


def clean_country(code: str) -> str:
    """Raises CustomerError("country") for what is not an ISO 3166-1 alpha-2 code, in either case."""
    if code.upper() not in COUNTRY_CODES:
        raise CustomerError("Enter a two-letter country code of ISO 3166-1.", "country")
    return code.upper()


def clean_metadata(metadata: Any) -> dict | None:
    """An object, or None. Raises CustomerError("metadata") for anything else, and as `check_json` does."""
    if metadata is not None and not isinstance(metadata, dict):
        raise CustomerError("Enter an object.", "metadata")
    check_json(metadata, "metadata")
    return metadata


def merged_metadata(former: dict | None, changes: Mapping[str, Any]) -> dict | None:
    """`former` with the keys of `changes` in place of its own; an empty text takes the key away."""
    merged = {**(former or {}), **changes}
    for key, value in changes.items():
        if value == "":
            del merged[key]
    return merged if merged or former is not None else None


def clean_address(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The given fields of an address, cleaned. `country` must be among them for a phone number to be checked.

    Raises CustomerError.
    """
    cleaned = {name: without_emoji(value) if isinstance(value, str) else value for name, value in fields.items()}
    if "country" in cleaned:
        cleaned["country"] = clean_country(cleaned["country"])
    if "phone_number" in cleaned:
        cleaned["phone_number"] = clean_phone_number(cleaned["phone_number"], cleaned.get("country"))
    for name in ("line1", "line4"):
        if name in cleaned and not cleaned[name]:
            raise CustomerError("This field needs more than emoji.", name)
    return cleaned
