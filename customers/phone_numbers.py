"""Phone numbers: which are accepted, how they are kept (E.164), and what is looked for."""

import re
import unicodedata
from functools import cache, lru_cache
from typing import NamedTuple

import phonenumbers
from django.conf import settings
from phonenumbers import NumberParseException, PhoneMetadata, PhoneNumber, ValidationResult

from oauth.errors import ServiceError

MAX_PHONE_NUMBER_LENGTH = 128
SHORTEST_LOCAL_NUMBER = 7  # digits
E164 = re.compile(r"\+[1-9][0-9]{4,14}", re.ASCII)
TEL_URI = re.compile("tel:", re.IGNORECASE)  # RFC 3966
LETTER = re.compile(r"[^\W\d_]")
# One word after digits, as in 1-800-FLOWERS. One letter repeated stands for digits that somebody left out.
VANITY_NUMBER = re.compile(r"[^A-Z]*[0-9][^A-Z]*(?!([A-Z])\1*$)[A-Z]{3,}", re.IGNORECASE | re.ASCII)
KINDS = (
    "fixed_line", "mobile", "toll_free", "premium_rate", "shared_cost", "personal_number", "voip", "pager", "uan",
    "voicemail",
)  # fmt: skip


def clean_phone_number(text: str | None, country: str | None) -> str | None:
    """An international number, or a local one of `country` (ISO 3166), in E.164. Without `country` it is a local one of
    the store's country. Empty values stay as they are.

    Raises ServiceError("phone_number") for a number that no plan has, or that has an extension, and for a local number
    without a country. With `PHONE_NUMBERS=possible` the length decides alone.
    """
    if not text or not text.strip():
        return text and ""
    if _is_e164(text):
        return text
    if len(text) > MAX_PHONE_NUMBER_LENGTH:
        raise ServiceError(f"A phone number has at most {MAX_PHONE_NUMBER_LENGTH} characters.", "phone_number")
    try:
        number = phonenumbers.parse(text, country or settings.STORE_COUNTRY or None)
    except NumberParseException as error:
        message = "Enter a valid phone number."
        if not (country or settings.STORE_COUNTRY) and error.error_type == NumberParseException.INVALID_COUNTRY_CODE:
            message = "Enter the phone number with its country code, as in +12015550123."
        raise ServiceError(message, "phone_number") from None
    if number.extension or "#" in text:
        raise ServiceError("E.164 has no extensions: leave it out.", "phone_number")
    if not (_has_digits_only(text) and _exists(number)):
        raise ServiceError("Enter a valid phone number.", "phone_number")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def digits_to_find(text: str) -> set[str]:
    """The parts of a kept number that `text` may stand for: its digits; as it would be kept; and, if it is long enough
    for a local number, without leading zeros, which E.164 drops."""
    if len(text) > MAX_PHONE_NUMBER_LENGTH:
        return set()
    if VANITY_NUMBER.fullmatch(text):
        text = phonenumbers.convert_alpha_characters_in_number(text)
    digits = "".join(str(unicodedata.decimal(sign)) for sign in text if sign.isdecimal())
    found = {digits, digits.lstrip("0") if len(digits) >= SHORTEST_LOCAL_NUMBER else digits}
    try:
        # The plus sign of a query string is often a space.
        number = phonenumbers.parse(text if text.lstrip().startswith(("+", "＋")) else f"+{text}")
    except NumberParseException:
        return found - {""}
    if _is_possible(number):
        found.add(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164).lstrip("+"))
    return found - {""}


def _has_digits_only(text: str) -> bool:
    text = TEL_URI.sub("", text, count=1)
    return not LETTER.search(text) or VANITY_NUMBER.fullmatch(text) is not None


def _exists(number: PhoneNumber) -> bool:
    return _is_possible(number) and (settings.PHONE_NUMBERS == "possible" or phonenumbers.is_valid_number(number))


def _is_possible(number: PhoneNumber) -> bool:
    """Whether it has the length of a number with area code."""
    return phonenumbers.is_possible_number_with_reason(number) == ValidationResult.IS_POSSIBLE


def _is_e164(text: str) -> bool:
    """A quick check. False means that the number has to be parsed, which takes ten times as long."""
    return E164.fullmatch(text) is not None and _is_in_use(text, settings.PHONE_NUMBERS == "possible")


@lru_cache(maxsize=1024)  # an address often has the number of its person
def _is_in_use(text: str, every_possible: bool) -> bool:
    for end in (2, 3, 4):
        if plan := _numbering_plan(text[1:end]):
            national = text[end:]
            has_length = len(national) in plan.lengths and national[0] != "0"
            if not has_length or (plan.prefix and plan.prefix.match(national)):
                return False
            return every_possible or plan.numbers.fullmatch(national) is not None
    return False


class NumberingPlan(NamedTuple):
    """Of the largest country with a calling code: the possible lengths, the prefix for calls within the country, and
    the numbers that are in use."""

    lengths: frozenset[int]
    prefix: re.Pattern[str] | None
    numbers: re.Pattern[str]


@cache
def _numbering_plan(calling_code: str) -> NumberingPlan | None:
    """None if no country has the calling code."""
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(calling_code), ("001",))
    metadata = PhoneMetadata.metadata_for_region(regions[0], None)
    if metadata is None or metadata.general_desc is None:
        return None
    prefix = metadata.national_prefix_for_parsing
    kinds = [kind for name in KINDS if (kind := getattr(metadata, name)) and kind.national_number_pattern]
    return NumberingPlan(
        frozenset(metadata.general_desc.possible_length),
        re.compile(prefix) if prefix else None,
        re.compile("|".join(f"(?:{kind.national_number_pattern})" for kind in kinds) or "(?!)"),
    )
