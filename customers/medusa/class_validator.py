"""Validation of bodies and queries, with the messages and the order of class-validator, which Medusa uses."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import orjson
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.http import HttpRequest

from customers.core.json_values import MAX_JSON_LEVELS, check_json
from customers.limits import MAX_ERRORS, MAX_LIST_ITEMS
from customers.medusa.errors import InvalidData

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Check:
    """A condition, and the message for a value that fails it. `{}` in the text stands for the name of the property."""

    text: str
    holds: Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class Property:
    """The checks of a property. An optional one may be missing or null. `each`: the properties of objects in a list."""

    checks: tuple[Check, ...] = ()
    is_optional: bool = False
    each: Mapping[str, "Property"] = field(default_factory=dict)


def _is_email(value: Any) -> bool:
    try:
        validate_email(value)
    except (ValidationError, TypeError):
        return False
    return isinstance(value, str)


IS_EMAIL = Check("{} must be an email", _is_email)
IS_STRING = Check("{} must be a string", lambda value: isinstance(value, str))
IS_NOT_EMPTY = Check("{} should not be empty", lambda value: value not in ("", None))
IS_OBJECT = Check("{} must be an object", lambda value: isinstance(value, dict))
IS_ARRAY = Check("{} must be an array", lambda value: isinstance(value, list))
IS_SHORT_ARRAY = Check(
    f"{{}} must contain no more than {MAX_LIST_ITEMS} elements",
    lambda value: not isinstance(value, list) or len(value) <= MAX_LIST_ITEMS,
)
EACH_IS_STRING = Check(
    "each value in {} must be a string",
    lambda value: isinstance(value, list) and all(isinstance(part, str) for part in value),
)


def is_at_most(length: int) -> Check:
    """Checks strings only. IS_STRING checks the type."""
    return Check(
        f"{{}} must be shorter than or equal to {length} characters",
        lambda value: not isinstance(value, str) or len(value) <= length,
    )


def optional(*checks: Check, each: Mapping[str, Property] | None = None) -> Property:
    return Property(checks, is_optional=True, each=each or {})


def read_body(request: HttpRequest) -> dict[str, Any]:
    """The JSON object of a body. An empty body is an empty object. Forms are refused: a page of another site can send
    one with the cookie of a session.

    Raises ServiceError, InvalidData.
    """
    if not request.body:
        return {}
    if request.content_type != JSON:
        raise InvalidData(f"The body must be JSON, with the Content-Type {JSON}.")
    try:
        body = orjson.loads(request.body)
    except orjson.JSONDecodeError as error:
        raise InvalidData(f"The body is not valid JSON: {error}") from None
    if not isinstance(body, dict):
        raise InvalidData("The body must be an object.")
    check_json(body, levels=MAX_JSON_LEVELS + 1)
    return body


def validated(given: Mapping[str, Any], properties: Mapping[str, Property]) -> dict[str, Any]:
    """The given values, if all checks hold. Raises InvalidData with the first MAX_ERRORS messages, those for unknown
    names first."""
    if messages := list(islice(_messages(given, properties), MAX_ERRORS)):
        raise InvalidData(", ".join(messages))
    return dict(given)


def _messages(given: Mapping[str, Any], properties: Mapping[str, Property]) -> Iterator[str]:
    for name in given:
        if name not in properties:
            yield f"property {name} should not exist"
    for name, expected in properties.items():
        value = given.get(name)
        if value is None and expected.is_optional:
            continue
        for check in expected.checks:
            if not check.holds(value):
                yield check.text.format(name)
        if expected.each:
            for part in value[:MAX_LIST_ITEMS] if isinstance(value, list) else [value]:
                if isinstance(part, dict):
                    yield from _messages(part, expected.each)
                else:
                    yield f"each value in nested property {name} must be either object or array"
