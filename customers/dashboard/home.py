"""The first page of the dashboard: sales, customers and buyers of a period, compared with the one before."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.contrib.humanize.templatetags.humanize import intcomma
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from customers.core.postgres import custom_plan
from customers.customer_count import number_of_customers
from customers.dashboard import periods, statistics
from customers.dashboard.periods import Period
from customers.dashboard.templatetags.shop import money
from customers.models import StaffMember
from customers.store.services import get_details
from customers.webhooks.models import Webhook
from oauth import api_usage
from oauth.models import PrivateApp

# Counting takes longer the more customers there are. From this number on, the cache keeps the results.
KEPT_FROM = 100_000  # customers
NEW_STORE = 5  # customers; a store with fewer is new. `make run` creates one customer.
KEPT_SECONDS = 300
KEPT_SECONDS_OF_LONG_PERIODS = 3600
LONG_PERIODS = ("91", "365")


@dataclass(frozen=True, slots=True)
class Figure:
    """A number, how it compares with the period before (in words), and the list behind it."""

    title: str
    value: str
    change: str
    has_grown: bool
    url: str
    more: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a chart."""

    label: str
    number: float
    text: str
    url: str
    is_partial: bool


def home(request: HttpRequest) -> HttpResponse:
    """Shows only numbers about objects that the role may view."""
    given = request.GET.get("days", "")
    name = given if given in periods.CHOICES else periods.DEFAULT
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": "Home",
        "choices": [(value, choice.title, value == name) for value, choice in periods.CHOICES.items()],
        "choice": periods.CHOICES[name],
    }
    today = timezone.localdate()
    sees = request.user.has_perm
    if sees("customers.view_customer"):
        number = number_of_customers()
        seconds = KEPT_SECONDS_OF_LONG_PERIODS if name in LONG_PERIODS else KEPT_SECONDS
        kept_for = seconds if number >= KEPT_FROM else 0
        context |= {"number": number, "newest": statistics.newest()}
        context |= _kept(f"home-customers-{name}-{today}", lambda: customer_numbers(name, today), kept_for)
        context |= _kept("home-parts", parts_of_customers, kept_for)
        if number < NEW_STORE:
            context["first_steps"] = first_steps(request)
        if sees("orders.view_order"):
            context |= _kept(f"home-sales-{name}-{today}", lambda: sales_numbers(name, today), kept_for)
    if sees("oauth.view_partnerapp"):
        since = periods.CHOICES["30"].parts(today)[0].moments[0]
        context["calls_by_app"] = [(name, number, "") for name, number in api_usage.calls_by_app(since)]
    return render(request, "dashboard/home.html", context)


def _kept(key: str, make: Callable[[], dict[str, Any]], seconds: int) -> dict[str, Any]:
    return cache.get_or_set(key, make, seconds) if seconds else make()  # type: ignore[return-value]  # never None


def customer_numbers(name: str, today: date) -> dict[str, Any]:
    choice = periods.CHOICES[name]
    parts = choice.parts(today)
    with custom_plan():
        *counts, former = statistics.joined_within([*(part.moments for part in parts), choice.moments_before(today)])
    columns = [
        Column(part.label, count, intcomma(count), joined_url(part), part.end > today)
        for part, count in zip(parts, counts, strict=True)
    ]
    whole = Period(parts[0].first, parts[-1].end, "")
    figure = _figure("New customers", sum(counts), former, joined_url(whole))
    return {"joined": figure, "joined_columns": columns, "customers_as_of": timezone.now()}


def sales_numbers(name: str, today: date) -> dict[str, Any]:
    choice = periods.CHOICES[name]
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
                part.label,
                float(each.revenue.get(currency, 0)),
                f"{money(each.revenue.get(currency, 0), currency)}, {each.orders:,} orders",
                orders_url(*part.moments),
                part.end > today,
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


def first_steps(request: HttpRequest) -> list[tuple[str, str, str, bool]]:
    """Of a new store: what to do, why, where, and whether it is done. Only what the role may do."""
    steps = [
        ("customers.import_customer", "Import your customers", "A CSV file, as shops export it", "jobs_job_import",
         lambda: False),
        ("customers.add_staffmember", "Invite a colleague", "Each with a role", "customers_staffmember_add",
         lambda: StaffMember.objects.count() > 1),
        ("oauth.add_privateapp", "Create an API token", "For your own programs", "oauth_privateapp_add",
         PrivateApp.objects.exists),
        ("webhooks.add_webhook", "Add a webhook", "Your systems learn of each change", "webhooks_webhook_add",
         Webhook.objects.exists),
    ]  # fmt: skip
    return [
        (title, why, reverse(f"admin:{page}"), is_done())
        for permission, title, why, page, is_done in steps
        if request.user.has_perm(permission)
    ]


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
    return Figure(title, text(now), f"{change} ({text(former)})" if change else "", now > former, url, more)
