"""The base class of serializers, and fields that several resources use."""

import threading
from datetime import datetime
from typing import Any

from django.core.validators import MaxLengthValidator
from django.utils import timezone
from django.utils.functional import cached_property
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from customers.api.parsers import FormData
from customers.limits import MAX_ERRORS, MAX_LIST_ITEMS


class _BoundFields(threading.local):
    def __init__(self):
        self.by_serializer: dict[tuple[type, bool], Any] = {}


_bound_fields = _BoundFields()


class SharedFieldsSerializer(serializers.Serializer):
    """Binds the fields of a serializer class once per thread.

    DRF copies every field for every request, which takes longer than the validation. A bound field keeps the first
    serializer as its parent. So no field may read `context`, `instance` or `initial_data` of its parent.
    """

    @cached_property
    def fields(self):
        key = (type(self), self.partial)
        if key not in _bound_fields.by_serializer:
            fresh = type(self)(partial=self.partial)
            _bound_fields.by_serializer[key] = dict(super(SharedFieldsSerializer, fresh).fields)
        return _bound_fields.by_serializer[key]


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
    """ISO 8601 in the store's time zone, with `Z` for UTC, as DRF formats it."""
    text = value.astimezone(timezone.get_default_timezone()).isoformat()
    return f"{text[:-6]}Z" if text.endswith("+00:00") else text
