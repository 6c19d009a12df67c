"""What a change of a person writes: the columns that differ, and entries of the timeline."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from django.db import DEFAULT_DB_ALIAS, IntegrityError, connection, transaction
from django.utils import timezone

from customers import history
from customers.core.computed import computed_fields
from customers.core.json_values import is_same_json
from customers.core.prepared_query import PreparedQuery
from customers.models import Event, User
from customers.validation import EmailTaken, is_email_conflict
from oauth.actor import Actor
from oauth.statements import fetch_rows

# Derived fields; not recorded in the timeline.
COUNTER_FIELDS = ("orders_count", "total_spent", "subscriptions_count")
# What staff know about a block. The APIs show only whether there is one.
NOT_BLOCKED: dict[str, Any] = {"block_reason": "", "blocked_at": None, "blocked_until": None, "blocked_by_id": None}
SHOWN_OF_BLOCK = ("block_reason", "blocked_until")


def new_block(by: Actor) -> dict[str, Any]:
    """The columns of somebody who is blocked from now on, without a reason and without an end."""
    return {**NOT_BLOCKED, "blocked_at": timezone.now(), "blocked_by_id": by.user_id}


def compared(former: Mapping[str, Any], latter: Mapping[str, Any]) -> dict[str, list[Any]]:
    """The fields that differ, each with its value before and after. `{}` stands for an object that does not exist."""
    pairs = {name: [former.get(name), latter.get(name)] for name in {**former, **latter}}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def assign(user: User, values: Mapping[str, Any], by: Actor) -> dict[str, list[Any]]:
    """Sets the values that differ, and `updated_at` with them. Returns their names, each with before and after.

    A change of `is_blocked` sets the other columns of a block, too.
    """
    if values.get("is_blocked") and not user.is_blocked:
        values = {**new_block(by), **values}
    elif "is_blocked" in values and not values["is_blocked"]:
        values = {**values, **NOT_BLOCKED}
    differences = {
        name: [former, value]
        for name, value in values.items()
        if (former := getattr(user, name)) != value or (isinstance(value, dict) and not is_same_json(former, value))
    }
    for name, (_, value) in differences.items():
        setattr(user, name, value)
    if differences:
        user.updated_at = timezone.now()
    return differences


def events(
    user: User, differences: Mapping[str, list[Any]], by: Actor, consent_text: Callable[[], str] = history.consent_text
) -> list[Event]:
    """The events of a change. A change of the password, and one of `is_blocked`, has an event of its own. That event
    does not show the value itself."""
    changes = {name: pair for name, pair in differences.items() if name not in COUNTER_FIELDS}
    found = []
    if changes.pop("password", None):
        found.append(history.event(user.pk, Event.Kind.PASSWORD_CHANGED, by))
    block = {name: changes.pop(name) for name in NOT_BLOCKED if name in changes}
    shown = {name: pair for name, pair in block.items() if name in SHOWN_OF_BLOCK}
    if blocked := changes.pop("is_blocked", None):
        kind = Event.Kind.BLOCKED if blocked[1] else Event.Kind.UNBLOCKED
        found.append(history.event(user.pk, kind, by, shown))
    else:
        changes |= shown
    if consent := changes.get("accepts_marketing"):
        ip = user.ip if "ip" in differences else None
        changes |= history.consent(*consent, ip=ip or by.ip, text=consent_text())
    if changes:
        found.append(history.event(user.pk, Event.Kind.CHANGED, by, changes))
    return found


_locked_rows = PreparedQuery(
    lambda id: (
        User.objects.select_for_update().filter(pk=id).values(*(field.attname for field in User._meta.concrete_fields))
    )
)


def locked(user_id: int) -> User:
    """Locks the person until the end of the transaction. Raises User.DoesNotExist."""
    for row in _locked_rows(user_id):
        return User.from_db(DEFAULT_DB_ALIAS, list(row), list(row.values()))
    raise User.DoesNotExist


def save(user: User, names: Collection[str], events: Sequence[Event], *, notify_webhooks: bool) -> None:
    """Writes these fields of a person and `updated_at`, and records the events. Raises EmailTaken."""
    # Only the email can conflict. Without a savepoint, a conflict ends the transaction of the caller, too.
    with refusing_taken_email(savepoint="email" in names):
        if connection.vendor == "postgresql" and all(event.kind != Event.Kind.MERGED for event in events):
            _save_by_statement(user, names, events, notify_webhooks)
        else:
            user.save(update_fields=[*names, "updated_at"])
            history.record(events, notify_webhooks=notify_webhooks)


@contextmanager
def refusing_taken_email(*, savepoint: bool) -> Iterator[None]:
    """Raises EmailTaken."""
    try:
        with transaction.atomic(savepoint=savepoint):
            yield
    except IntegrityError as error:
        if is_email_conflict(error):
            raise EmailTaken from None
        raise


def _save_by_statement(user: User, names: Collection[str], events: Sequence[Event], notify_webhooks: bool) -> None:
    """All of it at once, which saves half of the CPU time of an update."""
    fields: list[Any] = [User._meta.get_field(name) for name in (*names, "updated_at")]
    fields += computed_fields(User, [field.name for field in fields])
    values = [field.get_db_prep_save(field.pre_save(user, add=False), connection) for field in fields]
    kinds = tuple(event.kind for event in events)
    sql = _save_sql(tuple(field.column for field in fields), kinds, notify_webhooks)
    fetch_rows(sql, [*values, user.pk, *history.record_params(events)])


@lru_cache(maxsize=1024)
def _save_sql(columns: tuple[str, ...], kinds: tuple[Event.Kind, ...], notify_webhooks: bool) -> str:
    """Its parameters: the values of the columns, the id of the person, and `history.record_params`."""
    record = f", {history.record_sql('changed', kinds, notify_webhooks=notify_webhooks)}" if kinds else ""
    return f"""
        WITH changed AS (
            UPDATE {User._meta.db_table} SET {", ".join(f"{column} = %s" for column in columns)}
            WHERE id = %s RETURNING id
        ){record}
        SELECT FROM changed
    """  # noqa: S608  only names of tables and columns are put in; all values are parameters


def are_visible_to_apps(names: Iterable[str]) -> bool:
    return not set(names) <= NOT_BLOCKED.keys()
