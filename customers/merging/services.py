"""Merging two customers into one, and undoing it while its snapshot is kept."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.db import connection, transaction

from customers import customer_count, history, ownership, services
from customers.core.retention import BATCH, end_of, kept_for
from customers.core.stored_rows import as_json, row_as_json, row_from_json
from customers.merging.models import Duplicate, MatchKey, Merge
from customers.merging.plan import SUMMED, Plan
from customers.models import Event, User, UserType
from customers.orders.services import counters_from_rows
from customers.validation import EmailTaken
from oauth.actor import Actor
from oauth.errors import ServiceError

LONGEST_CHAIN = 1_000  # merges
SECRET = ("password", "is_superuser")


class MergeRefused(ServiceError):
    code = "merge_refused"


class UndoRefused(ServiceError):
    code = "undo_refused"


class OtherUnknown(ServiceError):
    code = "unknown"

    def __init__(self) -> None:
        super().__init__("There is no customer with this id.", "other")


def preview(kept_id: int, other_id: int, choices: Mapping[str, str] | None = None) -> Plan:
    """What `merge` would do. Raises User.DoesNotExist, and what `merge` raises."""
    people = User.objects.in_bulk([kept_id, other_id])
    return _checked_plan(people, kept_id, other_id, choices)


@transaction.atomic
def merge(kept_id: int, other_id: int, choices: Mapping[str, str] | None = None, *, by: Actor) -> User:
    """Makes one customer of two. The row of the other one is deleted; everything that belonged to it belongs to the
    kept one.

    `choices`: "kept" or "other" by the name of a field (`plan.CHOICES`), or by "metadata." and a key. By default the
    kept customer's value stays; the other's fills an empty one. Password and sessions are those of the kept customer.

    Raises User.DoesNotExist, OtherUnknown, MergeRefused, UnknownChoice, TooManyAddresses, and ServiceError for
    too many tags or too much metadata.
    """
    plan = _checked_plan(_locked(kept_id, other_id), kept_id, other_id, choices)
    kept, other = plan.kept, plan.other
    before = {name: as_json(getattr(kept, name)) for name in plan.values}
    snapshot = {
        "customer": row_as_json(other),
        "before": before,
        "after": {name: as_json(value) for name, value in plan.values.items()},
        "rows": {rows.name: rows.pass_on(kept_id, other_id) for rows in ownership.all_rows()},
    }
    _delete(other_id)
    customer_count.record_removed(other)
    Merge.objects.create(merged_id=other_id, kept_id=kept_id, snapshot=snapshot)
    lost = {
        name: [getattr(other, name), value]
        for name, value in plan.values.items()
        if name not in SUMMED and getattr(other, name) != value
    }
    changes = {history.MERGED_CUSTOMER: [other_id, kept_id], **lost}
    services.save_changes(kept, plan.values, by, also=[history.event(kept_id, Event.Kind.MERGED, by, changes)])
    return kept


@transaction.atomic
def undo(kept_id: int, *, by: Actor) -> User:
    """Undoes the last merge into this customer. What was added to the kept customer since then stays there.

    Returns the customer who is restored, under the former id. Raises User.DoesNotExist, UndoRefused.
    """
    kept = User.objects.select_for_update().get(pk=kept_id)
    last = undoable(kept_id)
    if last is None:
        raise UndoRefused(f"There is no merge of the last {kept_for('merges')} to undo.")
    snapshot: Any = last.snapshot
    before, after = snapshot["before"], snapshot["after"]
    decided = [name for name in after if after[name] != before[name] and name not in (*SUMMED, "user_type")]
    if changed := [name for name in decided if as_json(getattr(kept, name)) != after[name]]:
        raise UndoRefused(f"Changed since the merge: {', '.join(sorted(changed))}.")
    if User.objects.filter(pk=last.merged_id).exists():
        raise UndoRefused(f"The id {last.merged_id} belongs to another customer now.")
    former = row_from_json(User, {**row_as_json(kept), **before})
    restored = row_from_json(User, snapshot["customer"])
    values = {name: getattr(former, name) for name in decided}
    try:
        undone = history.event(kept_id, Event.Kind.MERGE_UNDONE, by, {history.MERGED_CUSTOMER: [None, last.merged_id]})
        services.save_changes(kept, values, by, also=[undone])
        services.restore_user(restored, by=by)
        customer_count.record_added([restored])
    except EmailTaken:
        raise UndoRefused("Another customer has the email address now.") from None
    for rows in ownership.all_rows():
        if passed := snapshot["rows"].get(rows.name):
            rows.take_back(kept_id, restored.pk, passed)
    _restore_counters({kept_id: former, restored.pk: restored}, by)
    last.delete()
    return restored


def undoable(kept_id: int) -> Merge | None:
    """The last merge into this customer, if it can be undone."""
    merges = Merge.objects.filter(kept_id=kept_id, merged_at__gt=end_of("merges"))
    last = merges.order_by("-merged_at", "-merged_id").first()
    return last if last and last.snapshot else None


def merged_into(user_id: int) -> int | None:
    """The customer who is left of a merged one: the last of a chain of merges. None for everybody else."""
    chain = _follow("kept_id", "merged_id", user_id)
    return chain[-1] if chain else None


def merged_ids(user_id: int) -> list[int]:
    """The ids of all customers who were merged into this one, directly or by way of others."""
    return _follow("merged_id", "kept_id", user_id)


def snapshots_of(user_id: int) -> Iterator[dict[str, Any]]:
    """What is kept of the customers who were merged into this one, while it can be undone."""
    merges = Merge.objects.filter(kept_id__in=[user_id, *merged_ids(user_id)], snapshot__isnull=False)
    for merge in merges.order_by("merged_at", "merged_id"):
        snapshot: Any = merge.snapshot
        person = {name: value for name, value in snapshot["customer"].items() if name not in SECRET}
        dropped = [row for rows in snapshot["rows"].values() for row in rows.get("dropped", ())]
        yield {"id": merge.merged_id, "merged_at": merge.merged_at, "person": person, "rows": dropped}


def forget(user_id: int) -> None:
    """Deletes the personal data that merges and the search for duplicates keep about a customer."""
    ids = [user_id, *merged_ids(user_id)]
    Merge.objects.filter(kept_id__in=ids).update(snapshot=None)
    MatchKey.objects.filter(user__in=ids).delete()
    Duplicate.objects.filter(first__in=ids).delete()
    Duplicate.objects.filter(second__in=ids).delete()


def delete_old_snapshots() -> Iterator[int]:
    """Ends the time in which old merges can be undone. Yields the numbers of changed rows."""
    old = Merge.objects.filter(merged_at__lte=end_of("merges"), snapshot__isnull=False)
    while ids := list(old.values_list("pk", flat=True)[:BATCH]):
        yield Merge.objects.filter(pk__in=ids).update(snapshot=None)


def _locked(*ids: int) -> dict[int, User]:
    """Locks people in the order of their ids, so that two merges of the same people can't deadlock."""
    return {user.pk: user for user in User.objects.select_for_update().filter(pk__in=ids).order_by("pk")}


