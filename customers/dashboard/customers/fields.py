"""Form fields of a customer: tags, raw JSON, and one for each custom field (a definition of a key of the metadata)."""

import csv
import json
from collections.abc import Iterable, Mapping
from functools import partial
from io import StringIO
from math import isfinite
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.fields import InvalidJSONInput

from customers import validation
from customers.core.json_values import StrictDecoder, is_same_json
from customers.dashboard.ids import is_id
from customers.dashboard.service_errors import as_validation_error, message_of
from customers.filters import METADATA
from customers.groups.models import CustomerGroup
from customers.metadata import values
from customers.metadata.models import Definition, Type, Validation
from oauth.errors import ServiceError
from oauth.text import one_line

NEEDS_QUOTES = ',"\r\n'
YES_OR_NO = [("", "Not set"), ("true", "Yes"), ("false", "No")]
# The attribute of an input with which a browser checks a validation.
ATTRIBUTES = {
    Validation.MAXIMUM_LENGTH: "maxlength",
    Validation.MAXIMUM_VALUE: "max",
    Validation.MINIMUM_VALUE: "min",
}
HINTS = {
    Type.MULTI_TEXT: "One per line.",
    Type.FILE: "The address of a file, with http or https.",
}


class PlainSelect(forms.Select):
    """One template for the whole select. Django's renders one per option: a second for a dozen lists of countries."""

    template_name = "dashboard/plain_select.html"


class IndentedEncoder(json.JSONEncoder):
    def __init__(self, **options):
        super().__init__(**{**options, "indent": 2})


class TagsField(forms.CharField):
    """Tags separated by commas. A tag that contains a comma stands in quotation marks, as in CSV."""

    def to_python(self, value):
        if isinstance(value, list):
            return value
        text = super().to_python(value) or ""
        if "\0" in text:
            raise ValidationError("Null characters are not allowed.")
        try:
            rows = list(csv.reader(StringIO(text), skipinitialspace=True))
        except csv.Error:
            raise ValidationError("Enter tags separated by commas.") from None
        return [word.strip() for row in rows for word in row if word.strip()]

    def prepare_value(self, value):
        if not isinstance(value, list):
            return value
        return ", ".join(
            '"{}"'.format(word.replace('"', '""')) if any(sign in word for sign in NEEDS_QUOTES) else word
            for word in map(one_line, value)
        )


class JSONField(forms.JSONField):
    """Shows invalid input again exactly as it was typed."""

    def __init__(self, **options):
        super().__init__(**{**options, "decoder": StrictDecoder})

    def to_python(self, value):
        try:
            return super().to_python(value)
        except (ValueError, RecursionError):  # a number too long, or nesting too deep, for Python's parser
            raise ValidationError(self.error_messages["invalid"], "invalid") from None

    def bound_data(self, data, initial):
        return InvalidJSONInput(data or "")


class MetadataField(JSONField):
    """A JSON object, or nothing."""

    def to_python(self, value):
        with as_validation_error():
            return validation.clean_metadata(super().to_python(value))

    def prepare_value(self, value):
        return "" if value is None else super().prepare_value(value)


class GroupsField(forms.ModelMultipleChoiceField):
    """Refuses what is no id. SQLite raises an error for a number that is too large."""

    def __init__(self, **options):
        super().__init__(CustomerGroup.objects.order_by("name"), required=False, **options)

    def to_python(self, value):
        return super().to_python(self._checked(value))

    def clean(self, value):
        return super().clean(self._checked(value))

    def _checked(self, value):
        for each in value or ():
            if not is_id(str(each)):
                raise ValidationError(self.error_messages["invalid_choice"], "invalid_choice", {"value": each})
        return value


class BooleanField(forms.TypedChoiceField):
    """True, False or None."""

    def __init__(self, **options):
        super().__init__(choices=YES_OR_NO, coerce=values.BOOLEANS.get, empty_value=None, **options)

    def prepare_value(self, value):
        return {True: "true", False: "false"}.get(value, value)


