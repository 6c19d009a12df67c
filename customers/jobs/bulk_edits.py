"""The same change to many customers. `total` and `position` count customers; `cursor` is the id of the last one."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Self, TypeVar

from django.utils.dateparse import parse_datetime

from customers import services
from customers.core.postgres import custom_plan
from customers.filters import filter_customers
from customers.groups import services as groups
from customers.groups.models import CustomerGroup
from customers.jobs import runner
from customers.jobs.models import Job
from customers.jobs.registry import JobType, Options, Steps, number_of_customers
from customers.limits import MAX_TAGS
from customers.models import Customer, User
from customers.querysets import UserQuerySet
from oauth.actor import Actor

CHUNK = 500  # customers


@dataclass(frozen=True, kw_only=True)
class BulkEditOptions(Options):
    """`filters` chooses the customers (see `customers.filters`). It may name a person."""

    filters: Mapping[str, Any]

    def without_personal_data(self) -> Self:
        return replace(self, filters={})


@dataclass(frozen=True, kw_only=True)
class TagsOptions(BulkEditOptions):
    tags: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class GroupOptions(BulkEditOptions):
    """`group_name` is for titles: the group may have been renamed or deleted since."""

    group_id: int = 0
    group_name: str = ""


EditOptions = TypeVar("EditOptions", bound=BulkEditOptions)


class BulkEdit(JobType[EditOptions], ABC):
    permission = "customers.change_customer"

    def people(self) -> UserQuerySet:
        """The people that the filters choose from."""
        return Customer.objects.not_erased()

    @abstractmethod
    def apply(self, ids: list[int], options: EditOptions, by: Actor) -> int:
        """Changes these customers. Returns how many of them were changed."""

    def create(self, filters: Mapping[str, Any], *, by: User) -> Job:
        total = filter_customers(self.people(), filters).count()
        return runner.create(self, self.options_type(filters=filters), started_by=by, total=total)

    def steps(self, job: Job) -> Steps:
        options = self.options_of(job)
        customers = filter_customers(self.people(), options.filters)
        while True:
            cursor = job.cursor
            yield partial(self._change_chunk, customers, options)
            if job.cursor == cursor:
                return

    def _change_chunk(self, customers: UserQuerySet, options: EditOptions, job: Job) -> None:
        with custom_plan():
            ids = list(customers.filter(pk__gt=job.cursor).order_by("pk").values_list("pk", flat=True)[:CHUNK])
        if not ids:
            return
        job.updated += self.apply(ids, options, Actor(user_id=job.started_by_id))
        job.cursor, job.position = ids[-1], job.position + len(ids)

    def outcome(self, job: Job) -> list[tuple[int, str]]:
        unchanged = job.position - job.updated
        return [(job.updated, "changed"), *([(unchanged, "unchanged")] if unchanged else [])]


class FieldEdit(BulkEdit[EditOptions], ABC):
    @abstractmethod
    def changes(self, user: User, options: EditOptions) -> dict[str, Any]:
        """The new values of a customer's fields."""

    def apply(self, ids: list[int], options: EditOptions, by: Actor) -> int:
        return len(services.change_users(ids, by=by, values=lambda user: self.changes(user, options)))


class TagEdit(FieldEdit[TagsOptions]):
    options_type = TagsOptions

    def title(self, job: Job) -> str:
        tags = ", ".join(self.options_of(job).tags)
        return f"{self.label}{f' {tags}' if tags else ''}: {number_of_customers(job.total)}"


class AddTags(TagEdit):
    """A customer who would have too many tags stays as they are."""

    key, label = "tag", "Add tags"

    def changes(self, user: User, options: TagsOptions) -> dict[str, Any]:
        tags = list(dict.fromkeys([*user.tags, *options.tags]))
        return {"tags": tags} if len(tags) <= MAX_TAGS else {}


class RemoveTags(TagEdit):
    key, label = "untag", "Remove tags"

    def changes(self, user: User, options: TagsOptions) -> dict[str, Any]:
        return {"tags": [tag for tag in user.tags if tag not in options.tags]}


@dataclass(frozen=True, kw_only=True)
class BlockOptions(BulkEditOptions):
    """`blocked_until`: a time of ISO 8601, or None."""

    block_reason: str = ""
    blocked_until: str | None = None

    def without_personal_data(self) -> Self:
        return replace(super().without_personal_data(), block_reason="")


class Block(FieldEdit[BlockOptions]):
    """A customer who is blocked already stays as they are."""

    key, label, options_type = "block", "Block", BlockOptions

    def changes(self, user: User, options: BlockOptions) -> dict[str, Any]:
        if user.is_blocked:
            return {}
        until = options.blocked_until and parse_datetime(options.blocked_until)
        return {"is_blocked": True, "block_reason": options.block_reason, "blocked_until": until or None}


class Unblock(FieldEdit[BulkEditOptions]):
    key, label, options_type = "unblock", "Unblock", BulkEditOptions

    def changes(self, user: User, options: BulkEditOptions) -> dict[str, Any]:
        return {"is_blocked": False}


class GroupEdit(BulkEdit[GroupOptions]):
    options_type = GroupOptions

    def title(self, job: Job) -> str:
        name = self.options_of(job).group_name
        return f"{self.label}{f' {name}' if name else ''}: {number_of_customers(job.total)}"

    def apply(self, ids: list[int], options: GroupOptions, by: Actor) -> int:
        members = set(
            Customer.objects.filter(pk__in=ids, customer_groups=options.group_id).values_list("pk", flat=True)
        )
        try:
            return self.change_members(ids, members, options.group_id, by)
        except CustomerGroup.DoesNotExist:
            raise groups.GroupUnknown(options.group_id) from None

    @abstractmethod
    def change_members(self, ids: list[int], members: set[int], group_id: int, by: Actor) -> int:
        """`members`: those of `ids` who are in the group. Returns how many customers were changed."""


class AddToGroup(GroupEdit):
    key, label = "group", "Add to group"

    def change_members(self, ids: list[int], members: set[int], group_id: int, by: Actor) -> int:
        groups.add_customers(group_id, [id for id in ids if id not in members], by=by)
        return len(ids) - len(members)


class RemoveFromGroup(GroupEdit):
    key, label = "ungroup", "Remove from group"

    def change_members(self, ids: list[int], members: set[int], group_id: int, by: Actor) -> int:
        groups.remove_customers(group_id, members, by=by)
        return len(members)


TYPES: dict[str, BulkEdit] = {
    each.key: each for each in (AddTags(), RemoveTags(), AddToGroup(), RemoveFromGroup(), Block(), Unblock())
}
