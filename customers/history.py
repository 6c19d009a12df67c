"""The only writer of what happened to customers: events of the timeline, and the outbox rows for webhooks.

Call it in the transaction of the change, so that both are kept or neither. The webhooks app registers the outbox; this
module knows no table of it.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from django.utils import timezone

from customers.core.postgres import bulk_insert
from customers.models import Event
from oauth.actor import Actor


class Outbox(Protocol):
    def enqueue(self, events: Sequence[Event]) -> None:
        """Writes a delivery for each webhook that subscribes to one of these events."""

    def enqueue_created_sql(self, people: str) -> str:
        """The same as one INSERT statement of PostgreSQL without parameters, for customers who were just created.

        `people`: a relation in the statement's WITH clause, with their ids in the column `id`.
        """


_outbox: Outbox | None = None

# In the changes of an event MERGED: the id of the customer who is gone, and the id of the one who is kept.
MERGED_CUSTOMER = "merged_customer"


def register_outbox(outbox: Outbox) -> None:
    """Called in `AppConfig.ready` by the app that implements it."""
    global _outbox
    _outbox = outbox


def event(user_id: int, kind: Event.Kind, by: Actor, changes: Mapping[str, Any] | None = None) -> Event:
    """An event that is not saved yet. `changes`: names of fields, each with its value before and after."""
    return Event(user_id=user_id, kind=kind, actor_id=by.user_id, app_id=by.app_id, changes=changes or {})


def record(events: Iterable[Event], *, notify_webhooks: bool = True) -> None:
    """Saves the events. `notify_webhooks=False` is for what the API does not show, such as the groups of a customer."""
    events = list(events)
    bulk_insert(Event, events)
    if notify_webhooks and _outbox:
        _outbox.enqueue(events)


def created_sql(people: str) -> str:
    """What `record` does for new customers, as items of a WITH clause of PostgreSQL. Its parameters: `created_params`.

    `people`: an earlier item of that clause, with their ids in the column `id`.
    """
    record_events = f"""recorded_events AS (
        INSERT INTO {Event._meta.db_table} (user_id, kind, at, actor_id, app_id, changes)
        SELECT id, %s, %s, %s, %s, '{{}}' FROM {people} ORDER BY id
    )"""  # noqa: S608  only names are put in
    return f"{record_events}, enqueued AS ({_outbox.enqueue_created_sql(people)})" if _outbox else record_events


def created_params(by: Actor, at: datetime | None = None) -> list[Any]:
    """`at`: now, if not given."""
    return [Event.Kind.CREATED, at or timezone.now(), by.user_id, by.app_id]
