"""How every page of the dashboard writes a moment, an amount of money, a country, the name of a list, and that there is
no value."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.timesince import timesince, timeuntil
from django_countries import countries

from customers.dashboard import navigation

register = template.Library()
register.filter(navigation.name_of)
register.filter(navigation.name_of_adding)

NOTHING = "—"
# The currencies of ISO 4217 without a smaller unit. The list in babel (CLDR) also leaves out units that nobody uses.
WITHOUT_CENTS = frozenset(
    {"BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF",
     "XPF"}
)  # fmt: skip
NO_VALUE = (
    f'<span class="no-value"><span aria-hidden="true">{NOTHING}</span><span class="visually-hidden">none</span></span>'
)


@register.simple_tag
def no_value() -> SafeString:
    """The one sign for "nothing"; a screen reader says "none"."""
    return mark_safe(NO_VALUE)  # noqa: S308  a constant


@register.simple_tag
def when(moment: datetime | date | None) -> SafeString:
    """How long ago it was, or how soon it is, in words; on hover the exact moment in the store's time zone and in UTC.

    A date without a time is written as it is.
    """
    if not moment:
        return no_value()
    if not isinstance(moment, datetime):
        return format_html('<time datetime="{}">{}</time>', moment.isoformat(), f"{moment:%Y-%m-%d}")
    return format_html('<time datetime="{}" title="{}">{}</time>', _iso(moment), exactly(moment), in_words(moment))


def in_words(moment: datetime) -> str:
    """As in "3 hours ago", "in 2 days", "just now"."""
    now = timezone.now()
    if abs(now - moment) < timedelta(minutes=1):
        return "just now"
    if moment < now:
        return f"{timesince(moment, now, depth=1)} ago"
    return f"in {timeuntil(moment, now, depth=1)}"


def exactly(moment: datetime) -> str:
    """In the store's time zone and, if that is another one, in UTC."""
    local, universal = (f"{each:%Y-%m-%d %H:%M:%S %Z}" for each in (timezone.localtime(moment), moment.astimezone(UTC)))
    return local if local == universal else f"{local} ({universal})"


@register.filter
def money(amount: Decimal | int | str | None, currency: str = "") -> str:
    """An amount with the code of its currency (ISO 4217), as in "1,234.50 EUR". An unknown currency is left out."""
    if amount is None or amount == "":
        return NOTHING
    currency = (currency or "").upper()
    amount = Decimal(amount)
    places = 0 if currency in WITHOUT_CENTS and amount == amount.to_integral_value() else 2
    return f"{amount:,.{places}f} {currency}".rstrip()


@register.filter
def country_name(code: Any) -> str:
    """The name of a country of ISO 3166-1. A code that is unknown, as of a mirrored store, is shown itself."""
    return countries.name(str(code)) or str(code) if code else NOTHING


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
