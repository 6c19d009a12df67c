"""Checks metadata values against a definition, and the validations of a definition.

Values are JSON: strings for `text`, `rich_text` and `file` (a URL), numbers for `integer` and `decimal`, true or false
for `boolean`, a list of strings for `multi_text`. Null is always allowed. Lengths count characters, in a list those of
each string; a precision counts decimal places.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator

from customers.metadata.models import Type, Validation
from oauth.errors import ServiceError

# The types that accept a validation.
APPLY_TO = {
    Validation.MAXIMUM_LENGTH: (Type.TEXT, Type.RICH_TEXT, Type.MULTI_TEXT),
    Validation.MAXIMUM_VALUE: (Type.INTEGER, Type.DECIMAL),
    Validation.MINIMUM_VALUE: (Type.INTEGER, Type.DECIMAL),
    Validation.MAXIMUM_PRECISION: (Type.DECIMAL,),
    Validation.ACCEPT_ONLY_IMAGE: (Type.FILE,),
}
IMAGES = frozenset(
    {".avif", ".bmp", ".gif", ".heic", ".ico", ".jpeg", ".jpg", ".png", ".svg", ".tif", ".tiff", ".webp"}
)
WHOLE = re.compile("[0-9]{1,9}")
NUMBER = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18})?")
BOOLEANS = {"true": True, "false": False}

_is_url = URLValidator(["http", "https"])


def clean(value: Any, type: str, validations: Sequence[Mapping[str, str]]) -> Any:
    """The value as it is kept: 5.0 is an integer, too (JSON Schema 2020-12, 4.2.3), and is kept as 5.

    Raises ServiceError, without a path, if the value does not match the type and the validations.
    """
    if value is None:
        return None
    message, is_valid = TYPES[Type(type)]
    if not is_valid(value):
        raise ServiceError(message)
    for validation in validations:
        message, is_met = VALIDATIONS[Validation(validation["type"])]
        if not is_met(value, validation["value"]):
            raise ServiceError(message.format(validation["value"]))
    return int(value) if type == Type.INTEGER else value


def check_validations(type: str, validations: Sequence[Mapping[str, str]]) -> None:
    """Raises ServiceError for a validation that the type does not have, that is repeated, or that no value can meet.

    The path is ("validations", position, "type" or "value").
    """
    given: dict[str, str] = {}
    for position, validation in enumerate(validations):
        kind, value = validation["type"], validation["value"]
        if type not in APPLY_TO[Validation(kind)]:
            raise ServiceError(f"A definition of type {type} has no {kind}.", "validations", position, "type")
        if kind in given:
            raise ServiceError("This validation is there already.", "validations", position, "type")
        message, is_valid = ARGUMENTS[Validation(kind)]
        if not is_valid(value):
            raise ServiceError(message, "validations", position, "value")
        given[kind] = value
        bounds = (given.get(Validation.MINIMUM_VALUE), given.get(Validation.MAXIMUM_VALUE))
        if None not in bounds and Decimal(bounds[0]) > Decimal(bounds[1]):  # type: ignore[arg-type]  # neither is None
            raise ServiceError("No value is between these bounds.", "validations", position, "value")


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_whole(value: Any) -> bool:
    return _is_number(value) and value == int(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_list_of_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _is_file(value: Any) -> bool:
    try:
        _is_url(value)
    except ValidationError:
        return False
    return True


def _is_short_enough(value: str | list[str], longest: str) -> bool:
    return all(len(each) <= int(longest) for each in ([value] if isinstance(value, str) else value))


def _is_precise_at_most(value: float, places: str) -> bool:
    exponent = _decimal(value).normalize().as_tuple().exponent
    return -int(exponent) <= int(places)


def _is_image(value: str, wanted: str) -> bool:
    return not BOOLEANS[wanted] or PurePosixPath(urlsplit(value).path).suffix.lower() in IMAGES


def _decimal(value: float) -> Decimal:
    """With the digits that JSON shows."""
    return Decimal(str(value))


TYPES: dict[Type, tuple[str, Callable[[Any], bool]]] = {
    Type.TEXT: ("Enter a text.", _is_text),
    Type.INTEGER: ("Enter a whole number.", _is_whole),
    Type.DECIMAL: ("Enter a number.", _is_number),
    Type.RICH_TEXT: ("Enter a text.", _is_text),
    Type.MULTI_TEXT: ("Enter a list of texts.", _is_list_of_texts),
    Type.FILE: ("Enter the URL of a file, with http or https.", _is_file),
    Type.BOOLEAN: ("Enter true or false.", lambda value: isinstance(value, bool)),
}
# Called with a value of the right type, and the argument of the validation.
VALIDATIONS: dict[Validation, tuple[str, Callable[[Any, str], bool]]] = {
    Validation.MAXIMUM_LENGTH: ("Enter at most {} characters.", _is_short_enough),
    Validation.MAXIMUM_VALUE: ("Enter at most {}.", lambda value, most: _decimal(value) <= Decimal(most)),
    Validation.MINIMUM_VALUE: ("Enter at least {}.", lambda value, least: _decimal(value) >= Decimal(least)),
    Validation.MAXIMUM_PRECISION: ("Enter at most {} decimal places.", _is_precise_at_most),
    Validation.ACCEPT_ONLY_IMAGE: ("Enter the URL of an image.", _is_image),
}
_A_COUNT = ("Enter a whole number, as a text.", lambda text: WHOLE.fullmatch(text) is not None)
_A_BOUND = ("Enter a number, as a text.", lambda text: NUMBER.fullmatch(text) is not None)
ARGUMENTS: dict[Validation, tuple[str, Callable[[str], bool]]] = {
    Validation.MAXIMUM_LENGTH: _A_COUNT,
    Validation.MAXIMUM_VALUE: _A_BOUND,
    Validation.MINIMUM_VALUE: _A_BOUND,
    Validation.MAXIMUM_PRECISION: _A_COUNT,
    Validation.ACCEPT_ONLY_IMAGE: ('Enter "true" or "false".', BOOLEANS.__contains__),
}
