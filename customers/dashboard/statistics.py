"""The numbers on the home page. Each is one query that reads an index; the docstring names the index."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import connection, connections
from django.db.models import Case, Count, Exists, F, OuterRef, Q, QuerySet, Sum, Value, When
from django_countries import countries

from customers.models import Address, Customer, Language, StaffMember, User, UserType
from customers.orders.models import Order
from oauth.replica import reads_from

MAX_BARS = 8
LANGUAGE_NAMES = dict(Language.choices)

Moments = tuple[datetime, datetime]  # from the first one to just before the second one


@dataclass(frozen=True, slots=True)
class Buyers:
    """Numbers of customers with a successful order: their first one (`new`) or a later one (`returning`)."""

    new: int
    returning: int


@dataclass(frozen=True, slots=True)
class Sales:
    """Successful orders, and what was paid for them, by currency: totals minus refunds."""

    orders: int
    revenue: dict[str, Decimal]


@dataclass(frozen=True, slots=True)
class Part:
    """How many customers have a value. `code` is None for a sum of rare values."""

    name: str
    number: int
    code: str | None


def joined_within(periods: Sequence[Moments]) -> list[int]:
    """The number of leads and customers who joined within each period, without those who are erased. Each reads a range
    of two indexes (`user_by_type`, `user_erased`), without date arithmetic in SQL."""
    people, types = User._meta.db_table, [UserType.LEAD.value, UserType.CUSTOMER.value]
    count = f"SELECT count(*) FROM {people} WHERE user_type IN (%s, %s) AND date_joined >= %s AND date_joined < %s"  # noqa: S608  only names
    present = f"({count}) - ({count} AND erased_at IS NOT NULL)"
    adapt = connection.ops.adapt_datetimefield_value
    values: list[str | datetime | None] = []
    for since, until in periods:
        values += [*types, adapt(since), adapt(until)] * 2
    with connections[reads_from()].cursor() as cursor:
        cursor.execute(f"SELECT {', '.join([present] * len(periods))}", values)
        return list(cursor.fetchone())


def sales_within(periods: Sequence[Moments]) -> list[Sales]:
    """By periods that follow one another. Reads only an index (`order_successful_by_date`)."""
    within = Order.objects.successful().filter(date_placed__gte=periods[0][0], date_placed__lt=periods[-1][1])
    number = Case(*(When(date_placed__lt=until, then=Value(place)) for place, (_, until) in enumerate(periods)))
    rows = within.order_by().annotate(period=number).values("period", "currency")
    found = [Sales(0, {}) for _ in periods]
    for row in rows.annotate(orders=Count("*"), revenue=Sum(F("total") - F("refunded"))):
        former = found[row["period"]]
        revenue = {**former.revenue, row["currency"]: row["revenue"]}
        found[row["period"]] = Sales(former.orders + row["orders"], revenue)
    return found


def total_of(sales: Sequence[Sales]) -> Sales:
    revenue: dict[str, Decimal] = {}
    for each in sales:
        for currency, amount in each.revenue.items():
            revenue[currency] = revenue.get(currency, Decimal(0)) + amount
    return Sales(sum(each.orders for each in sales), revenue)


def buyers_within(period: Moments) -> Buyers:
    """Reads the successful orders by an index (`order_successful_by_date`), with one look-up for each."""
    orders, (since, until) = Order.objects.successful(), period
    earlier = orders.filter(user=OuterRef("user"), date_placed__lt=since)
    people = Count("user", distinct=True)
    counts = (
        orders.filter(date_placed__gte=since, date_placed__lt=until)
        .annotate(is_returning=Exists(earlier))
        .aggregate(all=people, returning=Count("user", distinct=True, filter=Q(is_returning=True)))
    )
    return Buyers(counts["all"] - counts["returning"], counts["returning"])


def people_by_language() -> list[Part]:
    """The most frequent first. Reads only an index (`user_by_language`); it includes staff, who are subtracted."""
    counts = Counter(dict(User.objects.order_by().values_list("language").annotate(number=Count("*"))))
    counts.subtract(dict(StaffMember.objects.order_by().values_list("language").annotate(number=Count("*"))))
    return _most_frequent(
        [Part(LANGUAGE_NAMES.get(code, "not known"), number, code) for code, number in counts.items()]
    )


def people_by_country() -> list[Part]:
    """The most frequent first, by the default shipping address. Reads only an index (`address_default_by_country`)."""
    addresses = Address.objects.filter(is_default_for_shipping=True).order_by()
    counts = dict(addresses.values_list("country").annotate(number=Count("*")))
    return _most_frequent([Part(countries.name(code) or code, number, code) for code, number in counts.items()])


def newest(number: int = 8) -> QuerySet[Customer]:
    return Customer.objects.not_erased().newest_first().defer("metadata")[:number]


def _most_frequent(parts: list[Part]) -> list[Part]:
    """The most frequent `MAX_BARS` values; all others are summed up as "others"."""
    ranked = sorted((part for part in parts if part.number), key=lambda part: (-part.number, part.name))
    others = sum(part.number for part in ranked[MAX_BARS:])
    return [*ranked[:MAX_BARS], Part("others", others, None)] if others else ranked
