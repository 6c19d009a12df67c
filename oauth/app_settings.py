"""The settings that a partner app declares in its manifest (`settings_schema`), and which values they take.

A schema is the platform's list of settings, each with a `type` and a `name`; or a JSON Schema of an object with
`properties`. A setting that uses more of the format than this module knows is left to the app: its values are not
checked.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator, validate_email

from oauth.errors import ServiceError

MAX_SETTINGS = 200
MAX_OPTIONS = 500
NAME = re.compile(r"[A-Za-z_][\w-]{0,99}", re.ASCII)
COLOR = re.compile(r"#(?:[0-9A-Fa-f]{3,4}|[0-9A-Fa-f]{6}|[0-9A-Fa-f]{8})")
EMPTY: tuple[Any, ...] = (None, "", [])
KEYWORDS = frozenset(
    ("type", "name", "label", "help_text", "required", "default", "options", "multi-select", "max_length", "min_value",
     "max_value")
)  # fmt: skip
# Of JSON Schema, each with the platform's own word.
JSON_SCHEMA_KEYWORDS = {
    "title": "label", "description": "help_text", "default": "default", "enum": "enum", "format": "format",
    "type": "type", "minimum": "min_value", "maximum": "max_value", "maxLength": "max_length",
}  # fmt: skip
JSON_SCHEMA_FORMATS = {"": "text", "email": "email", "uri": "url"}


class Kind(StrEnum):
    TEXT = "text"
    TEXTAREA = "textarea"
    EMAIL = "email"
    URL = "url"
    COLOR = "color"
    INTEGER = "integer"
    NUMBER = "number"
    CHECKBOX = "checkbox"
    SELECT = "select"
    RADIO = "radio"


VALIDATORS: dict[Kind, Callable[[Any], None]] = {Kind.EMAIL: validate_email, Kind.URL: URLValidator(["http", "https"])}


@dataclass(frozen=True, slots=True)
class Setting:
    """`options`: label by value, of a choice. `is_list`: several options may be chosen."""

    name: str
    kind: Kind
    label: str
    help_text: str
    required: bool
    default: Any
    options: Mapping[str | int | float, str]
    is_list: bool
    max_length: int | None
    min_value: float | None
    max_value: float | None

    def check(self, value: Any) -> None:
        """`value`: as in JSON; None, an empty text or an empty list for none. Raises ServiceError(name)."""
        try:
            self._check(value)
        except ServiceError as error:
            raise ServiceError(error.message, self.name) from None

    def _check(self, value: Any) -> None:
        if value in EMPTY:
            if self.required:
                raise ServiceError("This field is required.")
        elif self.is_list:
            if not isinstance(value, list):
                raise ServiceError("Enter a list of choices.")
            for each in value:
                self._check_option(each)
        elif self.kind in (Kind.SELECT, Kind.RADIO):
            self._check_option(value)
        elif self.kind == Kind.CHECKBOX:
            if not isinstance(value, bool):
                raise ServiceError("Enter true or false.")
        elif self.kind in (Kind.INTEGER, Kind.NUMBER):
            self._check_number(value)
        elif not isinstance(value, str):
            raise ServiceError("Enter a text.")
        else:
            self._check_text(value)

    def _check_option(self, value: Any) -> None:
        if isinstance(value, dict | list | bool) or value not in self.options:
            raise ServiceError("Select one of the choices.")

    def _check_number(self, value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ServiceError("Enter a number.")
        if self.kind == Kind.INTEGER and value != int(value):
            raise ServiceError("Enter a whole number.")
        if self.min_value is not None and value < self.min_value:
            raise ServiceError(f"Enter {self.min_value} or more.")
        if self.max_value is not None and value > self.max_value:
            raise ServiceError(f"Enter {self.max_value} or less.")

    def _check_text(self, value: str) -> None:
        if self.max_length is not None and len(value) > self.max_length:
            raise ServiceError(f"Ensure this field has no more than {self.max_length} characters.")
        if validator := VALIDATORS.get(self.kind):
            try:
                validator(value)
            except ValidationError as error:
                raise ServiceError(error.messages[0]) from None
        if self.kind == Kind.COLOR and not COLOR.fullmatch(value):
            raise ServiceError("Enter a color such as #0a58ca.")


def check_schema(schema: Any) -> None:
    """The validator of the column. Raises ValidationError for what declares no settings at all."""
    names = [name for name, _ in _declarations(schema)]
    if len(names) > MAX_SETTINGS:
        raise ValidationError(f"An app has at most {MAX_SETTINGS} settings.")
    if not all(isinstance(name, str) and NAME.fullmatch(name) for name in names):
        raise ValidationError("The name of each setting has letters, digits, hyphens and underscores.")
    if len(set(names)) < len(names):
        raise ValidationError("Two settings have the same name.")


def known_settings(schema: Any) -> list[Setting]:
    """The settings of a valid schema that this module can check, in the order of the schema."""
    settings = (_setting(name, words) for name, words in _declarations(schema) if words is not None)
    return [setting for setting in settings if setting]


def check_settings(schema: Any, values: Mapping[str, Any], *, all_of_them: bool) -> None:
    """`all_of_them`: a required setting may not be missing. Raises ServiceError with the setting's name."""
    for setting in known_settings(schema):
        if all_of_them or setting.name in values:
            setting.check(values.get(setting.name))


