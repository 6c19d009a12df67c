"""Customers of another store, as it tells them, written here under the ids that they have there.

Of two states of a customer the one that was asked for later is kept, whichever comes later. Whoever is here and was not
copied from that store is left alone: an id or an email of theirs is a conflict, and the other one is not kept.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from customers import services
from customers.mirror.models import Copy, FollowedStore
from customers.mirror.payload import Told
from customers.models import Address, User, UserType
from customers.privacy import erasure
from oauth.actor import SYSTEM

# The ids that this store gives out itself begin at a multiple of this, beyond those of the other store, which grows.
DISTANCE = 10**9

ID_TAKEN = "another customer here has this id"
STAFF_HERE = "somebody who works in the dashboard here has this id"
OTHER_STORE = "a customer of another store has this id"
EMAIL_TAKEN = "another customer here has this email"
ADDRESS_TAKEN = "the address of another customer here has this id"


@dataclass(slots=True)
class Result:
    """Ids of customers, by what came of them. `conflicts`: and why; `left_out`: and the names of values. Whoever is in
    none was as told."""

    created: set[int] = field(default_factory=set)
    updated: set[int] = field(default_factory=set)
    outdated: set[int] = field(default_factory=set)
    staff: set[int] = field(default_factory=set)
    conflicts: dict[int, str] = field(default_factory=dict)
    left_out: dict[int, list[str]] = field(default_factory=dict)


def now() -> datetime:
    """By the one clock that all processes share."""
    if connection.vendor != "postgresql":
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]


@transaction.atomic
def copy(store: FollowedStore, people: Iterable[Told], *, as_of: datetime) -> Result:
    """Keeps what was told of these people, as they were at `as_of` or later. So many queries for any number of them."""
    result = Result(left_out={told.id: told.left_out for told in people if told.left_out})
    result.staff = {told.id for told in people if told.is_staff}
    told_of = {told.id: told for told in people if not told.is_staff}
    copies = _locked(store, told_of)
    here = User.objects.in_bulk(told_of)
    for id, told in list(told_of.items()):
        if reason := _conflict(store, copies[id], here.get(id), told):
            result.conflicts[id] = reason
        elif (copies[id].state_at or as_of) > as_of or (copies[id].is_erased and id not in here and not told.is_erased):
            result.outdated.add(id)
        else:
            continue
        del told_of[id]
    result.conflicts |= _taken_addresses(told_of)
    result.conflicts |= _taken_emails(store, told_of)
    told_of = {id: told for id, told in told_of.items() if id not in result.conflicts}
    erased = _erase(told_of, copies, here)
    _add({id: told for id, told in told_of.items() if id not in here}, result)
    _change({id: told for id, told in told_of.items() if id in here}, result)
    result.updated |= erased
    Copy.objects.filter(pk__in=told_of).update(state_at=as_of)
    Copy.objects.filter(pk__in=result.conflicts, store=store, state_at=None, is_erased=False).delete()
    return result


def _locked(store: FollowedStore, ids: Iterable[int]) -> dict[int, Copy]:
    """Of each of them, who may be new: nobody else copies them meanwhile."""
    ids = sorted(ids)
    Copy.objects.bulk_create([Copy(customer_id=id, store=store) for id in ids], ignore_conflicts=True)
    return {copy.pk: copy for copy in Copy.objects.select_for_update().filter(pk__in=ids).order_by("pk")}


def _conflict(store: FollowedStore, copy: Copy, here: User | None, told: Told) -> str:
    if copy.store_id != store.pk:
        return OTHER_STORE
    if here is None:
        return ""
    if here.user_type == UserType.DASHBOARD or here.is_superuser:
        return STAFF_HERE
    is_same = here.email == told.person.get("email") and here.date_joined == told.person.get("date_joined")
    return "" if copy.state_at or copy.is_erased or is_same else ID_TAKEN


def _taken_addresses(told_of: Mapping[int, Told]) -> dict[int, str]:
    whose = {id: told.id for told in told_of.values() for id in told.book or ()}
    owners = Address.objects.filter(pk__in=whose).values_list("pk", "user_id")
    return {whose[id]: ADDRESS_TAKEN for id, owner in owners if owner != whose[id]}


def _taken_emails(store: FollowedStore, told_of: Mapping[int, Told]) -> dict[int, str]:
    """Who can't have theirs. Another copy of the store that has it is out of date, for it is unique there: it has none
    until the store tells of it again."""
    whose: dict[str, int] = {}
    taken = {}
    for told in told_of.values():
        if (email := told.person.get("email")) and whose.setdefault(email.lower(), told.id) != told.id:
            taken[told.id] = EMAIL_TAKEN
    holders = User.objects.filter(email__lower__in=list(whose)).values_list("pk", "email")
    others = {holder: whose[email.lower()] for holder, email in holders if whose.get(email.lower(), holder) != holder}
    released = set(Copy.objects.filter(pk__in=others, store=store).exclude(state_at=None).values_list("pk", flat=True))
    User.objects.filter(pk__in=released & told_of.keys()).update(email=None)
    services.change_users(released - told_of.keys(), by=SYSTEM, values=partial(_without_email_of_another, whose))
    if store.has_token:
        mark(store, released - told_of.keys())
    return taken | {wants: EMAIL_TAKEN for holder, wants in others.items() if holder not in released}


def _without_email_of_another(whose: Mapping[str, int], user: User) -> dict[str, Any]:
    """Asked of a locked person: meanwhile another event may have told what email they have now."""
    return {"email": None} if whose.get((user.email or "").lower(), user.pk) != user.pk else {}


def mark(store: FollowedStore, ids: Iterable[int], *, with_reports: bool = False) -> None:
    """They are to be read from the store."""
    at = now()
    Copy.objects.bulk_create([Copy(customer_id=id, store=store) for id in sorted(ids)], ignore_conflicts=True)
    waiting: dict[str, Any] = {"waiting_since": at, "due_at": at, "failures": 0}
    waiting |= {"with_reports": True} if with_reports else {}
    Copy.objects.filter(pk__in=ids, store=store).update(**waiting)


def _erase(told_of: Mapping[int, Told], copies: Mapping[int, Copy], here: Mapping[int, User]) -> set[int]:
    """Who was forgotten there is forgotten here, for good."""
    forgotten = {id for id, told in told_of.items() if told.is_erased}
    erased = {id for id in forgotten if id in here and here[id].email}
    for id in erased:
        erasure.erase(id, by=SYSTEM)
    Copy.objects.filter(pk__in=forgotten).update(is_erased=True)
    for id, told in told_of.items():
        if id in here and (id in forgotten or copies[id].is_erased):
            told.erase()
    return erased


def _add(told_of: Mapping[int, Told], result: Result) -> None:
    if not told_of:
        return
    users = [User(pk=id, is_active=not told.is_erased, **told.person) for id, told in told_of.items()]
    services.add_users(users, _addresses(told_of), by=SYSTEM)
    _keep_a_distance(User, told_of)
    _keep_a_distance(Address, {id for told in told_of.values() for id in told.book or ()})
    result.created |= told_of.keys()


def _change(told_of: Mapping[int, Told], result: Result) -> None:
    changed = services.change_users(told_of, by=SYSTEM, values=lambda user: told_of[user.pk].person)
    whose = [id for id, told in told_of.items() if told.book is not None]
    former = list(Address.objects.filter(user__in=whose))
    latter = _addresses(told_of, former)
    changed |= services.replace_addresses(former, latter, by=SYSTEM)
    _keep_a_distance(Address, {address.pk for address in latter} - {address.pk for address in former})
    result.updated |= changed


def _addresses(told_of: Mapping[int, Told], former: Iterable[Address] = ()) -> list[Address]:
    """A value that was left out stays as it was in `former`."""
    values = {address.pk: {name: getattr(address, name) for name in _names()} for address in former}
    return [
        Address(**{**values.get(id, {}), **fields, "pk": id, "user_id": told.id})
        for told in told_of.values()
        for id, fields in (told.book or {}).items()
    ]


def _names() -> list[str]:
    return [column.attname for column in Address._meta.concrete_fields if column.name not in services.MOMENTS]


def _keep_a_distance(model: Any, ids: Collection[int]) -> None:
    """From these new ones: ids that are given out here begin where the other store won't come for long."""
    if not ids:
        return
    first = (max(ids) // DISTANCE + 1) * DISTANCE
    table = model._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT pg_get_serial_sequence(%s, 'id')", [table])
            sequence = cursor.fetchone()[0]
            cursor.execute(
                f"SELECT setval(%s, %s) FROM {sequence} WHERE last_value < %s",  # noqa: S608  the name comes from PostgreSQL itself
                [sequence, first, first],
            )
        else:
            cursor.execute("UPDATE sqlite_sequence SET seq = %s WHERE name = %s AND seq < %s", [first, table, first])
