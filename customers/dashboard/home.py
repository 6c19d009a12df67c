"""The first page of the dashboard: charts and numbers about the store's customers."""

from datetime import date
from typing import Any

from django.contrib import admin
from django.core.cache import cache
from django.http import HttpRequest
from django.utils import timezone

from customers.customer_count import number_of_customers
from customers.dashboard import statistics
from oauth import api_usage

# Counting takes longer the more customers there are. Above this number the counts are cached.
CACHED_FROM = 100_000  # customers
CACHE_SECONDS = 60

admin.site.index_template = "dashboard/home.html"


def home(request: HttpRequest):
    """Shows only numbers about objects that the role may view."""
    context: dict[str, Any] = {}
    if request.user.has_perm("customers.view_customer"):
        context["customers"] = customer_statistics()
    if request.user.has_perm("oauth.view_partnerapp"):
        since = statistics.start_of(statistics.last_days(timezone.localdate())[0].first)
        context["calls_by_app"] = api_usage.calls_by_app(since)
    return admin.site.index(request, context)


def customer_statistics() -> dict[str, Any]:
    today = timezone.localdate()
    counted: Any = None
    if number_of_customers() >= CACHED_FROM:
        counted = cache.get_or_set(f"customer-statistics-{today}", lambda: counts(today), CACHE_SECONDS)
    return {**(counted or counts(today)), "newest": statistics.newest()}


def counts(today: date) -> dict[str, Any]:
    days, months = statistics.last_days(today), statistics.last_months(today)
    return {
        "by_day": _labelled(days),
        "by_month": _labelled(months),
        "buyers": statistics.buyers_since(days[0].first),
        "turned": statistics.leads_turned_customers_since(days[0].first),
        "by_language": statistics.people_by_language(),
        "by_country": statistics.people_by_country(),
    }


def _labelled(periods: list[statistics.Period]) -> list[tuple[str, int]]:
    return [(period.label, joined) for period, joined in zip(periods, statistics.joined_within(periods), strict=True)]
