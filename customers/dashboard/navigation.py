"""The places of the dashboard: the groups of its sidebar, which the search offers, too."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models.options import Options
from django.http import HttpRequest
from django.utils.text import capfirst

# Models by their labels. A place is shown to those who may view, add or change its objects.
GROUPS = {
    "Customers": (
        "customers.customer", "groups.customergroup", "segments.segment", "customers.tag", "customers.blockedcustomer",
        "jobs.job",
    ),
    "Sales": ("orders.order", "orders.subscription", "orders.cart"),
    "Apps and API": ("oauth.partnerapp", "oauth.privateapp", "webhooks.webhook", "metadata.definition"),
    "Settings": (
        "store.storedetails", "customers.staffmember", "accounts.staffrole", "audit.auditevent", "mirror.mirroredstore",
    ),
}  # fmt: skip
# Shown below another place, while a page of either of them is open.
WITHIN = {"webhooks.delivery": "webhooks.webhook", "mirror.receivedevent": "mirror.mirroredstore"}
NAMES = {"customers.blockedcustomer": "Block list", "audit.auditevent": "Security log"}
NAMES_OF_ADDING = {"customers.staffmember": "Invite staff member"}

Place = dict[str, Any]  # an entry of `models` in Django's `AdminSite.get_app_list`, with `current` and `within`


def grouped(apps: Iterable[dict[str, Any]], request: HttpRequest) -> list[dict[str, Any]]:
    """Django's list of apps in the groups above, in the same shape. Groups without a place are left out."""
    places = {place["model"]._meta.label_lower: place for app in apps for place in app["models"] if place["admin_url"]}
    current = _current(places, request.path)
    for label, place in places.items():
        place["name"] = name_of(place["model"]._meta)
        place["current"] = label == current
        place["within"] = []
    for label, parent in WITHIN.items():
        if parent in places and (place := places.get(label)):
            if current in (label, parent):
                places[parent]["within"].append(place)
            del places[label]
    grouped_labels = {label for labels in GROUPS.values() for label in labels}
    others = [label for label in places if label not in grouped_labels]
    return [
        {"name": name, "app_label": name.split()[0].lower(), "app_url": shown[0]["admin_url"], "models": shown,
         "has_module_perms": True}
        for name, labels in GROUPS.items()
        if (shown := [places[label] for label in (*labels, *(others if name == "Settings" else ())) if label in places])
    ]  # fmt: skip


def name_of(opts: Options) -> str:
    """What the sidebar, headings, breadcrumbs and the search call the objects of a model."""
    return NAMES.get(opts.label_lower) or str(capfirst(opts.verbose_name_plural))


def name_of_adding(opts: Options) -> str:
    return NAMES_OF_ADDING.get(opts.label_lower, f"Add {opts.verbose_name}")


def places(groups: Iterable[dict[str, Any]]) -> Iterator[Place]:
    """All places of `grouped`."""
    for group in groups:
        for place in group["models"]:
            yield place
            yield from place["within"]


def _current(places: dict[str, Place], path: str) -> str | None:
    """The label of the place whose address begins the path."""
    return next((label for label, place in places.items() if path.startswith(place["admin_url"])), None)
