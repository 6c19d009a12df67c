"""The only writer of what happened to customers: events of the timeline, and the outbox rows for webhooks.

Call it in the transaction of the change, so that both are kept or neither. The webhooks app registers the outbox; this
module knows no table of it.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection
from django.db.models.expressions import RawSQL
from django.utils import timezone

from customers.core.postgres import bulk_insert
from customers.models import Event, User
from oauth.actor import Actor


class Outbox(Protocol):
    def enqueue(self, events: Sequence[Event]) -> None:
        """Writes a delivery for each webhook that subscribes to one of these events."""

    def enqueue_sql(self, people: str, kinds: Iterable[Event.Kind]) -> str:
        """The same as one INSERT statement of PostgreSQL without parameters, for events of these kinds of each of some
        customers. Empty if no webhook can subscribe to one of them. Mergers are not among them.

        `people`: a relation in the statement's WITH clause, with the ids of the customers in the column `id`.
        """


class ConsentText(Protocol):
    """The version of the text by which the store asks for marketing consent, as it is at this moment."""

    sql: str  # the same as an expression

    def __call__(self) -> str: ...


_outbox: Outbox | None = None
_consent_text: ConsentText | None = None

# In the changes of an event MERGED: the id of the customer who is gone, and the id of the one who is kept.
MERGED_CUSTOMER = "merged_customer"


def register_outbox(outbox: Outbox) -> None:
    """Called in `AppConfig.ready` by the app that implements it."""
    global _outbox
    _outbox = outbox


def register_consent_text(text: ConsentText) -> None:
    """Called in `AppConfig.ready` by the app that keeps it."""
    global _consent_text
    _consent_text = text


def consent_text() -> str:
    return _consent_text() if _consent_text else ""


def _consent_text_sql() -> str:
    return _consent_text.sql if _consent_text else "''"


def consent(former: bool, latter: bool, *, ip: str | None, text: str) -> dict[str, list[Any]]:
    """The changes of an event by which somebody gave or withdrew marketing consent: `consent_ip` is the address of the
    customer, if the same request has it, else the address of the request. The event has who did it and when."""
    return {"accepts_marketing": [former, latter], "consent_ip": [None, ip], "consent_text": [None, text]}


def event(user_id: int, kind: Event.Kind, by: Actor, changes: Mapping[str, Any] | None = None) -> Event:
    """An event that is not saved yet. `changes`: names of fields, each with its value before and after."""
    return Event(user_id=user_id, kind=kind, actor_id=by.user_id, app_id=by.app_id, changes=changes or {})


def record(events: Iterable[Event], *, notify_webhooks: bool = True) -> None:
    """Saves the events. `notify_webhooks=False` is for what the API does not show, such as the groups of a customer."""
    events = list(events)
    bulk_insert(Event, events)
    if notify_webhooks and _outbox:
        _outbox.enqueue(events)


def record_sql(people: str, kinds: Iterable[Event.Kind], *, notify_webhooks: bool) -> str:
    """What `record` does for events of these kinds, as items of a WITH clause of PostgreSQL. Its parameters:
    `record_params`.

    `people`: an earlier item of that clause, with the id of one customer in the column `id`.
    """
    events = ", ".join(f"('{kind}', %s::timestamptz, %s::bigint, %s::bigint, %s::jsonb)" for kind in kinds)
    record_events = f"""recorded_events AS (
        INSERT INTO {Event._meta.db_table} (user_id, kind, at, actor_id, app_id, changes)
        SELECT {people}.id, event.* FROM {people}, (VALUES {events}) AS event
    )"""  # noqa: S608  only names and kinds of events are put in; all values are parameters
    return record_events + (_enqueued_sql(people, kinds) if notify_webhooks else "")


def record_params(events: Iterable[Event]) -> list[Any]:
    return [
        value
        for event in events
        for value in (event.at, event.actor_id, event.app_id, json.dumps(event.changes, cls=DjangoJSONEncoder))
    ]


def _enqueued_sql(people: str, kinds: Iterable[Event.Kind]) -> str:
    enqueue = _outbox.enqueue_sql(people, kinds) if _outbox else ""
    return f", enqueued AS ({enqueue})" if enqueue else ""


def created(user: User, by: Actor) -> Event:
    """The event of a new person, where `created_sql` is not used. On SQLite the INSERT reads the version of the consent
    text itself, so that consent costs no statement of its own."""
    changes: Any = None
    if user.accepts_marketing:
        ip = user.ip or by.ip
        if connection.vendor == "sqlite":
            sql = f"""json_object('accepts_marketing', json('[false, true]'), 'consent_ip', json_array(NULL, %s),
                'consent_text', json_array(NULL, {_consent_text_sql()}))"""
            # `sql` contains no value of the request: the address is a parameter, the consent text is a subquery.
            changes = RawSQL(sql, [ip])  # noqa: S611  see the line above
        else:
            changes = consent(False, True, ip=ip, text=consent_text())
    return event(user.pk, Event.Kind.CREATED, by, changes)


def created_sql(people: str) -> str:
    """What `record` does for new customers, as items of a WITH clause of PostgreSQL. Its parameters: `created_params`.

    `people`: an earlier item of that clause, with the columns `id`, `accepts_marketing` and `ip`.
    """
    changes = f"""CASE WHEN accepts_marketing THEN jsonb_build_object(
        'accepts_marketing', '[false, true]'::jsonb,
        'consent_ip', jsonb_build_array(NULL, coalesce(host(ip), %s::text)),
        'consent_text', jsonb_build_array(NULL, {_consent_text_sql()})
    ) ELSE '{{}}'::jsonb END"""
    record_events = f"""recorded_events AS (
        INSERT INTO {Event._meta.db_table} (user_id, kind, at, actor_id, app_id, changes)
        SELECT id, %s, %s, %s, %s, {changes} FROM {people} ORDER BY id
    )"""  # noqa: S608  only names and the subquery of the consent text are put in; all values are parameters
    return record_events + _enqueued_sql(people, [Event.Kind.CREATED])


def created_params(by: Actor, at: datetime | None = None) -> list[Any]:
    """`at`: now, if not given."""
    return [Event.Kind.CREATED, at or timezone.now(), by.user_id, by.app_id, by.ip]
