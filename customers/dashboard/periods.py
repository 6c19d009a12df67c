"""The periods of the home page: the last days, weeks or months up to now, and as long a period before them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from django.utils import timezone

from customers.core.dates import start_of_day
from customers.dashboard.statistics import Moments


@dataclass(frozen=True, slots=True)
class Period:
    """From the start of `first` to the start of `end`, in the store's time zone."""

    first: date
    end: date
    label: str

    @property
    def moments(self) -> Moments:
        return start_of_day(self.first), start_of_day(self.end)

    @property
    def last(self) -> date:
        return self.end - timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Choice:
    title: str
    before: str  # what it is compared with
    parts: Callable[[date], list[Period]]  # up to today
    start_before: Callable[[date], date]  # of the period before, by the first day of this one

    def moments_before(self, today: date) -> Moments:
        """The period before, up to the present time of day: an incomplete day is compared with an incomplete one."""
        first = self.parts(today)[0].first
        start = self.start_before(first)
        return start_of_day(start), timezone.now() - (first - start)


def days(number: int, today: date, *, length: int = 1) -> list[Period]:
    """The last `number` periods of `length` days."""
    ends = [today + timedelta(days=1 - length * back) for back in reversed(range(number))]
    firsts = [end - timedelta(days=length) for end in ends]
    return [Period(first, end, f"{first:%d %b}") for first, end in zip(firsts, ends, strict=True)]


def months(number: int, today: date) -> list[Period]:
    numbers = [today.year * 12 + today.month - 1 - back for back in reversed(range(number))]
    firsts = [date(number // 12, number % 12 + 1, 1) for number in [*numbers, numbers[-1] + 1]]
    return [Period(first, end, f"{first:%b %Y}") for first, end in pairwise(firsts)]


def days_before(number: int) -> Callable[[date], date]:
    return lambda first: first - timedelta(days=number)


CHOICES = {
    "7": Choice("7 days", "the 7 days before", lambda today: days(7, today), days_before(7)),
    "30": Choice("30 days", "the 30 days before", lambda today: days(30, today), days_before(30)),
    "91": Choice("13 weeks", "the 13 weeks before", lambda today: days(13, today, length=7), days_before(91)),
    "365": Choice(
        "12 months",
        "the year before",
        lambda today: months(12, today),
        lambda first: first.replace(year=first.year - 1),
    ),
}
DEFAULT = "30"
