"""Kinds of fields for what an order system reported.

They only go out. It may have left out anything, or reported it in another shape, and the answer keeps to the published
schema all the same: each kind knows what it shows then.
"""

import re
from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.dateparse import parse_datetime
from rest_framework import serializers
from rest_framework.fields import empty

from customers.api.serializers import SharedFieldsSerializer

MAX_QUANTITY = 2**31 - 1
AMOUNT = re.compile(r"-?[0-9]{1,10}(\.[0-9]{0,2})?")
# RFC 3339 and RFC 3986, which the formats of the published document refer to; of URIs, those of the web.
DATE_TIME = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)", re.ASCII | re.IGNORECASE
)
URI_PART = r"([\w.~!$&'()*+,;=:@/?-]|%[0-9a-f]{2})*"
WEB_ADDRESS = re.compile(rf"https?://[\w.~-]+(:\d+)?([/?]{URI_PART})?(#{URI_PART})?", re.ASCII | re.IGNORECASE)


class Reported(serializers.Field):
    """A value as it was reported. What is missing or does not fit is null where that is allowed, else blank."""

    def fits(self, value: Any) -> bool:
        raise NotImplementedError

    def blank(self, date: str) -> Any:
        """`date` is there for a date that has to be shown; `empty` leaves the field out."""
        return empty

    def shown(self, value: Any, date: str) -> Any:
        if self.fits(value):
            return value
        return None if self.allow_null else self.blank(date)

    @property
    def is_optional(self) -> bool:
        return not (self.required or self.read_only)


class Text(Reported, serializers.CharField):
    def fits(self, value):
        return isinstance(value, str) and (self.max_length is None or len(value) <= self.max_length)

    def blank(self, date):
        return ""


class Email(Reported, serializers.EmailField):
    def fits(self, value):
        if not isinstance(value, str):
            return False
        try:
            validate_email(value)
        except ValidationError:
            return False
        return True


class WebAddress(Reported, serializers.URLField):
    def fits(self, value):
        return isinstance(value, str) and WEB_ADDRESS.fullmatch(value) is not None

    def blank(self, date):
        return "about:blank"  # an empty string is no URI


class Whole(Reported, serializers.IntegerField):
    def fits(self, value):
        return (
            type(value) is int
            and (self.min_value is None or value >= self.min_value)
            and (self.max_value is None or value <= self.max_value)
        )

    def blank(self, date):
        return self.min_value or 0


class Number(Reported, serializers.FloatField):
    def fits(self, value):
        return type(value) in (int, float)

    def blank(self, date):
        return 0


class Money(Reported, serializers.DecimalField):
    def __init__(self, **options):
        super().__init__(max_digits=12, decimal_places=2, **options)

    def fits(self, value):
        return isinstance(value, str) and AMOUNT.fullmatch(value) is not None

    def blank(self, date):
        return "0.00"


class Flag(Reported, serializers.BooleanField):
    def fits(self, value):
        return isinstance(value, bool)

    def blank(self, date):
        return False


class Moment(Reported, serializers.DateTimeField):
    def fits(self, value):
        try:
            return isinstance(value, str) and bool(DATE_TIME.fullmatch(value) and parse_datetime(value))
        except ValueError:
            return False

    def blank(self, date):
        return empty if self.is_optional else date


class Choice(Reported, serializers.ChoiceField):
    def fits(self, value):
        return isinstance(value, str) and (value in self.choices or (value == "" and self.allow_blank))

    def blank(self, date):
        return empty if self.is_optional else next(iter(self.choices))


class Slug(Reported, serializers.SlugField):
    def fits(self, value):
        return isinstance(value, str) and re.fullmatch(r"[-\w]{1,255}", value, re.ASCII) is not None

    def blank(self, date):
        return "-"


class Anything(Reported, serializers.JSONField):
    def fits(self, value):
        return value is not None

    def blank(self, date):
        return {}


class Object(Reported, serializers.DictField):
    child = serializers.JSONField()

    def fits(self, value):
        return isinstance(value, dict)

    def blank(self, date):
        return {}


class Words(Reported, serializers.ListField):
    child = serializers.CharField(allow_null=True)

    def fits(self, value):
        return isinstance(value, list) and all(word is None or isinstance(word, str) for word in value)

    def blank(self, date):
        return []


class ReportedList(serializers.ListSerializer):
    child: "ReportedSerializer"

    def shown(self, value: Any, date: str) -> list[dict]:
        reported = value if isinstance(value, list) else []
        return [self.child.shown(item, date) for item in reported if isinstance(item, dict)]


class ReportedSerializer(Reported, SharedFieldsSerializer):
    class Meta:
        list_serializer_class = ReportedList

    def fits(self, value):
        return isinstance(value, dict)

    def blank(self, date):
        return empty if self.is_optional else self.shown({}, date)

    def shown(self, value, date):
        if not self.fits(value):
            return super().shown(value, date)
        fields: Iterable[Any] = self._readable_fields
        shown = {field.field_name: field.shown(value.get(field.field_name), date) for field in fields}
        return {name: value for name, value in shown.items() if value is not empty}
