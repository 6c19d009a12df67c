"""What the list and the pages of customers show of each one."""

from collections.abc import Mapping
from datetime import datetime

from django import template

from customers.models import User

register = template.Library()

SHOWN_TAGS = 3


@register.filter
def initials(customer: User) -> str:
    """One or two letters; empty for somebody without a name."""
    names = [name for name in (customer.first_name, customer.last_name) if name]
    return "".join(name[0] for name in names).upper()


@register.filter
def first_tags(customer: User) -> list[str]:
    return customer.tags[:SHOWN_TAGS]


@register.filter
def further_tags(customer: User) -> list[str]:
    return customer.tags[SHOWN_TAGS:]


@register.filter
def country_of(customer: User) -> str:
    """The code of the country of the default address, or ""."""
    addresses: list = getattr(customer, "default_addresses", [])
    return addresses[0].country if addresses else ""


@register.filter
def last_order_of(customer: User, last_orders: Mapping[int, datetime]) -> datetime | None:
    return last_orders.get(customer.pk)
