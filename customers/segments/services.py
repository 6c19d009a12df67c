"""Every write to segments, and the customers of one."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from django.core.exceptions import FieldError, ValidationError
from django.db import DataError, IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.dateparse import parse_date

from customers.core.json_values import check_json
from customers.core.postgres import custom_plan
from customers.filters import METADATA, SEVERAL_VALUES, filter_customers, is_filter
from customers.limits import MAX_SEGMENTS, require_room
from customers.models import Customer
from customers.querysets import UserQuerySet
from customers.segments.models import MAX_NAME_LENGTH, Segment
from oauth.errors import ServiceError
from oauth.text import clean_title, fold

COUNT_KEPT_FOR = timedelta(minutes=10)
# Filters with a text in which a person may be named.
TEXT_FILTERS = ("search", "email", "name", "phone_number", "street")


class NameTaken(ServiceError):
    code = "unique"

    def __init__(self):
        super().__init__("A segment with this name already exists.", "name")


class InvalidFilters(ServiceError):
    code = "invalid_filters"

    def __init__(self, message: str):
        super().__init__(message, "filters")


@transaction.atomic
def create_segment(*, name: str, filters: Mapping[str, Any]) -> Segment:
    """Counts its customers, too. Raises NameTaken, InvalidFilters, TooMany, ServiceError."""
    require_room(Segment.objects.all(), MAX_SEGMENTS, f"A store has at most {MAX_SEGMENTS} segments.")
    segment = Segment(name=clean_title(name, MAX_NAME_LENGTH, "name"), filters=_clean_filters(filters))
    _count(segment)
    _save(segment, force_insert=True)
    return segment


@transaction.atomic
def rename_segment(segment_id: int, *, name: str) -> Segment:
    """Raises Segment.DoesNotExist, NameTaken, ServiceError."""
    segment = Segment.objects.select_for_update().get(pk=segment_id)
    segment.name = clean_title(name, MAX_NAME_LENGTH, "name")
    segment.updated_at = timezone.now()
    _save(segment)
    return segment


def delete_segment(segment_id: int) -> None:
    """Its customers are kept. Does nothing if there is no such segment."""
    Segment.objects.filter(pk=segment_id).delete()


def customers_of(segment: Segment) -> UserQuerySet:
    """The leads and customers who match the filters now."""
    return filter_customers(Customer.objects.not_erased(), segment.filters)


def in_segment(people: UserQuerySet, segment_id: int) -> UserQuerySet:
    """The filter `segment`. Nobody matches a segment that does not exist: a deleted one must not match everybody."""
    segment = Segment.objects.filter(pk=segment_id).first()
    return filter_customers(people, segment.filters) if segment else people.none()


@transaction.atomic
def count_next() -> bool:
    """Counts the customers of the segment that was counted longest ago, if that is more than COUNT_KEPT_FOR ago.

    Returns whether it counted one.
    """
    oldest = Segment.objects.select_for_update(skip_locked=True).order_by("counted_at", "pk")
    segment = oldest.filter(Q(counted_at=None) | Q(counted_at__lt=timezone.now() - COUNT_KEPT_FOR)).first()
    if segment is None:
        return False
    _count(segment)
    segment.save(update_fields=["customers_count", "counted_at"])
    return True


def delete_segments_naming(texts: Iterable[str]) -> None:
    """Deletes the segments that search for one of these texts: an email, a full name or a phone number of a person
    who is erased. Without the filter, a segment would have other customers than its name says."""
    named = [folded for text in texts if (folded := fold(text))]
    ids = [
        segment.pk
        for segment in Segment.objects.only("pk", "filters")
        if any(text in fold(value) for value in _texts(segment.filters) for text in named)
    ]
    Segment.objects.filter(pk__in=ids).delete()


def _texts(filters: Mapping[str, Any]) -> list[str]:
    return [str(value) for name, value in filters.items() if name in TEXT_FILTERS or name.startswith(METADATA)]


def _clean_filters(filters: Any) -> dict[str, Any]:
    """Leaves out the filters without a value, and checks the others.

    Raises InvalidFilters if no filter is left, if a name is unknown, or if a value does not fit its filter.
    """
    if not isinstance(filters, Mapping):
        raise InvalidFilters("Filters are an object.")
    check_json(filters, "filters")
    given = {name: value for name, value in filters.items() if value not in (None, "", [])}
    if not str(given.get("search", "x")).strip():
        del given["search"]
    if not given:
        raise InvalidFilters("Choose a search or a filter first: without one, everybody matches.")
    for name, value in given.items():
        if not is_filter(name) or name == "ids":
            raise InvalidFilters(f"{name} is not a filter.")
        is_day = name in ("joined_from", "joined_to")
        if not _fits(name, value) or (is_day and not _is_day(value)):
            raise InvalidFilters("One of the values does not fit its filter.")
    if "segment" in given:
        given = _with_filters_of(given.pop("segment"), given)
    try:
        with transaction.atomic():
            filter_customers(Customer.objects.all(), given).exists()
    except (ValueError, TypeError, AttributeError, ArithmeticError, ValidationError, FieldError, DataError):
        raise InvalidFilters("One of the values does not fit its filter.") from None
    return given


def _fits(name: str, value: Any) -> bool:
    """Whether the value, or each one of several, is no object and no list. Values of metadata may be of any type."""
    values = value if isinstance(value, list) and name in SEVERAL_VALUES else [value]
    return name.startswith(METADATA) or not any(isinstance(each, dict | list) for each in values)


def _is_day(value: Any) -> bool:
    try:
        return isinstance(value, str) and parse_date(value) is not None
    except ValueError:
        return False


def _with_filters_of(segment_id: Any, given: dict[str, Any]) -> dict[str, Any]:
    """`given` with a copy of the filters of another segment, because that one may be changed or deleted.

    Raises InvalidFilters if there is no such segment, or if both have the same filter.
    """
    segment = Segment.objects.filter(pk=segment_id).first() if isinstance(segment_id, int) else None
    if segment is None:
        raise InvalidFilters("There is no such segment.")
    if both := sorted(given.keys() & segment.filters.keys()):
        raise InvalidFilters(f"{segment} filters by {both[0].replace('_', ' ')} already.")
    return {**segment.filters, **given}


def _count(segment: Segment) -> None:
    segment.counted_at = timezone.now()
    with custom_plan():
        segment.customers_count = customers_of(segment).count()


def _save(segment: Segment, **options: Any) -> None:
    try:
        with transaction.atomic():
            segment.save(**options)
    except IntegrityError:  # the only constraint is on the name
        raise NameTaken from None
