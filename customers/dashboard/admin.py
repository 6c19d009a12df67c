"""Registers every page of the dashboard; Django's autodiscovery imports this module."""

from customers.dashboard import (  # noqa: F401  imported for what they register
    api_access,
    audit,
    block_list,
    deliveries,
    groups,
    home,
    jobs,
    metadata,
    mirror,
    orders,
    partner_apps,
    roles,
    segments,
    site,
    staff,
    store,
    tags,
    webhooks,
)
from customers.dashboard.customers import admin  # noqa: F401  imported for what it registers
