"""The event types of this store: one object for each, listed in EVENT_TYPES. Webhooks can subscribe to these, and to
event types of the platform whose sections this store does not have.

Events with `timeline_kinds` are enqueued by `customers.history.record`; others by a function of `outbox`.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from customers.models import Event, User

# (ids of objects, API version) -> `data` of the payload by id, without objects that no longer exist.
Renderer = Callable[[Collection[int], str], dict[int, Any]]

EXAMPLE_ID = 0  # of the customer in a test event

_renderers: dict[str, Renderer] = {}


@dataclass(frozen=True)
class EventType:
    """`name` is "object.verb". `timeline_kinds`: the entries of a customer's timeline that cause the event."""

    name: str
    help_text: str
    timeline_kinds: frozenset[Event.Kind] = frozenset()
    has_example: bool = False  # whether a test event can have this type

    @property
    def object_name(self) -> str:
        return self.name.partition(".")[0]

    def payload(self, ids: Collection[int], api_version: str) -> dict[int, Any]:
        """`data` of the payload by the ids of objects, without objects that no longer exist."""
        return _renderers[self.object_name](ids, api_version)


class CustomerRedacted(EventType):
    """Its payload is a snapshot, made before the customer is erased."""

    def snapshot(self, user: User) -> dict[str, Any]:
        return {
            "id": user.pk,
            "email": user.email,
            "phone_number": user.phone_number,
            "orders": [_order_number(number) for number in user.orders.order_by("id").values_list("number", flat=True)],
            "subscriptions": list(user.subscriptions.order_by("id").values_list("external_id", flat=True)),
        }


def _order_number(number: str) -> int | str:
    """An integer if possible, as the platform documents; otherwise the text, such as "A-7" or "007"."""
    return int(number) if number.isdecimal() and number == str(int(number)) else number


CUSTOMER_CREATED = EventType(
    "customer.created",
    "A customer was created, or restored by undoing a merge.",
    frozenset({Event.Kind.CREATED, Event.Kind.RESTORED}),
    has_example=True,
)
CUSTOMER_UPDATED = EventType(
    "customer.updated",
    "A customer or one of their addresses was changed.",
    frozenset(
        {
            Event.Kind.CHANGED,
            Event.Kind.BLOCKED,
            Event.Kind.UNBLOCKED,
            Event.Kind.ADDRESS_ADDED,
            Event.Kind.ADDRESS_CHANGED,
            Event.Kind.ADDRESS_DELETED,
            Event.Kind.MERGED,
            Event.Kind.MERGE_UNDONE,
        }
    ),
    has_example=True,
)
CUSTOMER_DELETED = EventType("customer.deleted", "A customer was merged into another one.")
CUSTOMER_REDACTED = CustomerRedacted("customer.redacted", "A customer was erased. Delete your copy of their data.")
APP_UNINSTALLED = EventType("app.uninstalled", "Your app was uninstalled. Sent to that app only.")
ORDER_CREATED = EventType("order.created", "An order was recorded.")
ORDER_UPDATED = EventType("order.updated", "An order was recorded again, with another content.")
SUBSCRIPTION_CREATED = EventType("subscription.created", "A subscription was recorded.")
SUBSCRIPTION_UPDATED = EventType("subscription.updated", "A subscription was recorded again, with another content.")
EXPORT_CREATED = EventType("export.created", "An export is ready. Sent to the app that requested it and to the store.")

EVENT_TYPES: dict[str, EventType] = {
    event_type.name: event_type
    for event_type in (
        CUSTOMER_CREATED,
        CUSTOMER_UPDATED,
        CUSTOMER_DELETED,
        CUSTOMER_REDACTED,
        ORDER_CREATED,
        ORDER_UPDATED,
        SUBSCRIPTION_CREATED,
        SUBSCRIPTION_UPDATED,
        APP_UNINSTALLED,
        EXPORT_CREATED,
    )
}
# Event types of sections that the platform has and this store does not have. Webhooks may subscribe to them.
OTHER_NAMES = (
    "cart.abandoned",
    "dispute.created",
    "dispute.updated",
    "fulfillment.created",
    "fulfillment.updated",
    "gateway.created",
    "gateway.updated",
    "gateway_group.created",
    "gateway_group.updated",
    "product.created",
    "product.deleted",
    "product.updated",
    "store.updated",
    "transaction.created",
    "transaction.updated",
)
EVENT_NAMES = (*EVENT_TYPES, *OTHER_NAMES)
# The platform publishes the enum without `app.uninstalled`, and accepts it.
PUBLISHED_NAMES = [name for name in EVENT_NAMES if name != APP_UNINSTALLED.name]
# Timeline entries that are not listed change nothing that the API shows: a password, a note, a group.
BY_TIMELINE_KIND = {kind: event_type for event_type in EVENT_TYPES.values() for kind in event_type.timeline_kinds}


def renders(object_name: str) -> Callable[[Renderer], Renderer]:
    """Decorates the function that renders payloads of one kind of object, such as "customer" for "customer.*".

    Payloads have the wire format of an API, so the API registers these functions.
    """

    def register(renderer: Renderer) -> Renderer:
        _renderers[object_name] = renderer
        return renderer

    return register


def example_type(names: Collection[str]) -> EventType:
    """The type of a test event: the first of these that has an example."""
    known = (EVENT_TYPES[name] for name in names if name in EVENT_TYPES)
    return next((event_type for event_type in known if event_type.has_example), CUSTOMER_CREATED)
