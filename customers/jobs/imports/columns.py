"""Maps the columns of a file to the fields of a customer, by their headers."""

import re
from collections.abc import Iterable, Mapping

from customers.filters import METADATA
from oauth.errors import ServiceError

# The fields of the person and of the first address, each with its usual headers, the best one first: those of the
# files of Google Contacts, Klaviyo, Mailchimp, Outlook, Shopify, Stripe and WooCommerce are among them.
# Headers are compared without case, punctuation and OWNERS.
PERSON = {
    "email": (
        "email",
        "e mail",
        "email address",
        "e mail address",
        "mail",
        "user email",
        "e mail 1 value",
        "email 1 value",
        "primary email",
        "correo electrónico",
    ),
    "first_name": (
        "first name",
        "firstname",
        "given name",
        "forename",
        "fname",
        "full name",
        "customer name",
        "display name",
        "name",
        "vorname",
        "prénom",
        "nombre",
    ),
    "last_name": (
        "last name",
        "lastname",
        "surname",
        "family name",
        "lname",
        "nachname",
        "familienname",
        "nom",
        "nom de famille",
        "apellido",
        "apellidos",
    ),
    "phone_number": (
        "phone number",
        "phone",
        "telephone",
        "telephone number",
        "mobile",
        "mobile phone",
        "mobile number",
        "primary phone",
        "phone 1 value",
        "tel",
        "cell",
        "cell phone",
        "telefon",
        "telefonnummer",
        "handy",
        "mobil",
        "téléphone",
        "portable",
        "teléfono",
    ),
    "user_type": ("user type",),
    "language": ("language", "lang", "locale", "language code", "preferred language", "sprache", "langue", "idioma"),
    "accepts_marketing": (
        "accepts marketing",
        "accepts email marketing",
        "email marketing consent",
        "email marketing",
        "marketing",
        "marketing consent",
        "email consent",
        "newsletter",
        "is subscribed",
        "subscribed",
        "opt in",
        "opted in",
        "marketing opt in",
        "email opt in",
    ),
    "is_blocked": ("is blocked", "blocked"),
    "tags": ("tags", "tag", "labels", "label", "group membership", "schlagwörter", "étiquettes", "etiquetas"),
    "metadata": ("metadata",),
    "ip": ("ip", "ip address", "optin ip", "confirm ip"),
    "user_agent": ("user agent",),
    "date_joined": (
        "date joined",
        "created at",
        "created",
        "date created",
        "created date",
        "created utc",
        "created date utc",
        "date registered",
        "user registered",
        "registered",
        "sign up",
        "signed up at",
        "customer since",
        "member since",
        "since",
        "kunde seit",
        "client depuis",
        "cliente desde",
        "profile created on",
        "date added",
        "optin time",
        "confirm time",
    ),
}
ADDRESS = {
    "first_name": (),
    "last_name": (),
    "line1": (
        "line1",
        "line 1",
        "address1",
        "address 1",
        "address line1",
        "address line 1",
        "street",
        "street address",
        "address",
        "straße",
        "strasse",
        "adresse",
        "rue",
        "dirección",
        "calle",
    ),
    "line2": (
        "line2",
        "line 2",
        "address2",
        "address 2",
        "address line2",
        "address line 2",
        "street 2",
        "extended address",
    ),
    "line3": ("line3", "line 3", "address3", "address 3", "address line3", "address line 3", "street 3"),
    "line4": (
        "line4",
        "line 4",
        "city",
        "town",
        "town city",
        "city town",
        "ort",
        "stadt",
        "wohnort",
        "ville",
        "ciudad",
    ),
    "state": (
        "state",
        "province code",
        "province",
        "state region",
        "state province",
        "region",
        "county",
        "bundesland",
        "provincia",
    ),
    "postcode": (
        "postcode",
        "post code",
        "postal code",
        "zip",
        "zip code",
        "zip postal code",
        "postal zip code",
        "plz",
        "postleitzahl",
        "code postal",
        "código postal",
    ),
    "country": ("country code", "country", "country region", "country name", "land", "pays", "país"),
    "phone_number": (),
    "notes": (),
    "is_default_for_shipping": (),
    "is_default_for_billing": (),
}
# An address needs one of these: many files have a country in every row.
PLACE = ("line1", "line2", "line3", "line4", "postcode")
MORE_ADDRESSES = "more_addresses"  # a list of objects, beside the columns of the first
ADDRESSES = "addresses"  # the whole list, in the shape of the API
# An export has these fields; an import ignores them, since the store computes them.
COUNTERS = ("orders_count", "subscriptions_count", "total_spent")
# What staff know about a block, and the evidence of the last change of a marketing consent.
BLOCK = ("blocked_at", "blocked_by", "block_reason", "blocked_until")
CONSENT = ("consent_at", "consent_by", "consent_app", "consent_ip", "consent_text")
PURCHASES = ("first_purchase_date", "last_purchase_date")