def _declarations(schema: Any) -> Iterator[tuple[Any, dict[str, Any] | None]]:
    """The name of each setting and the platform's words about it; None for words that are not known.

    Raises ValidationError.
    """
    if isinstance(schema, list):
        for each in schema:
            if not isinstance(each, dict):
                raise ValidationError("Each setting is an object with a type and a name.")
            yield each.get("name"), each if each.keys() <= KEYWORDS else None
        return
    properties = schema.get("properties") if isinstance(schema, dict) else None
    if not isinstance(properties, dict):
        raise ValidationError("Enter a list of settings, or a JSON Schema of an object with properties.")
    required = schema.get("required", [])
    for name, words in properties.items():
        yield name, _from_json_schema(words, name in required if isinstance(required, list) else False)


def _from_json_schema(words: Any, required: bool) -> dict[str, Any] | None:
    if not isinstance(words, dict) or not words.keys() <= JSON_SCHEMA_KEYWORDS.keys():
        return None
    given: dict[str, Any] = {JSON_SCHEMA_KEYWORDS[word]: value for word, value in words.items()}
    type, format, enum = given.get("type"), given.pop("format", ""), given.pop("enum", None)
    if type == "string":
        given["type"] = JSON_SCHEMA_FORMATS.get(format) if isinstance(format, str) else None
    elif type == "boolean":
        given["type"] = "checkbox"
    if enum is not None:
        if not isinstance(enum, list) or type not in ("string", "integer", "number"):
            return None
        given |= {"type": "select", "options": [{"name": str(value), "value": value} for value in enum]}
    return {**given, "required": required}


def _setting(name: str, words: Mapping[str, Any]) -> Setting | None:
    """None for a setting whose type or limits are not known."""
    texts = [words.get(word) or "" for word in ("label", "help_text")]
    limits: list[Any] = [words.get(word) for word in ("max_length", "min_value", "max_value")]
    options = _options(words.get("options", []))
    kind = words.get("type")
    if not isinstance(kind, str) or kind not in set(Kind) or options is None:
        return None
    if bool(options) != (kind in (Kind.SELECT, Kind.RADIO)) or not all(isinstance(text, str) for text in texts):
        return None
    if any(isinstance(limit, bool) or not isinstance(limit, int | float | None) for limit in limits):
        return None
    setting = Setting(
        name, Kind(kind), texts[0] or name, texts[1], bool(words.get("required")), words.get("default"), options,
        bool(words.get("multi-select")), *limits,
    )  # fmt: skip
    try:
        if setting.default not in EMPTY:
            setting.check(setting.default)
    except ServiceError:
        return None
    return setting


def _options(options: Any) -> dict[str | int | float, str] | None:
    """Labels by value; None for what is no list of options."""
    if not isinstance(options, list) or len(options) > MAX_OPTIONS:
        return None
    found = {}
    for each in options:
        value = each.get("value") if isinstance(each, dict) else None
        if value is None or isinstance(value, bool | list | dict):
            return None
        found[value] = str(each.get("name", value))
    return found
