"""Every permission that a token can have. No other module spells a scope."""

from enum import StrEnum


class Scope(StrEnum):
    ADMIN_READ = "admin:read"
    ADMIN_WRITE = "admin:write"
    ASSETS_READ = "assets:read"
    ASSETS_WRITE = "assets:write"
    CAMPAIGNS_READ = "campaigns:read"
    CAMPAIGNS_WRITE = "campaigns:write"
    CARTS_READ = "carts:read"
    CARTS_WRITE = "carts:write"
    CATALOGUE_READ = "catalogue:read"
    CATALOGUE_WRITE = "catalogue:write"
    CONTENT_READ = "content:read"
    CONTENT_WRITE = "content:write"
    DISPUTES_READ = "disputes:read"
    DISPUTES_WRITE = "disputes:write"
    EXPORTS_READ = "exports:read"
    EXPORTS_WRITE = "exports:write"
    FULFILLMENT_ORDERS_READ = "fulfillment_orders:read"
    FULFILLMENT_ORDERS_WRITE = "fulfillment_orders:write"
    FULFILLMENT_SERVICE_READ = "fulfillment_service:read"
    FULFILLMENT_SERVICE_WRITE = "fulfillment_service:write"
    GATEWAYS_READ = "gateways:read"
    GIFT_CARDS_READ = "gift_cards:read"
    GIFT_CARDS_WRITE = "gift_cards:write"
    LOCATIONS_READ = "locations:read"
    LOCATIONS_WRITE = "locations:write"
    METADATA_READ = "metadata:read"
    METADATA_WRITE = "metadata:write"
    ORDERS_READ = "orders:read"
    ORDERS_WRITE = "orders:write"
    STORE_READ = "store:read"
    SUBSCRIPTIONS_READ = "subscriptions:read"
    SUBSCRIPTIONS_WRITE = "subscriptions:write"
    THEMES_READ = "themes:read"
    THEMES_WRITE = "themes:write"
    TICKETS_READ = "tickets:read"
    TICKETS_WRITE = "tickets:write"
    TRANSACTIONS_READ = "transactions:read"
    TRANSACTIONS_WRITE = "transactions:write"
    USERS_READ = "users:read"
    USERS_WRITE = "users:write"
    WEBHOOKS_READ = "webhooks:read"
    WEBHOOKS_WRITE = "webhooks:write"

    @property
    def implied_by(self) -> "Scope":
        """`admin:read` grants every read scope, `admin:write` every write scope."""
        return Scope.ADMIN_READ if self.endswith(":read") else Scope.ADMIN_WRITE


def _label(scope: Scope) -> str:
    section, access = scope.split(":")
    verb = "See" if access == "read" else "Add and change"
    names = {
        "admin": "everything in the store",
        "users": "customers",
        "store": "store details",
        "metadata": "custom fields",
    }
    return f"{verb} {names.get(section, section.replace('_', ' '))}"


# What a store owner reads on the page that asks for permissions.
SCOPE_LABELS = {scope: _label(scope) for scope in Scope}


def grants(granted: frozenset[str], required: Scope) -> bool:
    """Whether a token with the scopes `granted` may do what requires the scope `required`."""
    return required in granted or required.implied_by in granted
