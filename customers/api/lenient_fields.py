"""Output fields for documents that an order system reported.

A reported document may lack any value, or have one of another type. The answer still has to match the published schema.
So each field checks the reported value, and has a fallback for one that does not match.
"""

import re
from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.dateparse import parse_datetime
from rest_framework import serializers
from rest_framework.fields import empty

from customers.api.fields import SharedFieldsSerializer

MAX_QUANTITY = 2**31 - 1
AMOUNT = re.compile(r"-?[0-9]{1,10}(\.[0-9]{0,2})?")
# The formats `date-time` (RFC 3339) and `uri` (RFC 3986) of the published document. Only web addresses are accepted.
DATE_TIME = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)", re.ASCII | re.IGNORECASE
)
URI_PART = r"([\w.~!$&'()*+,;=:@/?-]|%[0-9a-f]{2})*"
WEB_ADDRESS = re.compile(rf"https?://[\w.~-]+(:\d+)?([/?]{URI_PART})?(#{URI_PART})?", re.ASCII | re.IGNORECASE)


class LenientField(serializers.Field):
    """Renders a reported value. A value that is missing or not accepted becomes null if the field allows it, and the
    fallback otherwise."""

    def accepts(self, value: Any) -> bool:
        raise NotImplementedError

    def fallback(self, date: str) -> Any:
        """`date`: the date of the order or subscription, for a required date. `empty` omits the field."""
        return empty

    def render(self, value: Any, date: str) -> Any:
        if self.accepts(value):
            return value
        return None if self.allow_null else self.fallback(date)

    @property
    def is_optional(self) -> bool:
        return not (self.required or self.read_only)


class LenientChar(LenientField, serializers.CharField):
    def accepts(self, value):
        return isinstance(value, str) and (self.max_length is None or len(value) <= self.max_length)

    def fallback(self, date):
        return ""


class LenientEmail(LenientField, serializers.EmailField):
    def accepts(self, value):
        if not isinstance(value, str):
            return False
        try:
            validate_email(value)
        except ValidationError:
            return False
        return True


class LenientURL(LenientField, serializers.URLField):
    def accepts(self, value):
        return isinstance(value, str) and WEB_ADDRESS.fullmatch(value) is not None

    def fallback(self, date):
        return "about:blank"  # an empty string is no URI


class LenientInteger(LenientField, serializers.IntegerField):
    def accepts(self, value):
        return (
            type(value) is int
            and (self.min_value is None or value >= self.min_value)
            and (self.max_value is None or value <= self.max_value)
        )

    def fallback(self, date):
        return self.min_value or 0


class LenientFloat(LenientField, serializers.FloatField):
    def accepts(self, value):
        return type(value) in (int, float)

    def fallback(self, date):
        return 0


class LenientMoney(LenientField, serializers.DecimalField):
    def __init__(self, **options):
        super().__init__(max_digits=12, decimal_places=2, **options)

    def accepts(self, value):
        return isinstance(value, str) and AMOUNT.fullmatch(value) is not None

    def fallback(self, date):
        return "0.00"


class LenientBoolean(LenientField, serializers.BooleanField):
    def accepts(self, value):
        return isinstance(value, bool)

    def fallback(self, date):
        return False


class LenientDateTime(LenientField, serializers.DateTimeField):
    def accepts(self, value):
        try:
            return isinstance(value, str) and bool(DATE_TIME.fullmatch(value) and parse_datetime(value))
        except ValueError:
            return False

    def fallback(self, date):
        return empty if self.is_optional else date


class LenientChoice(LenientField, serializers.ChoiceField):
    def accepts(self, value):
        return isinstance(value, str) and (value in self.choices or (value == "" and self.allow_blank))

    def fallback(self, date):
        return empty if self.is_optional else next(iter(self.choices))


class LenientSlug(LenientField, serializers.SlugField):
    def accepts(self, value):
        return isinstance(value, str) and re.fullmatch(r"[-\w]{1,255}", value, re.ASCII) is not None

    def fallback(self, date):
        return "-"


class LenientJSON(LenientField, serializers.JSONField):
    def accepts(self, value):
        return value is not None

    def fallback(self, date):
        return {}


class LenientDict(LenientField, serializers.DictField):
    child = serializers.JSONField()

    def accepts(self, value):
        return isinstance(value, dict)

    def fallback(self, date):
        return {}


class LenientStringList(LenientField, serializers.ListField):
    child = serializers.CharField(allow_null=True)

    def accepts(self, value):
        return isinstance(value, list) and all(item is None or isinstance(item, str) for item in value)

    def fallback(self, date):
        return []


class LenientListSerializer(serializers.ListSerializer):
    child: "LenientSerializer"

    def render(self, value: Any, date: str) -> list[dict]:
        items = value if isinstance(value, list) else []
        return [self.child.render(item, date) for item in items if isinstance(item, dict)]


class LenientSerializer(LenientField, SharedFieldsSerializer):
    class Meta:
        list_serializer_class = LenientListSerializer

    def accepts(self, value):
        return isinstance(value, dict)

    def fallback(self, date):
        return empty if self.is_optional else self.render({}, date)

    def render(self, value, date):
        if not self.accepts(value):
            return super().render(value, date)
        fields: Iterable[Any] = self._readable_fields
        rendered = {field.field_name: field.render(value.get(field.field_name), date) for field in fields}
        return {name: value for name, value in rendered.items() if value is not empty}
