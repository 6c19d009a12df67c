"""The numbers of the home page. In a large store a worker computes them from time to time, and keeps them in the
database: no page waits until they are counted."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from threading import Event
from typing import Any, TypedDict
from urllib.parse import urlencode

from django.contrib.humanize.templatetags.humanize import intcomma
from django.urls import reverse
from django.utils import timezone

from customers.core.polling import poll
from customers.core.postgres import custom_plan
from customers.customer_count import number_of_customers
from customers.dashboard import periods, statistics
from customers.dashboard.models import HomeNumbers
from customers.dashboard.periods import Period
from customers.dashboard.templatetags.shop import money
from customers.store.services import get_details
from oauth.replica import from_primary

# Counting takes longer the more customers there are. From this number on, the results are kept.
KEPT_FROM = 100_000  # customers
KEPT_FOR = timedelta(minutes=5)
LONG_KEPT_FOR = timedelta(hours=1)
LONG_PERIODS = ("91", "365")
POLL = 30.0  # seconds


class Figure(TypedDict):
    """A number, how it compares with the period before (in words), and the list behind it."""

    title: str
    value: str
    change: str
    has_grown: bool
    url: str
    more: str


class Column(TypedDict):
    """One column of a chart."""

    label: str
    number: float
    text: str
    url: str
    is_partial: bool


def numbers(names: Sequence[str], customers: int) -> tuple[dict[str, Any], datetime]:
    """The values of these entries of COMPUTED, and when the oldest of them was computed. In a store with as many
    customers as KEPT_FROM they are computed here only if no worker has done so."""
    now = timezone.now()
    if customers < KEPT_FROM:
        return _merged(COMPUTED[name]() for name in names), now
    kept = HomeNumbers.objects.in_bulk(names)
    found = [kept[name] if name in kept and not _is_outdated(kept[name], now) else keep(name) for name in names]
    return _merged(each.values for each in found), min(each.computed_at for each in found)


def keep(name: str) -> HomeNumbers:
    """Computes an entry again. It has all that was there at the time that is kept with it."""
    with from_primary():
        values = {"values": COMPUTED[name](), "computed_at": timezone.now()}
    return HomeNumbers.objects.update_or_create(pk=name, defaults=values)[0]


def keep_next() -> bool:
    """Computes the first that is due. Returns whether there was one."""
    if number_of_customers() < KEPT_FROM:
        return False
    kept, now = HomeNumbers.objects.in_bulk(), timezone.now()
    due = next((name for name in COMPUTED if name not in kept or _is_due(kept[name], now)), None)
    if due:
        keep(due)
    return due is not None


def run(stop: Event, *, until_empty: bool = False) -> None:
    poll(keep_next, stop, interval=POLL, until_empty=until_empty)


def _kept_for(name: str) -> timedelta:
    return LONG_KEPT_FOR if name.endswith(LONG_PERIODS) else KEPT_FOR


def _is_due(kept: HomeNumbers, now: datetime) -> bool:
    is_of_today = timezone.localdate(kept.computed_at) == timezone.localdate(now)
    return not is_of_today or now - kept.computed_at > _kept_for(kept.name)


def _is_outdated(kept: HomeNumbers, now: datetime) -> bool:
    """No worker has computed it again, although it was due."""
    return now - kept.computed_at > 2 * _kept_for(kept.name)


def _merged(parts: Iterable[dict[str, Any]]) -> dict[str, Any]:
    return {name: value for part in parts for name, value in part.items()}


def customer_numbers(period: str) -> dict[str, Any]:
    choice, today = periods.CHOICES[period], timezone.localdate()
    parts = choice.parts(today)
    with custom_plan():
        *counts, former = statistics.joined_within([*(part.moments for part in parts), choice.moments_before(today)])
    columns = [
        Column(
            label=part.label,
            number=count,
            text=intcomma(count),
            url=joined_url(part),
            is_partial=part.end > today,
        )
        for part, count in zip(parts, counts, strict=True)
    ]
    whole = Period(parts[0].first, parts[-1].end, "")
    figure = _figure("New customers", sum(counts), former, joined_url(whole))
    return {"joined": figure, "joined_columns": columns}


def sales_numbers(period: str) -> dict[str, Any]:
    choice, today = periods.CHOICES[period], timezone.localdate()
    parts = choice.parts(today)
    before, current = choice.moments_before(today), (parts[0].moments[0], parts[-1].moments[1])
    with custom_plan():
        sales = statistics.sales_within([part.moments for part in parts])
        (former,) = statistics.sales_within([before])
        buyers, former_buyers = statistics.buyers_within(current), statistics.buyers_within(before)
    total = statistics.total_of(sales)
    default = get_details().currencies[0]
    currency = max(total.revenue, key=lambda code: (code == default, total.revenue[code]), default=default)
    url, first = orders_url(*current), parts[0].first
    customers = reverse("admin:customers_customer_changelist")
    others = [money(amount, code) for code, amount in total.revenue.items() if code != currency]
    revenue = _figure(
        "Revenue",
        total.revenue.get(currency, Decimal(0)),
        former.revenue.get(currency, Decimal(0)),
        url,
        text=lambda amount: money(amount, currency),
        more=", ".join(others),
    )
    returning = urlencode({"ordered_from": first, "ordered_to": first - timedelta(days=1)})
    return {
        "sales": [
            revenue,
            _figure("Orders", total.orders, former.orders, url),
            _figure("First-time buyers", buyers.new, former_buyers.new, f"{customers}?first_order_from={first}"),
            _figure("Returning buyers", buyers.returning, former_buyers.returning, f"{customers}?{returning}"),
        ],
        "revenue_columns": [
            Column(
                label=part.label,
                number=float(each.revenue.get(currency, 0)),
                text=f"{money(each.revenue.get(currency, 0), currency)}, {each.orders:,} orders",
                url=orders_url(*part.moments),
                is_partial=part.end > today,
            )
            for part, each in zip(parts, sales, strict=True)
        ],
    }


def parts_of_customers() -> dict[str, Any]:
    url = reverse("admin:customers_customer_changelist")

    def linked(parts: list[statistics.Part], parameter: str) -> list[tuple[str, int, str]]:
        return [(part.name, part.number, f"{url}?{parameter}={part.code}" if part.code else "") for part in parts]

    return {
        "by_language": linked(statistics.people_by_language(), "language"),
        "by_country": linked(statistics.people_by_country(), "country"),
    }


def joined_url(period: Period) -> str:
    days = urlencode({"joined_from": period.first, "joined_to": period.last})
    return f"{reverse('admin:customers_customer_changelist')}?{days}"


def orders_url(since: datetime, until: datetime) -> str:
    moments: Mapping[str, datetime] = {"date_placed__gte": since, "date_placed__lt": until}
    return f"{reverse('admin:orders_order_changelist')}?{urlencode(moments)}"


def _figure(
    title: str, now: Any, former: Any, url: str, *, text: Callable[[Any], str] = intcomma, more: str = ""
) -> Figure:
    change = f"{(now - former) / former:+.0%}".replace("%", " %") if former else ""
    return Figure(
        title=title,
        value=text(now),
        change=f"{change} ({text(former)})" if change else "",
        has_grown=now > former,
        url=url,
        more=more,
    )


COMPUTED: dict[str, Callable[[], dict[str, Any]]] = {
    "parts": parts_of_customers,
    **{f"customers-{period}": partial(customer_numbers, period) for period in periods.CHOICES},
    **{f"sales-{period}": partial(sales_numbers, period) for period in periods.CHOICES},
}
