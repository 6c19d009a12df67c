"""Which column of a file is which field of a customer, guessed from its header."""

import re
from collections.abc import Iterable, Mapping

from customers.filters import METADATA
from oauth.errors import ServiceError

# Fields of the person and of the first address, each with the headers that shops' exports give it, the best one first.
# Headers are compared without case and punctuation, and without the words that say whose they are.
PERSON = {
    "email": ("email", "e mail", "email address", "mail", "user email"),
    "first_name": ("first name", "firstname", "given name", "forename"),
    "last_name": ("last name", "lastname", "surname", "family name"),
    "phone_number": ("phone number", "phone", "telephone", "mobile", "mobile phone", "tel"),
    "user_type": ("user type",),
    "language": ("language", "lang", "locale", "language code", "preferred language"),
    "accepts_marketing": (
        "accepts marketing",
        "accepts email marketing",
        "email marketing",
        "marketing",
        "marketing consent",
        "newsletter",
        "is subscribed",
        "subscribed",
        "opt in",
    ),
    "is_blocked": ("is blocked", "blocked"),
    "tags": ("tags", "tag", "labels"),
    "metadata": ("metadata",),
    "ip": ("ip", "ip address"),
    "user_agent": ("user agent",),
    "date_joined": (
        "date joined",
        "created at",
        "created",
        "date created",
        "date registered",
        "user registered",
        "registered",
        "signed up at",
        "customer since",
    ),
}
ADDRESS = {
    "first_name": (),
    "last_name": (),
    "line1": ("line1", "line 1", "address1", "address 1", "address line 1", "street", "street address", "address"),
    "line2": ("line2", "line 2", "address2", "address 2", "address line 2"),
    "line3": ("line3", "line 3", "address3", "address 3", "address line 3"),
    "line4": ("line4", "line 4", "city", "town"),
    "state": ("state", "province code", "province", "region", "county"),
    "postcode": ("postcode", "postal code", "zip", "zip code"),
    "country": ("country code", "country"),
    "phone_number": (),
    "notes": (),
    "is_default_for_shipping": (),
    "is_default_for_billing": (),
}
MORE_ADDRESSES = "more_addresses"  # a list of objects, beside the columns of the first
ADDRESSES = "addresses"  # the whole list, as the API shows it
# What an export tells and an import leaves to the store.
COUNTERS = ("orders_count", "subscriptions_count", "total_spent")
PURCHASES = ("first_purchase_date", "last_purchase_date")

WHOSE = re.compile(r"^(customer|default address|billing address|billing|address)\s+(?=\D)")

FIELDS = (*PERSON, *(f"address_{name}" for name in ADDRESS), ADDRESSES, MORE_ADDRESSES)


def guess(headers: Iterable[str], given: Mapping[str, str]) -> dict[str, str]:
    """Header to field, for the headers that are understood; `given` has the last word.

    Raises ServiceError for a field that is not known, or is given twice.
    """
    headers = list(headers)
    for header, field in given.items():
        if field and field not in FIELDS and not field.startswith(METADATA):
            raise ServiceError(f"There is no field {field!r}. The fields are {', '.join(FIELDS)}, metadata.NAME.")
        if header not in headers:
            raise ServiceError(f"There is no column {header!r}. The columns are {', '.join(headers)}.")
    if twice := {field for field in given.values() if field and list(given.values()).count(field) > 1}:
        raise ServiceError(f"Two columns can't both be {', '.join(sorted(twice))}.")
    taken = set(given.values())
    found: dict[str, tuple[int, str]] = {}
    for header in headers:
        field, rank = _field_of(header)
        if header not in given and field and field not in taken and rank < found.get(field, (1000, ""))[0]:
            found[field] = (rank, header)
    fields = {header: field for field, (_, header) in found.items()} | dict(given)
    return {header: fields[header] for header in headers if fields.get(header)}


def _field_of(header: str) -> tuple[str, int]:
    """And how far down the list its spelling is; lower is better."""
    if header.lower().startswith(METADATA) and len(header) > len(METADATA):
        return METADATA + header[len(METADATA) :], 0
    plain = " ".join(re.findall(r"[^\W_]+", header.lower()))
    if plain.replace(" ", "_") in FIELDS:
        return plain.replace(" ", "_"), 0
    for prefix in (plain, WHOSE.sub("", plain)):
        for group, start in ((PERSON, ""), (ADDRESS, "address_")):
            for name, spellings in group.items():
                if prefix in spellings:
                    return start + name, 1 + spellings.index(prefix) + 100 * (prefix != plain)
    return "", 1000
