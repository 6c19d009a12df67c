"""Generates plausible customers from the lists in `world`. The same seed generates the same customers."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from customers.demo.world import COUNTRIES, Country

DAYS = 425  # since the store opened; it grows, so most people are newer
BUYERS = 0.57  # of all
MANY_ORDERS = 4
EMAIL_HOSTS = ("mail.example", "post.example", "inbox.example")
LETTERS = "ABCDEFGHJKLMNPRSTUWXYZ"
# Documentation ranges (RFC 5737).
NETWORKS = ("192.0.2.", "198.51.100.", "203.0.113.")
USER_AGENTS = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 "
    "Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:142.0) Gecko/20100101 Firefox/142.0",
)
TAGS = ("newsletter", "wholesale", "espresso", "filter", "workshop", "gift", "referral", "café", "summer sale")
SOURCES = ("organic", "newsletter", "instagram", "referral", "market stall")


@dataclass(frozen=True, slots=True)
class Person:
    """`row`: the fields of an import's row. `orders`: when each was placed; people with orders have an address."""

    row: dict[str, Any]
    country: Country
    joined: datetime
    orders: list[datetime]
    subscribes: bool


def people(total: int, random: Random, now: datetime) -> Iterator[Person]:
    """In the order in which they joined, the last one some minutes ago."""
    taken: set[str] = set()
    ages = sorted((random.triangular(0.003, DAYS, 0.003) for _ in range(total)), reverse=True)
    for age in ages:
        country = random.choices(COUNTRIES, [country.share for country in COUNTRIES])[0]
        joined = (now - timedelta(days=age)).replace(microsecond=0)
        orders = list(_orders(joined, now, random)) if random.random() < BUYERS else []
        yield _person(country, joined, orders, random, taken)


def _orders(joined: datetime, now: datetime, random: Random) -> Iterator[datetime]:
    """The first order comes soon after the person joined, the others weeks apart; none is in the future."""
    at = joined + timedelta(hours=random.expovariate(1 / 60))
    for _ in range(1 + int(random.expovariate(0.45))):
        if at >= now:
            return
        yield at.replace(microsecond=0)
        at += timedelta(days=random.triangular(6, 90, 28))


def _person(country: Country, joined: datetime, orders: list[datetime], random: Random, taken: set[str]) -> Person:
    first, last = random.choice(country.names.first), random.choice(country.names.last)
    row: dict[str, Any] = {
        "email": _email(first, last, random, taken),
        "first_name": first,
        "last_name": last,
        "language": country.language,
        "accepts_marketing": random.random() < 0.6,
        "tags": _tags(len(orders), random),
        "ip": f"{random.choice(NETWORKS)}{random.randrange(1, 255)}",
        "user_agent": random.choice(USER_AGENTS),
        "date_joined": joined.isoformat(),
    }
    if random.random() < 0.5:
        row["metadata"] = {"source": random.choice(SOURCES), "loyalty_points": len(orders) * random.randrange(20, 90)}
    if orders or random.random() < 0.5:
        row["addresses"] = [_address(country, first, last, random, taken)]
        if random.random() < 0.12:  # of somebody they send presents to
            row["addresses"].append(_address(country, random.choice(country.names.first), last, random, taken))
    elif random.random() < 0.4:  # left only an email address
        row |= {"first_name": "", "last_name": ""}
    return Person(row, country, joined, orders, subscribes=bool(orders) and random.random() < 0.1)


def _email(first: str, last: str, random: Random, taken: set[str]) -> str:
    plain = unicodedata.normalize("NFKD", f"{first}.{last}".replace("ß", "ss").replace("ı", "i"))
    name = "".join(letter for letter in plain.lower() if letter.isascii() and (letter.isalnum() or letter == "."))
    host = random.choice(EMAIL_HOSTS)
    email, further = f"{name}@{host}", 1
    while email in taken:
        further += 1
        email = f"{name}{further}@{host}"
    taken.add(email)
    return email


def _tags(orders: int, random: Random) -> list[str]:
    words = random.sample(TAGS, random.choices((0, 1, 2, 3), (50, 30, 15, 5))[0])
    return ["vip", *words] if orders >= MANY_ORDERS else words


def _address(country: Country, first: str, last: str, random: Random, taken: set[str]) -> dict[str, Any]:
    """Nobody shares a phone number: the store would take them for the same person."""
    city = random.choice(country.cities)
    phone = _filled(city.phone, random) if random.random() < 0.8 else ""
    if phone in taken:
        phone = ""
    taken.add(phone)
    return {
        "first_name": first,
        "last_name": last,
        "line1": random.choice(country.streets).format(random.randrange(1, 180)),
        "line4": city.name,
        "state": city.state,
        "postcode": _filled(city.postcode, random),
        "country": country.code,
        "phone_number": phone,
    }


def _filled(pattern: str, random: Random) -> str:
    digits = (str(random.randrange(1, 10)) if sign == "#" else sign for sign in pattern)
    return "".join(random.choice(LETTERS) if sign == "@" else sign for sign in digits)
