"""What Schemathesis must not choose, or would not guess."""

from typing import Any
from urllib.parse import quote
from zlib import crc32

import schemathesis

# Published as plain texts, so that a made-up one is refused before the store does anything with it.
REAL = {
    "country": "GB",
    "phone_number": "020 7946 0018",
    "ip": "203.0.113.7",
    "object": "customer",
    "type": "integer",
    "api_version": "2023-02-10",
}


@schemathesis.hook
def map_body(context: Any, body: Any) -> Any:
    """Events go to a closed port of this machine: the store would send them to whatever host a webhook names.

    Every second text that has to be a real one is one.
    """
    if isinstance(body, list):
        return [map_body(context, value) for value in body]
    if not isinstance(body, dict):
        return body
    return {name: _chosen(name, value) or map_body(context, value) for name, value in body.items()}


def _chosen(name: str, value: Any) -> str | None:
    if not isinstance(value, str):
        return None
    given = value.encode("utf-8", "replace")
    if name == "target":
        return f"http://127.0.0.1:9/{quote(given)}"
    return REAL.get(name) if crc32(given) % 2 else None
