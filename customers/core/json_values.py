"""JSON values that both databases can keep and every client can read back."""

import json
import math
import re
from typing import Any

from oauth.errors import ServiceError

MAX_JSON_LEVELS = 32
# From here on Python writes a float with an exponent. PostgreSQL keeps none, so it returns an integer.
EXPONENT_FROM = 1e16
SURROGATE = re.compile(r"[\ud800-\udfff]")


class StrictDecoder(json.JSONDecoder):
    """RFC 8259. Raises ValueError for NaN, for Infinity, and for a number that no float can hold, such as 1e400."""

    def __init__(self, **options: Any):
        super().__init__(**{**options, "parse_float": _finite, "parse_constant": _finite})


def parse_json(text: str | bytes) -> Any:
    """Raises ValueError, and RecursionError for too many levels."""
    if isinstance(text, bytes):
        text = text.decode(json.detect_encoding(text), "surrogatepass")  # as `json.loads` does
    return _decoder.decode(text)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:40]} is out of range")
    return number


# `json.loads` would make one for each text.
_decoder = StrictDecoder()


def is_same_json(one: Any, other: Any) -> bool:
    """Objects are compared whatever the order of their keys, numbers by value and kind: 1 is neither true nor 1.0."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(is_same_json(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(is_same_json, one, other))
    if {type(one), type(other)} == {int, float} and abs(one) >= EXPONENT_FROM:
        return one == other
    return type(one) is type(other) and one == other


def check_json(value: Any, *path: str | int, levels: int = MAX_JSON_LEVELS) -> None:
    """Raises ServiceError(*path) for more than 32 levels, for NUL or an unpaired surrogate in a string, for NaN, and
    for a number of 2**63 or more, which a database may return as another one.
    """
    if isinstance(value, str):
        if "\0" in value or (not value.isascii() and SURROGATE.search(value)):
            raise ServiceError("Must not contain NUL or unpaired surrogates.", *path)
    elif isinstance(value, int | float):
        if not abs(value) < 2**63:  # True for NaN, too
            raise ServiceError("Number out of range.", *path)
    elif isinstance(value, dict | list):
        if levels == 0:
            raise ServiceError(f"More than {MAX_JSON_LEVELS} levels can't be kept.", *path)
        for part in value if isinstance(value, list) else (*value.keys(), *value.values()):
            if not (type(part) is str and part.isascii() and "\0" not in part):  # as most are, which saves the call
                check_json(part, *path, levels=levels - 1)
