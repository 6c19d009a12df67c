"""Decides what a set of remote customers changes here. Nothing in this module touches the database.

Two rules decide everything. A customer who is not mirrored from the store is never changed: whatever collides with
them is a conflict. Of two states of a mirrored customer, the one that was requested from the store later wins.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from customers.mirror.models import MirroredCustomer
from customers.mirror.payload import RemoteCustomer
from customers.models import User, UserType
from oauth.email_addresses import email_key


class ConflictReason(StrEnum):
    ID_TAKEN = "another customer here has this id"
    STAFF = "a staff account here has this id"
    OTHER_STORE = "a customer of another mirrored store has this id"
    EMAIL_TAKEN = "another customer here has this email"
    ADDRESS_TAKEN = "the address of another customer here has this id"


@dataclass(frozen=True, slots=True)
class Create:
    """Insert the customer and their addresses."""

    customer: RemoteCustomer


@dataclass(frozen=True, slots=True)
class Update:
    """Save the fields and addresses that differ."""

    customer: RemoteCustomer


@dataclass(frozen=True, slots=True)
class Erase:
    """Erase the local customer's personal data, if there is a local customer. It is final."""

    customer_id: int


@dataclass(frozen=True, slots=True)
class FreeEmail:
    """Take the email from a mirrored customer, since the store gave it to another one.

    `refresh`: no Update of the same plan says which email they have now, so they must be read from the store.
    """

    customer_id: int
    email: str
    refresh: bool


@dataclass(frozen=True, slots=True)
class Keep:
    """Change nothing: the local state is newer."""

    customer_id: int


@dataclass(frozen=True, slots=True)
class SkipStaff:
    """Change nothing: a staff account of the store is not mirrored."""

    customer_id: int


@dataclass(frozen=True, slots=True)
class Conflict:
    """Change nothing: the store's customer collides with somebody who must not be changed."""

    customer_id: int
    reason: ConflictReason


Action = Create | Update | Erase | FreeEmail | Keep | SkipStaff | Conflict


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The local rows that matter to some remote customers. `mirrored` has an entry for each of them.

    `email_owners`: ids by the key of an email. `synced`: ids of customers with data from this store.
    """

    store_id: int
    mirrored: Mapping[int, MirroredCustomer]
    users: Mapping[int, User]
    address_owners: Mapping[int, int]
    email_owners: Mapping[str, int]
    synced: Collection[int]


def make_plan(customers: Iterable[RemoteCustomer], local: Snapshot, *, as_of: datetime) -> list[Action]:
    """What to do about each customer, who are as they were at `as_of` or later."""
    actions: list[Action] = []
    candidates: list[RemoteCustomer] = []
    for customer in customers:
        if customer.is_staff:
            actions.append(SkipStaff(customer.id))
        elif reason := _id_conflict(customer, local):
            actions.append(Conflict(customer.id, reason))
        elif _is_outdated(customer, local, as_of):
            actions.append(Keep(customer.id))
        elif reason := _address_conflict(customer, local):
            actions.append(Conflict(customer.id, reason))
        else:
            candidates.append(customer)
    wanted = _wanted_emails(candidates, local)
    accepted = {each.id: each for each in candidates if not each.email or wanted.get(each.email_key) == each.id}
    actions += [Conflict(each.id, ConflictReason.EMAIL_TAKEN) for each in candidates if each.id not in accepted]
    for email, customer_id in wanted.items():
        owner = local.email_owners.get(email, customer_id)
        if owner != customer_id:
            has_new_email = owner in accepted and "email" in accepted[owner].fields
            actions.append(FreeEmail(owner, email, refresh=not has_new_email))
    for customer in accepted.values():
        actions += _write(customer, local)
    return actions


def plan_erasure(customer_id: int, store_id: int, mirrored: MirroredCustomer, user: User | None) -> Action:
    """What an event does that says that the store has erased a customer."""
    if mirrored.store_id != store_id:
        return Conflict(customer_id, ConflictReason.OTHER_STORE)
    if mirrored.is_erased:
        return Keep(customer_id)
    if user and mirrored.synced_as_of is None:
        return Conflict(customer_id, ConflictReason.ID_TAKEN)
    return Erase(customer_id)


def _id_conflict(customer: RemoteCustomer, local: Snapshot) -> ConflictReason | None:
    mirrored, user = local.mirrored[customer.id], local.users.get(customer.id)
    if mirrored.store_id != local.store_id:
        return ConflictReason.OTHER_STORE
    if user is None:
        return None
    if user.user_type == UserType.DASHBOARD or user.is_superuser:
        return ConflictReason.STAFF
    if mirrored.synced_as_of or mirrored.is_erased:
        return None
    # Not mirrored yet, but the same person: this database was restored from a dump of the store.
    is_same = email_key(user.email or "") == customer.email_key and user.date_joined == customer.fields.get(
        "date_joined"
    )
    return None if is_same else ConflictReason.ID_TAKEN


def _address_conflict(customer: RemoteCustomer, local: Snapshot) -> ConflictReason | None:
    is_taken = any(local.address_owners.get(each.id, customer.id) != customer.id for each in customer.addresses or ())
    return ConflictReason.ADDRESS_TAKEN if is_taken else None


def _is_outdated(customer: RemoteCustomer, local: Snapshot, as_of: datetime) -> bool:
    mirrored = local.mirrored[customer.id]
    if mirrored.is_erased and customer.id not in local.users and not customer.is_erased:
        return True  # they were erased before they came here
    return mirrored.synced_as_of is not None and mirrored.synced_as_of > as_of


def _wanted_emails(candidates: Iterable[RemoteCustomer], local: Snapshot) -> dict[str, int]:
    """Who may have which email, by its key: the first customer that asks for it, unless it belongs to somebody who
    is not mirrored from this store."""
    wanted: dict[str, int] = {}
    for customer in candidates:
        key = customer.email_key
        owner = local.email_owners.get(key, customer.id)
        if key and (owner == customer.id or owner in local.synced):
            wanted.setdefault(key, customer.id)
    return wanted


def _write(customer: RemoteCustomer, local: Snapshot) -> list[Action]:
    user = local.users.get(customer.id)
    if user is None:
        return [Create(customer)]
    if not (customer.is_erased or local.mirrored[customer.id].is_erased):
        return [Update(customer)]
    update: list[Action] = [Update(customer.without_personal_data())]
    return [Erase(customer.id), *update] if customer.is_erased and user.email else update
