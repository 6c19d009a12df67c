"""The list of tags: a tag is added, renamed, merged into another one, or deleted, for all people who have it."""

from dataclasses import dataclass
from typing import Any

from django.db import transaction

from customers import insertion, validation
from customers.jobs import runner
from customers.jobs.bulk_edits import BulkEditOptions, FieldEdit
from customers.jobs.models import Job
from customers.jobs.registry import number_of_customers
from customers.models import Tag, User
from customers.querysets import UserQuerySet
from oauth.errors import ServiceError
from oauth.text import check_not_blank, fold


@dataclass(frozen=True, kw_only=True)
class TagEditOptions(BulkEditOptions):
    """`into`: what replaces the tag; empty: nothing."""

    tag: str
    into: str = ""


class TagEdit(FieldEdit[TagEditOptions]):
    """The worker runs it to its end, also where nobody keeps its page open."""

    options_type = TagEditOptions
    runs_in_worker = True

    def people(self) -> UserQuerySet:
        return User.objects.all()  # a member of staff who was a customer has tags, too

    def changes(self, user: User, options: TagEditOptions) -> dict[str, Any]:
        tags = [options.into if tag == options.tag else tag for tag in user.tags]
        return {"tags": list(dict.fromkeys(filter(None, tags)))}

    def on_finish(self, job: Job) -> None:
        options = self.options_of(job)
        if options.into:
            insertion.remember_tags([options.into])
        if not User.objects.with_tag(options.tag).exists():  # somebody may have given it to a customer meanwhile
            Tag.objects.filter(name=options.tag).delete()

    def title(self, job: Job) -> str:
        options = self.options_of(job)
        into = f" into {options.into}" if options.into else ""
        return f"{self.label} {options.tag}{into}: {number_of_customers(job.total)}"


class RenameTag(TagEdit):
    key, label = "rename_tag", "Rename tag"

    def title(self, job: Job) -> str:
        options = self.options_of(job)
        return f"{self.label} {options.tag} to {options.into}: {number_of_customers(job.total)}"


class MergeTag(TagEdit):
    key, label = "merge_tag", "Merge tag"


class DeleteTag(TagEdit):
    key, label = "delete_tag", "Delete tag"


RENAME, MERGE, DELETE = TYPES = (RenameTag(), MergeTag(), DeleteTag())


class TagExists(ServiceError):
    code = "unique"

    def __init__(self, name: str):
        super().__init__(f"There is a tag with this name already: {name}.", "name")


@transaction.atomic
def add_tag(name: str) -> Tag:
    """A tag that no customer has yet. Raises TagExists, also for another case or spelling; ServiceError("name")."""
    name = _clean_name(name)
    if twin := _twin_of(name):
        raise TagExists(twin)
    insertion.remember_tags([name])
    return Tag.objects.get(name=name)


def prepare_rename(tag: str, name: str, *, by: User) -> Job | None:
    """A job that waits to be started. It merges the tags if there is another one of the new name, whatever its case.

    None if the tag has that name already. Raises ServiceError("name").
    """
    name = _clean_name(name)
    if name == tag:
        return None
    twin = _twin_of(name, but=tag)
    return _create(MERGE if twin else RENAME, tag, twin or name, by=by)


def prepare_delete(tag: str, *, by: User) -> Job:
    return _create(DELETE, tag, "", by=by)


def _create(job_type: TagEdit, tag: str, into: str, *, by: User) -> Job:
    total = job_type.people().with_tag(tag).count()
    options = TagEditOptions(filters={"tag": tag}, tag=tag, into=into)
    return runner.create(job_type, options, started_by=by, total=total)


def _clean_name(name: str) -> str:
    check_not_blank(name, "name")
    try:
        return validation.clean_tags([name])[0]
    except ServiceError as error:
        raise ServiceError(error.message, "name") from None


def _twin_of(name: str, *, but: str = "") -> str | None:
    """A tag that people would take for the same one. A tag of exactly this name comes first."""
    twins = Tag.objects.filter(search_name=fold(name)).exclude(name=but).order_by("name").values_list("name", flat=True)
    return name if name in twins else next(iter(twins), None)
