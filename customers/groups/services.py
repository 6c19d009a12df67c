"""Every write to groups of customers. One call is one transaction, which also records the change in the timeline of
each customer whose groups change."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from customers import history, services, validation
from customers.groups.models import MAX_NAME_LENGTH, CustomerGroup
from customers.limits import MAX_GROUPS, require_room
from customers.models import Customer, Event, User
from customers.querysets import UserQuerySet
from oauth.actor import Actor
from oauth.errors import ServiceError
from oauth.text import clean_title

Membership = CustomerGroup.customers.through


class NameTaken(ServiceError):
    code = "unique"

    def __init__(self):
        super().__init__("A group with this name already exists.", "name")


class CustomersUnknown(ServiceError):
    """`ids`: those that are not the id of a customer, in the order given."""

    code = "unknown"

    def __init__(self, ids: list[int]):
        super().__init__("Some of these customers are not there.", "customers")
        self.ids = ids


class GroupUnknown(ServiceError):
    code = "unknown"

    def __init__(self, id: int):
        super().__init__("There is no such group.", "groups")
        self.id = id


def members_of(people: UserQuerySet, group_id: int | list[int]) -> UserQuerySet:
    """The filter `group`: those who are in the group, or in one of these groups."""
    if isinstance(group_id, list):
        return people.filter(pk__in=Membership.objects.filter(customergroup__in=group_id).values("user_id"))
    return people.filter(customer_groups=group_id)


@transaction.atomic
def create_group(*, name: str, metadata: dict[str, Any] | None = None) -> CustomerGroup:
    """Raises NameTaken, TooMany, ServiceError."""
    require_room(CustomerGroup.objects.all(), MAX_GROUPS, f"A store has at most {MAX_GROUPS} groups.")
    group = CustomerGroup(name=_clean_name(name), metadata=validation.clean_metadata(metadata))
    _save(group, force_insert=True)
    return group


@transaction.atomic
def update_group(
    group_id: int, *, name: str | None = None, metadata_changes: Mapping[str, Any] | None = None
) -> CustomerGroup:
    """None changes nothing; `metadata_changes` are merged as `validation.merged_metadata` does.

    Raises CustomerGroup.DoesNotExist, NameTaken, ServiceError.
    """
    group = CustomerGroup.objects.select_for_update().get(pk=group_id)
    former = (group.name, group.metadata)
    if name is not None:
        group.name = _clean_name(name)
    if metadata_changes is not None:
        group.metadata = validation.clean_metadata(validation.merged_metadata(group.metadata, metadata_changes))
    if (group.name, group.metadata) != former:
        group.updated_at = timezone.now()
        _save(group)
    return group


@transaction.atomic
def delete_group(group_id: int, *, by: Actor) -> None:
    """Its customers are kept. Does nothing if there is no such group."""
    group = CustomerGroup.objects.select_for_update().filter(pk=group_id).first()
    if group:
        with _recording_groups(_locked(group.customers.all()), by):
            group.delete()


@transaction.atomic
def add_customers(group_id: int, customer_ids: Collection[int], *, by: Actor) -> CustomerGroup:
    """Customers who are members already are ignored. Raises CustomerGroup.DoesNotExist, CustomersUnknown."""
    group = CustomerGroup.objects.select_for_update(no_key=True).get(pk=group_id)
    known = set(_locked(Customer.objects.filter(pk__in=customer_ids)))
    if unknown := [id for id in customer_ids if id not in known]:
        raise CustomersUnknown(unknown)
    with _recording_groups(known, by):
        group.customers.add(*known)
    return group


@transaction.atomic
def remove_customers(group_id: int, customer_ids: Collection[int], *, by: Actor) -> CustomerGroup:
    """Customers who are not members are ignored. Raises CustomerGroup.DoesNotExist."""
    group = CustomerGroup.objects.select_for_update(no_key=True).get(pk=group_id)
    with _recording_groups(_locked(Customer.objects.filter(pk__in=customer_ids)), by):
        group.customers.remove(*customer_ids)
    return group


def update_customer(customer_id: int, *, by: Actor, group_ids: Collection[int] | None = None, **changes: Any) -> User:
    """Calls `services.update_user`, and replaces the groups of the customer by those of `group_ids`, if given.

    Raises GroupUnknown, and what `services.update_user` raises.
    """
    if group_ids is None:
        return services.update_user(customer_id, by=by, **changes)
    with transaction.atomic():
        user = services.update_user(customer_id, by=by, **changes)
        known = set(CustomerGroup.objects.filter(pk__in=group_ids).values_list("pk", flat=True))
        for id in group_ids:
            if id not in known:
                raise GroupUnknown(id)
        with _recording_groups([customer_id], by):
            user.customer_groups.set(known)
    return user


def groups_of(customer_id: int) -> list[CustomerGroup]:
    """By name."""
    return list(CustomerGroup.objects.filter(customers=customer_id).order_by("name"))


def _locked(people: QuerySet) -> list[int]:
    """The ids of these people, who are locked in the order of their ids: a merge might delete them meanwhile."""
    return list(people.select_for_update(of=("self",)).order_by("pk").values_list("pk", flat=True))


@contextmanager
def _recording_groups(customer_ids: Collection[int], by: Actor) -> Iterator[None]:
    """Records the groups of these customers before and after the block, for each whose groups change in it."""
    ids = list(customer_ids)
    before = _names_of_groups(ids)
    yield
    after = _names_of_groups(ids)
    changed = [id for id in ids if before[id] != after[id]]
    history.record(
        (history.event(id, Event.Kind.CHANGED, by, {"groups": [before[id], after[id]]}) for id in changed),
        notify_webhooks=False,  # the Admin API, whose customers webhooks send, does not show groups
    )


def _names_of_groups(customer_ids: Collection[int]) -> dict[int, list[str]]:
    names: dict[int, list[str]] = defaultdict(list)
    rows = Membership.objects.filter(user__in=customer_ids).order_by("customergroup_id")
    for customer_id, name in rows.values_list("user_id", "customergroup__name"):
        names[customer_id].append(name)
    return names


def _clean_name(name: str) -> str:
    """As `clean_title` does. It may be empty, as in Medusa. Raises ServiceError("name")."""
    return name and clean_title(name, MAX_NAME_LENGTH, "name")


def _save(group: CustomerGroup, **options: Any) -> None:
    try:
        with transaction.atomic():
            group.save(**options)
    except IntegrityError:  # the only constraint is on the name
        raise NameTaken from None
