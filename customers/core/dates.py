"""Days in the store's time zone, as ranges of moments."""

from datetime import date, datetime, time, timedelta

from django.db.models import QuerySet
from django.utils import timezone


def within_days(rows: QuerySet, column: str, first: date | None, last: date | None) -> QuerySet:
    """Keeps the rows whose `column`, a date and time, is on these days, both included. None leaves an end open."""
    # The first and the last day of the calendar are left out: the shift to UTC would overflow there.
    if first and first > date.min:
        rows = rows.filter(**{f"{column}__gte": start_of_day(first)})
    if last and last < date.max - timedelta(days=1):
        rows = rows.filter(**{f"{column}__lt": start_of_day(last + timedelta(days=1))})
    return rows


def start_of_day(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
