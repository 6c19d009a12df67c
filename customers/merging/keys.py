"""What is compared to find duplicates: a digest for each thing that two records of one person may have in common."""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from hashlib import blake2b
from typing import Any, NamedTuple

from django.conf import settings

from customers.merging.models import Sign
from oauth.text import fold

# How likely two customers with this sign are the same person, from 0 to 1. Several signs add up; see `score`.
WEIGHTS = {Sign.EMAIL: 0.4, Sign.PHONE: 0.6, Sign.NAME_AND_POSTCODE: 0.5, Sign.NAME_AND_BIRTHDAY: 0.7}

# Providers that deliver mail for ada+shop@ to ada@. Those of DOTLESS ignore dots, too.
DOTLESS = {"gmail.com", "googlemail.com"}
TAGGED = DOTLESS | {
    "outlook.com", "hotmail.com", "live.com", "msn.com", "icloud.com", "me.com", "mac.com", "fastmail.com", "proton.me",
    "protonmail.com", "pm.me",
}  # fmt: skip
SAME_PROVIDER = {"googlemail.com": "gmail.com", "me.com": "icloud.com", "mac.com": "icloud.com"}

BIRTHDAY_KEY = re.compile(
    r"birth|\bdob\b|bday|geburt|naissance|nacimiento|nascimento|nascita|geboorte|födelse|fødsel|syntym|เกิด"
)
BIRTHDAY = re.compile(r"([0-9]{4})\D?([0-9]{2})\D?([0-9]{2})(T.*)?")


class Key(NamedTuple):
    sign: Sign
    key: int


# The columns of a customer that are compared.
COLUMNS = ("email_key", "full_name", "phone_number", "metadata")


class Person(NamedTuple):
    email_key: str | None
    full_name: str
    phone_number: str | None
    metadata: Mapping[str, Any] | None


def keys_of(person: Person, places: Iterable[tuple[str, str]]) -> set[Key]:
    """`places`: the country and the folded postcode of each address."""
    name = " ".join(sorted(person.full_name.split()))
    return {Key(sign, _digest(sign, text)) for sign, text in _texts(person, name, places)}


def score(signs: Iterable[str]) -> int:
    """From 0 to 100: the chance that not all of these signs are coincidences."""
    chance = 1.0
    for sign in set(signs):
        chance *= 1 - WEIGHTS[Sign(sign)]
    return round(100 * (1 - chance))


def _texts(person: Person, name: str, places: Iterable[tuple[str, str]]) -> Iterator[tuple[Sign, str]]:
    if mailbox := _mailbox(person.email_key):
        yield Sign.EMAIL, mailbox
    if person.phone_number:
        yield Sign.PHONE, person.phone_number
    if " " in name:  # one word is no full name
        for country, postcode in places:
            if postcode:
                yield Sign.NAME_AND_POSTCODE, f"{name}\n{country}{postcode.replace(' ', '')}"
        for birthday in _birthdays(person.metadata or {}):
            yield Sign.NAME_AND_BIRTHDAY, f"{name}\n{birthday}"


def _mailbox(email_key: str | None) -> str | None:
    """Without what a big provider ignores; None for other providers, where each spelling may be another person."""
    local, _, domain = (email_key or "").rpartition("@")
    if domain not in TAGGED:
        return None
    local = local.partition("+")[0]
    return f"{local.replace('.', '') if domain in DOTLESS else local}@{SAME_PROVIDER.get(domain, domain)}"


def _birthdays(metadata: Mapping[str, Any]) -> Iterator[str]:
    for key, value in metadata.items():
        if BIRTHDAY_KEY.search(fold(key).replace("_", " ")) and (found := BIRTHDAY.fullmatch(str(value).strip())):
            yield "-".join(found.groups()[:3])


@cache
def _secret(key: str) -> bytes:
    return blake2b(key.encode(), digest_size=32, person=b"match keys").digest()


def _digest(sign: Sign, text: str) -> int:
    """Keyed, so that nobody finds a phone number by trying all of them."""
    secret = _secret(settings.SECRET_KEY)
    return int.from_bytes(blake2b(f"{sign}\n{text}".encode(), digest_size=8, key=secret).digest(), signed=True)
