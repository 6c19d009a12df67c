"""Validation of customer fields.

Each `clean_` function takes one value, returns the value to store, and raises the error that it documents.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import emoji
import orjson
from django.utils import timezone
from django_countries import countries

from customers.core.json_values import check_json
from customers.limits import MAX_METADATA_BYTES, MAX_METADATA_KEYS, MAX_TAGS
from customers.phone_numbers import clean_phone_number
from oauth.email_addresses import check_email
from oauth.errors import ServiceError
from oauth.text import check_not_blank, check_printable, is_blank, is_plain, normalized, one_line

MAX_TAG_LENGTH = 255
MAX_LINE_LENGTH = 255  # of a name, and of a line of an address
MAX_POSTCODE_LENGTH = 64
MAX_USER_AGENT_LENGTH = 500
MAX_BLOCK_REASON_LENGTH = 500
SPACES = re.compile(" {2,}")
# The library's time is quadratic in the number of joined emoji, so long texts are cut after every 64th joiner.
JOINED = re.compile("(?:[^\u200d]*\u200d){64}|.+", re.DOTALL)

EMAIL_CONSTRAINT = "user_email_key_unique"  # its name in the database

# The one-line fields of an address, and what stands in them for a line break.
ADDRESS_SEPARATORS = {
    **dict.fromkeys(("line1", "line2", "line3", "line4"), ", "),
    **dict.fromkeys(("first_name", "last_name", "state", "postcode"), " "),
}

COUNTRY_CODES = frozenset(code for code, _ in countries)


class CustomerError(ServiceError):
    """An invalid value of a customer."""


class CustomerUnknown(CustomerError):
    """No customer has the id that a request refers to."""

    code = "unknown"

    def __init__(self, id: int):
        super().__init__("No customer has this id.", "id")
        self.id = id


class EmailTaken(CustomerError):
    code = "unique"

    def __init__(self):
        super().__init__("A user with this email already exists.", "email")


def is_email_conflict(error: Exception) -> bool:
    """Whether an IntegrityError says that the email is taken."""
    return EMAIL_CONSTRAINT in str(error) or "customers_user.email_key" in str(error)  # as SQLite says it


class EmailFixed(CustomerError):
    code = "fixed"

    def __init__(self):
        super().__init__("The email of a dashboard user can't be changed here.", "email")


class StaffFixed(CustomerError):
    """Apps read staff, and change nothing about them."""

    code = "staff_fixed"

    def __init__(self):
        super().__init__("Members of staff can only be changed in the dashboard.")


class NoteFixed(CustomerError):
    code = "fixed"

    def __init__(self):
        super().__init__("A note can be edited by its author only, and for five minutes.", "message")


def clean_email(email: str) -> str:
    """The email as it was written. Raises ServiceError("email") as `check_email` does."""
    check_email(email)
    return email


def without_emoji(text: str) -> str:
    """`text` without emoji and the spaces around them. ©, ® and ™ stay."""
    if text.isascii():
        return text
    kept = "".join(emoji.replace_emoji(part, _kept_emoji) for part in JOINED.findall(text))
    return kept if kept == text else SPACES.sub(" ", kept).strip()


def _kept_emoji(found: str, _: object) -> str:
    return found if found in "©®™" else ""


def clean_text(text: str) -> str:
    """In NFC and without emoji; empty if nothing of it can be seen."""
    if is_plain(text):
        return "" if text.isspace() else text
    text = without_emoji(normalized(text))
    return "" if is_blank(text) else text


def check_length(text: str, longest: int, *path: str | int) -> None:
    """In NFC a text can be longer than it was written. Raises CustomerError(*path)."""
    if len(text) > longest:
        raise CustomerError(f"Ensure this field has no more than {longest} characters.", *path)


def clean_name(text: str | None, field: str = "first_name") -> str | None:
    """As `clean_text` does, and with single spaces. Raises ServiceError(field) for more than 255 characters, and for
    control characters."""
    name = text and " ".join(clean_text(text).split())
    check_length(name or "", MAX_LINE_LENGTH, field)
    check_printable(name or "", field)
    return name


def clean_note(message: str) -> str:
    """In NFC. Raises Blank("message")."""
    check_not_blank(message, "message")
    return normalized(message)


def clean_user_agent(text: str | None) -> str | None:
    """Raises CustomerError("user_agent") for more than 500 characters."""
    text = text and one_line(text)
    if text and len(text) > MAX_USER_AGENT_LENGTH:
        raise CustomerError(f"A user agent has at most {MAX_USER_AGENT_LENGTH} characters.", "user_agent")
    return text


def clean_block_reason(text: str) -> str:
    """On one line. Raises ServiceError("block_reason") for more than 500 characters, and for control characters."""
    reason = clean_text(one_line(text)).strip()
    check_length(reason, MAX_BLOCK_REASON_LENGTH, "block_reason")
    check_printable(reason, "block_reason")
    return reason


def clean_block_end(time: datetime | None) -> datetime | None:
    """Raises ServiceError("blocked_until") for a time that is past."""
    if time and time <= timezone.now():
        raise CustomerError("Enter a time that is not past yet.", "blocked_until")
    return time


def clean_tags(tags: Sequence[str | None]) -> list[str]:
    """Each tag once, in the order given, without surrounding space; null and empty entries are dropped.

    Raises CustomerError("tags", position) for a tag of more than 255 characters, CustomerError("tags") for too many.
    """
    words = [_clean_tag(tag or "") for tag in tags]
    for position, word in enumerate(words):
        if len(word) > MAX_TAG_LENGTH:
            raise CustomerError(f"A tag has at most {MAX_TAG_LENGTH} characters.", "tags", position)
        check_printable(word, "tags", position)
    cleaned = list(dict.fromkeys(filter(None, words)))
    if len(cleaned) > MAX_TAGS:
        raise CustomerError(f"A customer has at most {MAX_TAGS} tags.", "tags")
    return cleaned


def _clean_tag(tag: str) -> str:
    if is_plain(tag):
        return tag.strip()
    return "" if is_blank(tag) else normalized(one_line(tag)).strip()


def clean_country(code: str) -> str:
    """An ISO 3166-1 alpha-2 code, in upper case. Raises CustomerError("country")."""
    if code.upper() not in COUNTRY_CODES:
        raise CustomerError("Enter a two-letter country code of ISO 3166-1.", "country")
    return code.upper()


def clean_metadata(metadata: Any) -> dict | None:
    """A JSON object within the limits, or None. Raises ServiceError("metadata") for anything else."""
    if metadata is not None and not isinstance(metadata, dict):
        raise CustomerError("Enter an object.", "metadata")
    check_json(metadata, "metadata")
    if metadata and len(metadata) > MAX_METADATA_KEYS:
        raise CustomerError(f"Metadata has at most {MAX_METADATA_KEYS} keys.", "metadata")
    if metadata and len(orjson.dumps(metadata)) > MAX_METADATA_BYTES:
        raise CustomerError(f"Metadata has at most {MAX_METADATA_BYTES} bytes of JSON.", "metadata")
    return metadata


def merged_metadata(former: dict | None, changes: Mapping[str, Any]) -> dict | None:
    """`former` updated with `changes`; an empty string removes a key."""
    merged = {**(former or {}), **changes}
    for key, value in changes.items():
        if value == "":
            del merged[key]
    return merged if merged or former is not None else None


def _is_clean(values: Iterable[Any]) -> bool:
    """Whether the rules for single texts of an address change none of these. One look at all is faster."""
    texts = [value for value in values if isinstance(value, str)]
    joined = "".join(texts)
    return (
        is_plain(joined) and not any(map(str.isspace, texts)) and max(map(len, texts), default=0) <= MAX_POSTCODE_LENGTH
    )


def clean_address(fields: Mapping[str, Any], *, country: str | None = None) -> dict[str, Any]:
    """The given fields of an address. `country`: that of a local phone number if it is not among them.

    Raises ServiceError.
    """
    cleaned = dict(fields)
    for name, value in () if _is_clean(fields.values()) else fields.items():
        if not isinstance(value, str):
            continue
        if not (value.isascii() and value.isprintable()) or value.isspace():  # else there is nothing to clean
            value = cleaned[name] = clean_text(value)
            if separator := ADDRESS_SEPARATORS.get(name):
                value = cleaned[name] = one_line(value, separator)
        if len(value) > MAX_POSTCODE_LENGTH and name not in ("notes", "phone_number"):
            check_length(value, MAX_POSTCODE_LENGTH if name == "postcode" else MAX_LINE_LENGTH, name)
    for name in ("first_name", "last_name"):
        check_printable(cleaned.get(name) or "", name)
    if "country" in cleaned:
        cleaned["country"] = clean_country(cleaned["country"])
    if "phone_number" in cleaned:
        cleaned["phone_number"] = clean_phone_number(cleaned["phone_number"], cleaned.get("country", country))
    for name in ("line1", "line4"):
        if name in cleaned:
            check_not_blank(cleaned[name], name)
    return cleaned