def _checked_plan(people: Mapping[int, User], kept_id: int, other_id: int, choices: Mapping[str, str] | None) -> Plan:
    if kept_id == other_id:
        raise MergeRefused("A customer can't be merged with themselves.")
    if kept_id not in people:
        raise User.DoesNotExist
    if other_id not in people:
        raise OtherUnknown
    for user in (people[kept_id], people[other_id]):
        if user.user_type == UserType.DASHBOARD or user.is_superuser:
            raise MergeRefused(f"Customer {user.pk} is a member of staff. Staff can't be merged.")
        if user.erased_at:
            raise MergeRefused(f"Customer {user.pk} is erased.")
        for reason in ownership.reasons_against_merging(user):
            raise MergeRefused(reason)
    return Plan(people[kept_id], people[other_id], choices)


def _delete(user_id: int) -> None:
    """Not by the ORM, which would delete all rows that refer to the customer: the database refuses to leave one."""
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {User._meta.db_table} WHERE id = %s", [user_id])  # noqa: S608  the name of a table


def _restore_counters(former: Mapping[int, User], by: Actor) -> None:
    """From the orders and subscriptions of a customer; where there are none, as they were before the merge."""
    from_rows = counters_from_rows(former.keys())

    def values(user: User) -> dict[str, Any]:
        counters = from_rows[user.pk] or {name: getattr(former[user.pk], name) for name in SUMMED}
        is_customer = counters["orders_count"] or former[user.pk].user_type == UserType.CUSTOMER
        return {**counters, "user_type": UserType.CUSTOMER if is_customer else UserType.LEAD}

    services.change_users(former, by=by, values=values)


def _follow(column: str, start: str, user_id: int) -> list[int]:
    """The ids that a chain of merges reaches from a customer, nearest first."""
    if abs(user_id) >= 2**63:  # SQLite can't look for it
        return []
    table = Merge._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH RECURSIVE chain (id, step) AS (
                SELECT {column}, 1 FROM {table} WHERE {start} = %s
                UNION ALL
                SELECT merge.{column}, chain.step + 1 FROM {table} merge JOIN chain ON merge.{start} = chain.id
                WHERE chain.step < {LONGEST_CHAIN}
            )
            SELECT id FROM chain ORDER BY step
            """,  # noqa: S608  only names of columns, of a table, and a constant are put in
            [user_id],
        )
        return [id for (id,) in cursor.fetchall()]
