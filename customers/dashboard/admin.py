"""Registers every page of the dashboard; Django's autodiscovery imports this module."""

from customers.dashboard import (  # noqa: F401  imported for what they register
    apps_and_tokens,
    groups,
    home,
    jobs,
    metadata,
    mirror,
    orders,
    site,
    staff,
    webhooks,
)
from customers.dashboard.customers import admin  # noqa: F401  imported for what it registers
