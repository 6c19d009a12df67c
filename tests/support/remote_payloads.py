"""What a live store sends: customers, addresses, signed events."""

import hashlib
import hmac
import json
from itertools import count
from typing import Any

JOINED = "2026-01-05T10:00:00.123456Z"

_event_number = count(1)


def customer_json(id: int = 5001, **fields) -> dict[str, Any]:
    """A customer as the API of a store shows them."""
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
        "addresses": [address_json(id * 10, is_default_for_shipping=True, is_default_for_billing=True)],
        **fields,
    }


def address_json(id: int, **fields) -> dict[str, Any]:
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


def erased_json(id: int = 5001, **fields) -> dict[str, Any]:
    """A customer after the store has erased them."""
    nothing = dict.fromkeys(("email", "phone_number", "ip", "user_agent", "metadata"))
    names = {"first_name": "", "last_name": ""}
    return customer_json(id, **nothing, **names, tags=[], addresses=[], accepts_marketing=False, **fields)


def event_json(event_type: str, data: Any, event_id: str | None = None) -> dict[str, Any]:
    return {
        "object": event_type.partition(".")[0],
        "data": data,
        "event_id": event_id or f"event-{next(_event_number)}",
        "event_type": event_type,
        "webhook": {"id": 1, "store": "live", "events": [event_type], "target": "https://mirror.example/"},
        "api_version": "2024-04-01",
    }


def to_bytes(document: Any) -> bytes:
    return json.dumps(document).encode()


def sign(body: bytes, secret: str) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
