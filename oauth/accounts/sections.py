"""The sections of the dashboard, by which a store's own roles are made: no access, view, or edit.

An app says in its AppConfig which of its permissions open a section: `section_permissions` maps a section's key to
codenames by level, {"customers": {"view": ("view_customer",), "edit": ("change_customer",)}}. *Edit* includes *view*.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import TextChoices

from oauth.scopes import Scope


class Level(TextChoices):
    """From the least to the most access."""

    NONE = "none", "No access"
    VIEW = "view", "View"
    EDIT = "edit", "Edit"

    @property
    def included(self) -> tuple["Level", ...]:
        """This level and those below it, without NONE."""
        levels = list(Level)
        return tuple(levels[1 : levels.index(self) + 1])


@dataclass(frozen=True, slots=True)
class Section:
    """`scopes`: what tokens of a person with the level may do, besides those of the levels below. `needs`: the keys of
    sections that have to be visible, because their data is shown here, too."""

    key: str
    label: str
    help_text: str
    scopes: Mapping[Level, tuple[Scope, ...]]
    needs: tuple[str, ...] = ()
    levels: tuple[Level, ...] = tuple(Level)


VIEW, EDIT = Level.VIEW, Level.EDIT
SECTIONS = {
    section.key: section
    for section in (
        Section(
            "customers",
            "Customers",
            "Customers, groups, segments, tags and the block list. Edit: also notes, blocks and merges.",
            {VIEW: (Scope.USERS_READ,), EDIT: (Scope.USERS_WRITE,)},
        ),
        Section(
            "sales",
            "Sales",
            "Orders, subscriptions and carts.",
            {
                VIEW: (Scope.ORDERS_READ, Scope.SUBSCRIPTIONS_READ),
                EDIT: (Scope.ORDERS_WRITE, Scope.SUBSCRIPTIONS_WRITE),
            },
            needs=("customers",),
        ),
        Section(
            "files",
            "Imports and exports",
            "View: export customers and download personal data. Edit: also import customers.",
            {VIEW: (Scope.EXPORTS_READ, Scope.EXPORTS_WRITE)},
            needs=("customers",),
        ),
        Section(
            "fields",
            "Custom fields",
            "The fields that the store adds to customers.",
            {VIEW: (Scope.METADATA_READ,), EDIT: (Scope.METADATA_WRITE,)},
        ),
        Section(
            "webhooks",
            "Webhooks",
            "Webhooks and their deliveries, which contain customers and orders.",
            {VIEW: (Scope.WEBHOOKS_READ,), EDIT: (Scope.WEBHOOKS_WRITE,)},
            needs=("customers", "sales"),
        ),
        Section("apps", "Apps and API tokens", "Apps of partners and the store's own tokens. Edit: also install.", {}),
        Section(
            "settings",
            "Settings",
            "The store's details and mirrored stores.",
            {VIEW: (Scope.STORE_READ,)},
        ),
        Section("staff", "Staff", "Edit: invite and change people who may do no more than oneself.", {}),
        Section("log", "Security log", "Who signed in, and what gave or took access.", {}, levels=(Level.NONE, VIEW)),
    )
}


def scopes_of_levels(levels: Mapping[str, str]) -> list[Scope]:
    """What tokens of a person with these levels, by the keys of sections, may do."""
    return [
        scope
        for key, level in levels.items()
        for each in Level(level).included
        for scope in SECTIONS[key].scopes.get(each, ())
    ]