class NumberField(forms.FloatField):
    """A number without a decimal point stays an integer, as in JSON."""

    def to_python(self, value):
        number = super().to_python(value)
        if number is None or not isfinite(number):  # `validate` refuses infinity
            return number
        return int(number) if str(value).strip().lstrip("-").isdecimal() else number


class LinesField(forms.CharField):
    """A list of texts, each on a line of its own."""

    widget = forms.Textarea

    def to_python(self, value):
        lines = value if isinstance(value, list) else (super().to_python(value) or "").splitlines()
        return [line.strip() for line in lines if line.strip()]

    def prepare_value(self, value):
        return "\n".join(value) if isinstance(value, list) else value


class LongTextField(forms.CharField):
    widget = forms.Textarea

    def to_python(self, value):
        """A browser sends line breaks as CR LF."""
        return (super().to_python(value) or "").replace("\r\n", "\n")


FIELDS: dict[Type, type[forms.Field]] = {
    Type.TEXT: forms.CharField,
    Type.INTEGER: forms.IntegerField,
    Type.DECIMAL: NumberField,
    Type.RICH_TEXT: LongTextField,
    Type.MULTI_TEXT: LinesField,
    Type.FILE: forms.CharField,
    Type.BOOLEAN: BooleanField,
}


def defined_field(definition: Definition) -> forms.Field:
    """A field whose cleaned value is one that the definition accepts, or empty."""
    kind = Type(definition.type)
    field = FIELDS[kind](
        label=definition.name,
        required=False,
        help_text=" ".join(filter(None, [HINTS.get(kind), *map(_limit, definition.validations)])),
        # A choice is checked by its field, before it is turned into true or false.
        validators=[] if kind == Type.BOOLEAN else [partial(_check, definition)],
    )
    if kind == Type.FILE:
        field.widget = forms.URLInput()
    if kind in (Type.RICH_TEXT, Type.MULTI_TEXT):
        field.widget.attrs["rows"] = 3
    else:
        given = {each["type"]: each["value"] for each in definition.validations}
        field.widget.attrs |= {name: given[kind] for kind, name in ATTRIBUTES.items() if kind in given}
    return field


def defined_fields(definitions: Iterable[Definition], metadata: Mapping[str, Any]) -> dict[str, forms.Field]:
    """By `metadata.KEY`: a field for each definition, with its value as `initial`.

    There is no field for a value that the field would change, for example a value that is older than its definition.
    Such a value stays in the raw JSON.
    """
    fields = {}
    for definition in definitions:
        field = defined_field(definition)
        value = metadata.get(definition.key)
        if value is None or _gives_back(field, value):
            field.initial = value
            fields[METADATA + definition.key] = field
    return fields


def _check(definition: Definition, value: Any) -> None:
    """A validator. Its error has no code, because a form field replaces the message of a code that it knows."""
    try:
        values.clean(value, definition.type, definition.validations)
    except ServiceError as error:
        raise ValidationError(message_of(error)) from None


def _gives_back(field: forms.Field, value: Any) -> bool:
    shown = field.prepare_value(value)
    if isinstance(field.widget, forms.TextInput) and isinstance(value, str) and one_line(value) != value:
        return False  # a browser leaves line breaks out of an input
    try:
        return isinstance(shown, str | int | float) and is_same_json(field.clean(str(shown)), value)
    except (ValidationError, TypeError, ValueError):
        return False


def _limit(given: Mapping[str, str]) -> str:
    texts = {
        Validation.MAXIMUM_LENGTH: "At most {} characters.",
        Validation.MAXIMUM_VALUE: "At most {}.",
        Validation.MINIMUM_VALUE: "At least {}.",
        Validation.MAXIMUM_PRECISION: "At most {} decimal places.",
        Validation.ACCEPT_ONLY_IMAGE: "An image." if given["value"] == "true" else "",
    }
    return texts[Validation(given["type"])].format(given["value"])