# What a header may begin with, the best one first: so all columns of an address are of one kind.
OWNERS = (
    "customer",
    "default address",
    "billing address",
    "billing",
    "address 1",
    "address",
    "home",
    "business",
    "shipping address",
    "shipping",
    "card address",
    "card",
)
# The last column of a file of refused rows. An import ignores it.
REASONS = "Refused because"

# What a person reads, where the name of a field would not do.
LABELS = {
    "user_type": "type",
    "is_blocked": "blocked",
    "ip": "IP address",
    "date_joined": "customer since",
    "address_line1": "street and number",
    "address_line2": "street, line 2",
    "address_line3": "street, line 3",
    "address_line4": "city",
    "address_country": "country",
}

NO_RANK = 10_000

FIELDS = (*PERSON, *(f"address_{name}" for name in ADDRESS), ADDRESSES, MORE_ADDRESSES)


def label(field: str) -> str:
    return LABELS.get(field, field.replace("_", " "))


def guess_fields(
    headers: Iterable[str], chosen: Mapping[str, str], defined: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Field by header, for the headers that are known. `chosen` overrides a guess; an empty field ignores the column.
    `defined`: the names of custom fields by key; a header may also be such a name or key, in any case.

    Raises ServiceError for a field or header that does not exist, and for a field that is chosen twice.
    """
    headers = list(headers)
    for header, field in chosen.items():
        if field and field not in FIELDS and not field.startswith(METADATA):
            raise ServiceError(f"Unknown field {field!r}. The fields are {', '.join(FIELDS)}, metadata.NAME.")
        if header not in headers:
            raise ServiceError(f"Unknown column {header!r}. The columns are {', '.join(headers)}.")
    if twice := {field for field in chosen.values() if field and list(chosen.values()).count(field) > 1}:
        raise ServiceError(f"Only one column can be {', '.join(sorted(map(label, twice)))}.")
    taken = set(chosen.values())
    custom = {text.casefold(): key for key, name in (defined or {}).items() for text in (key, name)}
    found: dict[str, tuple[int, str]] = {}
    for header in headers:
        field, rank = _field_of(header)
        if not field and (key := custom.get(header.casefold())):
            field, rank = METADATA + key, 0
        if header not in chosen and field and field not in taken and rank < found.get(field, (NO_RANK, ""))[0]:
            found[field] = (rank, header)
    fields = {header: field for field, (_, header) in found.items()} | dict(chosen)
    return {header: fields[header] for header in headers if fields.get(header)}


def without_partial_address(fields: Mapping[str, str], chosen: Mapping[str, str]) -> dict[str, str]:
    """Without the guessed fields of the address, if the file has a street but no city, or the other way round: it would
    be refused in each row. Mailchimp, for one, has a whole address in one column."""
    if ("address_line1" in fields.values()) == ("address_line4" in fields.values()):
        return dict(fields)
    return {header: field for header, field in fields.items() if header in chosen or not field.startswith("address_")}


def _field_of(header: str) -> tuple[str, int]:
    """The field, or "", and the rank of the header among those of the field: lower is better."""
    if header.lower().startswith(METADATA) and len(header) > len(METADATA):
        return METADATA + header[len(METADATA) :], 0
    plain = " ".join(re.findall(r"[^\W_]+", header.lower()))
    if plain.replace(" ", "_") in FIELDS:
        return plain.replace(" ", "_"), 0
    owned = [(plain.removeprefix(f"{owner} "), rank) for rank, owner in enumerate(OWNERS, 1)]
    for text, owner_rank in [(plain, 0), *(each for each in owned if each[0] != plain)]:
        for group, start in ((PERSON, ""), (ADDRESS, "address_")):
            for name, spellings in group.items():
                if text in spellings and not (owner_rank and text == "name"):  # Business Name is a company
                    return start + name, 1 + spellings.index(text) + 100 * owner_rank
    return "", NO_RANK
