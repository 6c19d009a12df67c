"""A live store that is followed, and what it tells: signed as the platform signs."""

import hashlib
import hmac
import json
from itertools import count
from typing import Any

import pytest
from django.test import Client

from customers.mirror import services
from customers.mirror.models import FollowedStore

JOINED = "2026-01-05T10:00:00.123456Z"

_number = count(1)


def told(id: int = 5001, **fields) -> dict[str, Any]:
    """A customer, as a store shows one."""
    return {
        "id": id,
        "email": f"{id}@live.example",
        "first_name": "Ada",
        "last_name": "Lovelace",
        "phone_number": "+442079460958",
        "language": "en",
        "user_type": "lead",
        "accepts_marketing": True,
        "is_blocked": False,
        "ip": "203.0.113.9",
        "user_agent": None,
        "tags": ["vip"],
        "metadata": {"points": 7},
        "orders_count": 0,
        "subscriptions_count": 0,
        "total_spent": "0.00",
        "date_joined": JOINED,
        "addresses": [place(id * 10, is_default_for_shipping=True, is_default_for_billing=True)],
        **fields,
    }


def place(id: int, **fields) -> dict[str, Any]:
    return {
        "id": id,
        "is_default_for_shipping": False,
        "is_default_for_billing": False,
        "first_name": "",
        "last_name": "",
        "line1": "12 St James's Square",
        "line2": "",
        "line3": "",
        "line4": "London",
        "state": "",
        "postcode": "SW1Y 4JH",
        "phone_number": "",
        "notes": "",
        "country": "GB",
        **fields,
    }


def erased(id: int = 5001, **fields) -> dict[str, Any]:
    """Who was forgotten there, as the store shows them."""
    nothing = dict.fromkeys(("email", "phone_number", "ip", "user_agent", "metadata"))
    return told(id, **nothing, first_name="", last_name="", tags=[], addresses=[], accepts_marketing=False, **fields)


def signed(body: bytes, secret: str) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def envelope(event_type: str, data: Any, event_id: str | None = None) -> dict[str, Any]:
    return {
        "object": event_type.partition(".")[0],
        "data": data,
        "event_id": event_id or f"event-{next(_number)}",
        "event_type": event_type,
        "webhook": {"id": 1, "store": "live", "events": [event_type], "target": "https://copy.example/"},
        "api_version": "2024-04-01",
    }


@pytest.fixture(autouse=True)
def without_rate_limit(settings):
    settings.FOLLOWED_STORE_RATE = 0


@pytest.fixture
def followed(db) -> FollowedStore:
    """Without a token: it is taken at its word."""
    return services.store_at("https://live.example")


@pytest.fixture
def post(followed):
    """`post(body)`: to the receiver, by default with the right signature."""

    def send(body: bytes, signature: str | None = None, **headers):
        signature = signed(body, followed.secret_key) if signature is None else signature
        url = f"/webhooks/{followed.pk}/"
        client = Client(raise_request_exception=False, headers={"X-29Next-Signature": signature, **headers})
        return client.post(url, body, "application/json")

    return send


@pytest.fixture
def tell(post, followed):
    """`tell("customer.updated", told())`: the outcome that is noted of it."""

    def send(event_type: str, data: Any, event_id: str | None = None) -> str:
        body = envelope(event_type, data, event_id)
        response = post(json.dumps(body).encode())
        assert response.status_code == 200, response.content
        return followed.events.get(event_id=body["event_id"]).outcome

    return send
