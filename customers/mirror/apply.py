"""Carries out a plan for remote customers, in one transaction, under the ids that they have in their store."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from django.db import transaction
from django.utils import timezone

from customers import customer_count, services
from customers.core.ids import never_assign_up_to
from customers.mirror.models import MirroredCustomer, MirroredStore
from customers.mirror.payload import CustomerFields, RemoteCustomer
from customers.mirror.plan import (
    Action,
    Conflict,
    ConflictReason,
    Create,
    Erase,
    FreeEmail,
    Keep,
    SkipStaff,
    Snapshot,
    Update,
    make_plan,
)
from customers.models import Address, User
from customers.privacy import erasure
from oauth.actor import SYSTEM
from oauth.clock import database_now

# Local ids start at the next multiple of this, so that they never meet those that the store gives out later.
ID_RANGE = 10**9

ActionType = TypeVar("ActionType", bound=Action)


@dataclass(slots=True)
class SyncResult:
    """Ids of customers by outcome. A customer in none of them is unchanged. `dropped`: paths of values that were not
    kept, by id."""

    created: set[int] = field(default_factory=set)
    updated: set[int] = field(default_factory=set)
    outdated: set[int] = field(default_factory=set)
    staff: set[int] = field(default_factory=set)
    conflicts: dict[int, ConflictReason] = field(default_factory=dict)
    dropped: dict[int, tuple[str, ...]] = field(default_factory=dict)


@transaction.atomic
def sync(store: MirroredStore, customers: Iterable[RemoteCustomer], *, as_of: datetime) -> SyncResult:
    """Keeps the state that the customers had in the store at `as_of` or later.

    The number of queries does not depend on the number of customers. Raises IntegrityError if another writer takes an
    email or an id at the same moment.
    """
    by_id = {customer.id: customer for customer in customers}
    local = read_snapshot(store, [customer for customer in by_id.values() if not customer.is_staff])
    result = carry_out(store, make_plan(by_id.values(), local, as_of=as_of), as_of=as_of)
    result.dropped = {customer.id: customer.dropped for customer in by_id.values() if customer.dropped}
    return result


def read_snapshot(store: MirroredStore, customers: Collection[RemoteCustomer]) -> Snapshot:
    """The local rows that matter to these customers. Locks their sync states until the transaction ends."""
    ids = sorted(customer.id for customer in customers)
    address_ids = [address.id for customer in customers for address in customer.addresses or ()]
    keys = {customer.email_key for customer in customers if customer.email_key}
    mirrored = lock_states(store, ids)
    email_owners = dict(User.objects.filter(email_key__in=keys).values_list("email_key", "pk"))
    synced = {id for id, state in mirrored.items() if state.store_id == store.pk and state.synced_as_of}
    further = [owner for owner in email_owners.values() if owner not in mirrored]
    synced |= set(MirroredCustomer.objects.synced().filter(pk__in=further, store=store).values_list("pk", flat=True))
    return Snapshot(
        store_id=store.pk,
        mirrored=mirrored,
        users=User.objects.in_bulk(ids),
        address_owners=dict(Address.objects.filter(pk__in=address_ids).values_list("pk", "user_id")),
        email_owners=email_owners,
        synced=synced,
    )


def lock_states(store: MirroredStore, ids: Iterable[int]) -> dict[int, MirroredCustomer]:
    """The sync state of each customer, created if it is missing. The rows are locked."""
    ids = sorted(ids)
    _insert_states(store, ids)
    locked = MirroredCustomer.objects.select_for_update().filter(pk__in=ids).order_by("pk")
    return {mirrored.pk: mirrored for mirrored in locked}


def carry_out(store: MirroredStore, actions: Iterable[Action], *, as_of: datetime) -> SyncResult:
    """`as_of`: when the customers were requested from the store."""
    actions = list(actions)
    created = [action.customer for action in _only(actions, Create)]
    updated = [action.customer for action in _only(actions, Update)]
    result = SyncResult(
        outdated={action.customer_id for action in _only(actions, Keep)},
        staff={action.customer_id for action in _only(actions, SkipStaff)},
        conflicts={action.customer_id: action.reason for action in _only(actions, Conflict)},
    )
    _free_emails(store, _only(actions, FreeEmail))
    result.updated = {action.customer_id for action in _only(actions, Erase)}
    for customer_id in result.updated:
        erasure.erase(customer_id, by=SYSTEM)
    result.created = _create(created)
    result.updated |= _update(updated)
    written = {customer.id: customer for customer in [*created, *updated]}
    states = MirroredCustomer.objects.filter(store=store)
    states.filter(pk__in=written).update(synced_as_of=as_of)
    states.filter(pk__in=[id for id, customer in written.items() if customer.is_erased]).update(is_erased=True)
    states.filter(pk__in=result.conflicts, synced_as_of=None, is_erased=False).delete()
    return result


def mark_stale(store: MirroredStore, ids: Collection[int], *, refetch_orders: bool = False) -> None:
    """The worker is to read these customers from the store."""
    now = database_now()
    _insert_states(store, sorted(ids))
    values: dict[str, Any] = {"stale_since": now, "refresh_due_at": now, "failures": 0}
    if refetch_orders:
        values["refetch_orders"] = True
    MirroredCustomer.objects.filter(pk__in=ids, store=store).update(**values)


def _insert_states(store: MirroredStore, ids: Iterable[int]) -> None:
    states = [MirroredCustomer(customer_id=id, store=store) for id in ids]
    MirroredCustomer.objects.bulk_create(states, ignore_conflicts=True)


def _only(actions: Iterable[Action], kind: type[ActionType]) -> list[ActionType]:
    return [action for action in actions if isinstance(action, kind)]


def _free_emails(store: MirroredStore, actions: Iterable[FreeEmail]) -> None:
    emails = {action.customer_id: action.email for action in actions if action.refresh}

    def values(user: User) -> dict[str, Any]:
        # The user is locked only now: another event may have given them another email meanwhile.
        return {"email": None} if user.email_key == emails[user.pk] else {}

    # An Update of the same plan gives these their new email.
    people = list(User.objects.filter(pk__in=[action.customer_id for action in actions if not action.refresh]))
    for user in people:
        user.email = None
    User.objects.bulk_update(people, ["email"])
    services.change_users(emails, by=SYSTEM, values=values)
    if store.has_token:
        mark_stale(store, emails)


def _create(customers: Collection[RemoteCustomer]) -> set[int]:
    ids = {customer.id for customer in customers}
    if ids:
        now = timezone.now()
        users = [
            User(pk=each.id, is_active=not each.is_erased, erased_at=now if each.is_erased else None, **each.fields)
            for each in customers
        ]
        addresses = _addresses(customers)
        services.add_users(users, addresses, by=SYSTEM)
        customer_count.record_added(users)
        _reserve_id_range(User, ids)
        _reserve_id_range(Address, {address.pk for address in addresses})
    return ids


def _update(customers: Collection[RemoteCustomer]) -> set[int]:
    """Returns the ids of changed customers."""
    fields = {customer.id: customer.fields for customer in customers}

    def values(user: User) -> CustomerFields:
        new = fields[user.pk]
        if new.get("date_joined", user.date_joined) != user.date_joined:
            customer_count.record_moved(user, new["date_joined"])
        return new

    changed = services.change_users(fields, by=SYSTEM, values=values)
    former = list(Address.objects.filter(user__in=[each.id for each in customers if each.addresses is not None]))
    latter = _addresses(customers, former)
    changed |= services.replace_addresses(former, latter, by=SYSTEM)
    _reserve_id_range(Address, {address.pk for address in latter} - {address.pk for address in former})
    return changed


def _addresses(customers: Iterable[RemoteCustomer], former: Iterable[Address] = ()) -> list[Address]:
    """What the addresses are to be. A field that is absent keeps its value in `former`."""
    names = [column.attname for column in Address._meta.concrete_fields if column.name not in services.TIMESTAMP_FIELDS]
    values: Mapping[int, dict[str, Any]] = {
        address.pk: {name: getattr(address, name) for name in names} for address in former
    }
    return [
        Address(**{**values.get(each.id, {}), **each.fields, "pk": each.id, "user_id": customer.id})
        for customer in customers
        for each in customer.addresses or ()
    ]


def _reserve_id_range(model: Any, ids: Collection[int]) -> None:
    """After an insert of these ids of the store: lets the local ids start where the store won't come for long."""
    if not ids:
        return
    never_assign_up_to(model, (max(ids) // ID_RANGE + 1) * ID_RANGE)
