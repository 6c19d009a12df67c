"""A short way for most rows of a file: those whose values are short texts of printable ASCII.

Most rules of a customer concern other characters, long texts, and values that are wrong. So the row is looked at as a
whole, and then few rules are left. `rows.parse_row` decides about all other rows, and would find the same customer for
these: the tests hold that.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from customers import services, validation
from customers.insertion import NewCustomer
from customers.jobs.imports import values
from customers.jobs.imports.columns import METADATA, PLACE
from customers.jobs.imports.values import Rules
from customers.limits import MAX_METADATA_BYTES, MAX_METADATA_KEYS
from customers.metadata import services as definitions
from customers.phone_numbers import clean_phone_number
from oauth.errors import ServiceError
from oauth.text import is_plain

MAX_LENGTH = validation.MAX_POSTCODE_LENGTH  # no text of a customer has a lower limit
NAMES = ("first_name", "last_name")
# Of a plain text, nothing is left to be checked but the space around it.
ADDRESS_TEXTS = frozenset({*NAMES, "line1", "line2", "line3", "line4", "state", "postcode", "notes"})
# What is left of the rules for these is in their converters.
PERSON_CONVERTED = frozenset({"user_type", "language", "accepts_marketing", "is_blocked"})
ADDRESS_CONVERTED = frozenset({"country", *services.DEFAULT_FLAGS})
FILLED_FROM_ADDRESSES = services.FILLED_FROM_FIRST_ADDRESS + services.FILLED_FROM_ANY_ADDRESS


class Layout(NamedTuple):
    """The fields of a file, each with its name in the person, in the address or in the metadata."""

    names: list[str]
    converted: list[tuple[str, Callable[[Any], Any]]]
    address_texts: list[tuple[str, str]]
    address_converted: list[tuple[str, str, Callable[[Any], Any]]]
    metadata: list[tuple[str, str]]
    others: list[str]  # with rules that this module does not know
    has_small_metadata: bool = False  # plain texts in all its columns are within the limits


@lru_cache
def _layout(fields: tuple[str, ...]) -> Layout:
    layout = Layout([], [], [], [], [], [])
    for field in fields:
        is_of_address, name, convert = values.FIELDS.get(field, (False, field, None))
        if field.startswith(METADATA):
            layout.metadata.append((field, field[len(METADATA) :]))
        elif is_of_address and name in ADDRESS_TEXTS:
            layout.address_texts.append((field, name))
        elif is_of_address and name in ADDRESS_CONVERTED and convert:
            layout.address_converted.append((field, name, convert))
        elif field in NAMES:
            layout.names.append(field)
        elif field == "tags":
            layout.converted.append((field, _clean_tags))
        elif field in PERSON_CONVERTED and convert:
            layout.converted.append((field, convert))
        elif field not in ("email", "phone_number", "date_joined", "address_phone_number"):
            layout.others.append(field)
    return layout._replace(has_small_metadata=_is_small([key for _, key in layout.metadata]))


def _is_small(keys: Sequence[str]) -> bool:
    """Whether metadata with these keys is valid with any texts that are plain and not long. JSON has up to two signs
    for each of such a text, and six around a key and its value."""
    size = 2 * (len("".join(keys)) + len(keys) * (MAX_LENGTH + 3))
    return is_plain("".join(keys)) and len(keys) <= MAX_METADATA_KEYS and size <= MAX_METADATA_BYTES


@lru_cache(maxsize=1024)  # many people have the same
def _clean_tags(text: str) -> list[str]:
    """Raises ServiceError."""
    return validation.clean_tags(values.FIELDS["tags"][2](text))


def plain_customer(row: Mapping[str, Any], rules: Rules) -> NewCustomer | None:
    """`row`: values by field (see `columns`). None if another rule may apply: the row may be valid, or not."""
    texts, layout = row.values(), _layout(tuple(row))
    try:
        if not is_plain("".join(texts)) or max(map(len, texts), default=0) > MAX_LENGTH:
            return None
        if layout.others and any(row[field] for field in layout.others):
            return None
        person = _person(row, layout, rules)
        address = _address(row, layout, rules)
        if person is None or (address and not all(address.get(name) for name in values.REQUIRED)):
            return None
        if (phone_number := row.get("phone_number")) and address and phone_number == row.get("address_phone_number"):
            person["phone_number"] = address["phone_number"]
        elif phone_number:
            country = address["country"] if address else None
            person["phone_number"] = clean_phone_number(phone_number.strip(), country)
    except (ServiceError, TypeError):  # TypeError: JSON has other values than texts
        return None
    addresses = [address] if address else []
    if not all(map(person.get, FILLED_FROM_ADDRESSES)):
        person |= services.fields_from_addresses(addresses, person)
    return NewCustomer(person, addresses)


def _person(row: Mapping[str, str], layout: Layout, rules: Rules) -> dict[str, Any] | None:
    """All but the phone number. None if another rule may apply. Raises ServiceError."""
    email = row.get("email", "").strip()
    if not values.PLAIN_EMAIL.fullmatch(email) or "xn--" in email.lower():  # such domains have further rules
        return None
    person: dict[str, Any] = {"email": email}
    person |= {field: " ".join(text.split()) for field in layout.names if (text := row[field])}
    for field, convert in layout.converted:
        if text := row[field]:
            person[field] = convert(text)
    if values.surprises(person):
        return None
    if date := row.get("date_joined"):
        person["date_joined"] = values.to_date_joined(date, rules.date_order)
    metadata: dict[str, Any] = {key: text for field, key in layout.metadata if (text := row[field])}
    if metadata:
        bound = rules.bound.keys() & metadata.keys()
        for key in bound:
            metadata[key] = values.to_defined(metadata[key], rules.bound[key]["type"])
        if bound or not layout.has_small_metadata:
            metadata = definitions.clean_metadata(validation.clean_metadata(metadata) or {}, bound=rules.bound)
        person["metadata"] = metadata
    return person


def _address(row: Mapping[str, str], layout: Layout, rules: Rules) -> dict[str, Any] | None:
    """None if the row has no place. Raises ServiceError."""
    address: dict[str, Any] = {name: text.strip() for field, name in layout.address_texts if (text := row[field])}
    for field, name, convert in layout.address_converted:
        if text := row[field]:
            address[name] = convert(text)
    if not any(map(address.get, PLACE)):
        return None
    if rules.country:
        address.setdefault("country", rules.country)
    if phone_number := row.get("address_phone_number"):
        address["phone_number"] = clean_phone_number(phone_number.strip(), address.get("country"))
    return address | dict.fromkeys(services.DEFAULT_FLAGS, True)
