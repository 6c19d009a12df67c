"""The base class of serializers, and fields that several resources use."""

import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import orjson
from django.conf import settings
from django.core.exceptions import ValidationError as DjangoValidationError
from django.core.validators import MaxLengthValidator, ProhibitNullCharactersValidator
from django.utils import timezone
from django.utils.functional import cached_property
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.fields import empty
from rest_framework.validators import ProhibitSurrogateCharactersValidator

from customers.api.parsers import FormData
from customers.limits import MAX_ERRORS, MAX_LIST_ITEMS

# What these ask for, a plain text of the right length fulfils.
PLAIN_VALIDATORS = (MaxLengthValidator, ProhibitNullCharactersValidator, ProhibitSurrogateCharactersValidator)


class _Shared(threading.local):
    def __init__(self):
        self.serializers: dict[tuple[type, bool], Any] = {}


_shared = _Shared()


class SharedFieldsSerializer(serializers.Serializer):
    """Makes the serializers and the fields of a class once per thread.

    DRF copies every field for every request, which takes longer than the validation. A shared field keeps the first
    serializer as its parent. So no field and no validation may read `context`, `instance` or `initial_data`.
    """

    @classmethod
    def shared(cls, *, partial: bool = False) -> "SharedFieldsSerializer":
        """The serializer without data whose `run_validation` all requests of this thread call.

        For each new serializer DRF counts up an attribute of the class `Field`, so Python forgets what it knows about
        the attributes of all classes of fields. Without this, a create takes 12 % more CPU time.
        """
        key = (cls, partial)
        if key not in _shared.serializers:
            _shared.serializers[key] = cls(partial=partial)
        return _shared.serializers[key]

    @cached_property
    def fields(self):
        shared = self.shared(partial=self.partial)
        return dict(super().fields) if shared is self else shared.fields

    @cached_property
    def _entries(self) -> list[tuple[str, Any, bool, Callable[[Any], bool]]]:
        """Of each field that can be written: its name, the field, whether it may be absent without a trace, and its
        `_check_of_plain`. Empty for a serializer that has to validate in DRF's way."""
        fields = [field for field in self.fields.values() if not field.read_only]
        if any(field.source != field.field_name or hasattr(self, f"validate_{field.field_name}") for field in fields):
            return []
        return [(str(field.field_name), field, _may_be_absent(field), _check_of_plain(field)) for field in fields]

    def to_internal_value(self, data):
        """As DRF does, but fields that are absent or have plain values, as most have, take a fifth of the time."""
        if not (isinstance(data, dict) and self._entries):
            return super().to_internal_value(data)
        values = {}
        try:
            for name, field, may_be_absent, is_plain in self._entries:
                value = data.get(name, empty)
                if value is empty and may_be_absent:
                    continue
                if is_plain(value):
                    values[name] = value
                    continue
                with suppress(serializers.SkipField):
                    values[name] = field.run_validation(field.get_value(data))
        except (serializers.ValidationError, DjangoValidationError):
            return super().to_internal_value(data)  # it collects all errors
        return values

    def run_validators(self, value):
        if self.validators:
            super().run_validators(value)


def is_plain_text(text: str) -> bool:
    """Whether `text` has printable ASCII only, without space around it. An empty text is not plain."""
    return text.isascii() and text.isprintable() and text[:1] > " " and text[-1] > " "


def _may_be_absent(field: serializers.Field) -> bool:
    if type(field).validate_empty_values is not serializers.Field.validate_empty_values:
        return False
    return field.root.partial or not (field.required or field.default is not empty)


def _check_of_plain(field: Any) -> Callable[[Any], bool]:
    """A check whether a value is valid and stays as it is. False where the check does not know.

    The check raises ValidationError for some values that are not valid.
    """
    if _validates_as(field, serializers.CharField) and not field.min_length:
        return _check_of_plain_text(field)
    if _validates_as(field, serializers.BooleanField) and not field.validators:
        return lambda value: value is True or value is False
    if _validates_as(field, serializers.ChoiceField) and not field.validators:
        return lambda value: type(value) is str and field.choice_strings_to_values.get(value) == value
    if _validates_as(field, BoundedListField) and not field.validators:
        is_plain = _check_of_plain(field.child)
        return lambda value: type(value) is list and len(value) <= MAX_LIST_ITEMS and all(map(is_plain, value))
    return lambda value: False


def _check_of_plain_text(field: Any) -> Callable[[Any], bool]:
    longest = sys.maxsize if field.max_length is None else field.max_length
    others = [validator for validator in field.validators if not isinstance(validator, PLAIN_VALIDATORS)]

    def is_plain(value: Any) -> bool:
        if not (type(value) is str and len(value) <= longest and is_plain_text(value)):
            return False
        for validator in others:
            validator(value)
        return True

    return is_plain


def _validates_as(field: serializers.Field, field_class: type[serializers.Field]) -> bool:
    return isinstance(field, field_class) and all(
        getattr(type(field), method) is getattr(field_class, method)
        for method in ("run_validation", "to_internal_value")
    )


@extend_schema_field({"type": "boolean", "default": False})
class FalseByDefaultField(serializers.BooleanField):
    """The default is published, and holds for a new object. An update without the field changes nothing."""


class LongTextField(serializers.CharField):
    """A text of at most `longest` characters. The platform publishes no limit of it, so the document has none."""

    def __init__(self, *, longest: int, **options: Any):
        super().__init__(**options)
        message = self.error_messages["max_length"].format(max_length=longest)
        # A function, as the document shows the limits of the validators that it knows.
        self.validators.append(MaxLengthValidator(longest, message).__call__)


def check_list_length(value: Any) -> None:
    """Raises ValidationError, before any time is spent on the items."""
    if isinstance(value, list) and len(value) > MAX_LIST_ITEMS:
        raise serializers.ValidationError(f"At most {MAX_LIST_ITEMS} items are accepted.", "max_length")


class BoundedListField(serializers.ListField):
    def to_internal_value(self, data):
        check_list_length(data)
        return super().to_internal_value(data)


class BoundedListSerializer(serializers.ListSerializer):
    """A list of objects. After MAX_ERRORS wrong ones the rest is not looked at."""

    def to_internal_value(self, data):
        check_list_length(data)
        if not isinstance(data, list):
            return super().to_internal_value(data)
        values: list[Any] = []
        errors: dict[Any, Any] = {}
        for position, item in enumerate(data):
            try:
                values.append(self.run_child_validation(item))
            except serializers.ValidationError as error:
                errors[position] = error.detail
                if len(errors) == MAX_ERRORS:
                    break
        if errors:
            raise serializers.ValidationError(errors)
        return values


class StringListField(BoundedListField):
    """A list of strings. In a form, a single value is a list of one, and an empty one an empty list."""

    child = serializers.CharField(allow_null=True)

    def get_value(self, dictionary):
        value = super().get_value(dictionary)
        return list(filter(None, [value])) if isinstance(dictionary, FormData) and isinstance(value, str) else value


def format_datetime(value: datetime) -> str:
    """ISO 8601 in the store's time zone, with `Z` for UTC, as DRF formats it. orjson takes a fifth of the time."""
    if value.tzinfo is not UTC or settings.TIME_ZONE != "UTC":
        value = value.astimezone(timezone.get_default_timezone())
    return orjson.dumps(value, option=orjson.OPT_UTC_Z)[1:-1].decode()
