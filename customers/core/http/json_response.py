"""Answers in JSON."""

import json
from collections.abc import Callable
from typing import Any

import orjson
from django.http import HttpResponse

UTF_8_JSON = "application/json; charset=utf-8"


def to_json(data: Any, default: Callable[[Any], Any] | None = None) -> bytes:
    """Compact JSON. `default` converts what JSON has no type for.

    orjson refuses unpaired surrogates, which an error may repeat from a request, and keys that are not strings. The
    slower encoder of the standard library writes both.
    """
    try:
        return orjson.dumps(data, default=default)
    except TypeError:
        return json.dumps(data, default=default, separators=(",", ":")).encode()


def json_response(data: Any, status: int = 200) -> HttpResponse:
    return HttpResponse(to_json(data), status=status, content_type=UTF_8_JSON)
