"""The requests, as bytes that are ready to be sent."""

import json
from collections.abc import Iterator
from itertools import count, cycle, islice

PATH = "/api/admin/users/"
CUSTOMER = {
    "email": "ada@example.com",
    "first_name": "Ada",
    "last_name": "Lovelace",
    "phone_number": "+12025550143",
    "language": "en",
    "accepts_marketing": True,
    "tags": ["newsletter", "vip"],
    "metadata": {"source": "landing page", "campaign": 7},
    "addresses": [
        {
            "first_name": "Ada",
            "last_name": "Lovelace",
            "line1": "1 Infinite Loop",
            "line4": "Cupertino",
            "state": "CA",
            "postcode": "95014",
            "country": "US",
            "phone_number": "+12025550143",
        }
    ],
}

_numbers = count(1)  # no two creates of a process share an email


def request(method: str, path: str, token: str, body: str = "") -> bytes:
    """`body` is JSON in ASCII."""
    lines = [
        f"{method} {path} HTTP/1.1",
        "Host: 127.0.0.1",
        "Accept: application/json",
        f"Authorization: Bearer {token}",
    ]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", body]).encode()


def repeated(method: str, paths: list[str], tokens: list[str], body: str = "") -> Iterator[bytes]:
    """Each path and each token in turn, without end."""
    pairs = zip(cycle(paths), cycle(tokens), strict=False)
    return cycle([request(method, path, token, body) for path, token in islice(pairs, max(len(paths), len(tokens)))])


def lists(tokens: list[str], customers: list[dict]) -> Iterator[bytes]:
    return repeated("GET", [PATH], tokens)


def retrieves(tokens: list[str], customers: list[dict]) -> Iterator[bytes]:
    return repeated("GET", [f"{PATH}{customer['id']}/" for customer in customers], tokens)


def creates(tokens: list[str], customers: list[dict]) -> Iterator[bytes]:
    """New customers who differ in their emails only, each with an address, two tags and metadata."""
    body = json.dumps(CUSTOMER | {"email": "customer-0000000000@example.net"})
    templates = [request("POST", PATH, token, body).replace(b"-0000000000@", b"-%010d@") for token in tokens]
    return (template % number for template, number in zip(cycle(templates), _numbers, strict=False))


# Each takes the tokens to use in turn, and some of the customers there are, as rows of their columns.
OPERATIONS = {"create": creates, "list": lists, "retrieve": retrieves}
