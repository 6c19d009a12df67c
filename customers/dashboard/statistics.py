"""The numbers on the home page. Each is one query that reads an index; the docstring names the index."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise

from django.db import connection
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django_countries import countries

from customers.models import Address, Customer, Event, Language, StaffMember, User, UserType
from customers.orders.models import Order

DAYS, MONTHS = 30, 12
MAX_BARS = 8
LANGUAGE_NAMES = dict(Language.choices)


@dataclass(frozen=True, slots=True)
class Period:
    """From the start of `first` to the start of `end`, in the store's time zone."""

    first: date
    end: date
    label: str


@dataclass(frozen=True, slots=True)
class Buyers:
    """Numbers of customers with a successful order: their first one (`new`) or a later one (`returning`)."""

    new: int
    returning: int


def last_days(today: date) -> list[Period]:
    days = [today - timedelta(days=back) for back in reversed(range(DAYS))]
    return [Period(day, day + timedelta(days=1), f"{day:%d %b}") for day in days]


def last_months(today: date) -> list[Period]:
    numbers = [today.year * 12 + today.month - 1 - back for back in reversed(range(MONTHS))]
    firsts = [date(number // 12, number % 12 + 1, 1) for number in [*numbers, numbers[-1] + 1]]
    return [Period(first, end, f"{first:%b %Y}") for first, end in pairwise(firsts)]


def joined_within(periods: Sequence[Period]) -> list[int]:
    """The number of leads and customers who joined within each period. Each reads a range of an index (`user_by_type`),
    without date arithmetic in SQL."""
    people, types = User._meta.db_table, [UserType.LEAD.value, UserType.CUSTOMER.value]
    count = f"SELECT count(*) FROM {people} WHERE user_type IN (%s, %s) AND date_joined >= %s AND date_joined < %s"  # noqa: S608  only names
    adapt = connection.ops.adapt_datetimefield_value
    values: list[str | datetime | None] = []
    for period in periods:
        values += [*types, adapt(start_of(period.first)), adapt(start_of(period.end))]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join([f'({count})'] * len(periods))}", values)
        return list(cursor.fetchone())


def buyers_since(first: date) -> Buyers:
    """Reads the successful orders by an index (`order_successful_by_date`), with one look-up for each."""
    orders, since = Order.objects.successful(), start_of(first)
    earlier = orders.filter(user=OuterRef("user"), date_placed__lt=since)
    people = Count("user", distinct=True)
    counts = (
        orders.filter(date_placed__gte=since)
        .annotate(is_returning=Exists(earlier))
        .aggregate(all=people, returning=Count("user", distinct=True, filter=Q(is_returning=True)))
    )
    return Buyers(counts["all"] - counts["returning"], counts["returning"])


def people_by_language() -> list[tuple[str, int]]:
    """The most frequent first. Reads only an index (`user_by_language`); it includes staff, who are subtracted."""
    counts = Counter(dict(User.objects.order_by().values_list("language").annotate(number=Count("*"))))
    counts.subtract(dict(StaffMember.objects.order_by().values_list("language").annotate(number=Count("*"))))
    return _most_frequent({LANGUAGE_NAMES.get(code, "not known"): number for code, number in counts.items()})


def people_by_country() -> list[tuple[str, int]]:
    """The most frequent first, by the default shipping address. Reads only an index (`address_default_by_country`)."""
    addresses = Address.objects.filter(is_default_for_shipping=True).order_by()
    counts = dict(addresses.values_list("country").annotate(number=Count("*")))
    return _most_frequent({countries.name(code) or code: number for code, number in counts.items()})


def leads_turned_customers_since(first: date) -> int:
    """Reads an index of the changes of type (`event_of_other_user_type`)."""
    changes = Event.objects.filter(kind=Event.Kind.CHANGED, changes__has_key="user_type", at__gte=start_of(first))
    turned = changes.filter(changes__user_type=[UserType.LEAD.value, UserType.CUSTOMER.value])
    return turned.aggregate(people=Count("user", distinct=True))["people"]


def newest(number: int = 8) -> QuerySet[Customer]:
    return Customer.objects.newest_first().defer("metadata")[:number]


def start_of(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def _most_frequent(counts: dict[str, int]) -> list[tuple[str, int]]:
    """The most frequent `MAX_BARS` values; all others are summed up as "others"."""
    ranked = sorted(((name, number) for name, number in counts.items() if number), key=lambda row: (-row[1], row[0]))
    others = sum(number for _, number in ranked[MAX_BARS:])
    return [*ranked[:MAX_BARS], ("others", others)] if others else ranked
