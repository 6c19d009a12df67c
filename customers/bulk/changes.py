"""The same change to many customers.

A job's options: `criteria` (see `criteria.narrowed`), and of tags `words`. `total` and `position` are customers, `last`
is the id of the last one.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from customers import rules, services
from customers.bulk import jobs
from customers.bulk.models import Job
from customers.criteria import narrowed
from customers.models import Customer, User, UserQuerySet
from customers.services import Actor
from customers.storage import planned_for_its_values

CHUNK = 500  # customers


def _with_words(user: User, words: list[str]) -> list[str]:
    return rules.clean_tags([*user.tags, *words])


def _without_words(user: User, words: list[str]) -> list[str]:
    return [tag for tag in user.tags if tag not in words]


# What becomes of a person, by the job's options.
VALUES: Mapping[Job.Kind, Callable[[User, Mapping[str, Any]], dict[str, Any]]] = {
    Job.Kind.TAG: lambda user, options: {"tags": _with_words(user, options["words"])},
    Job.Kind.UNTAG: lambda user, options: {"tags": _without_words(user, options["words"])},
    Job.Kind.BLOCK: lambda user, options: {"is_blocked": True},
    Job.Kind.UNBLOCK: lambda user, options: {"is_blocked": False},
}


def prepare(kind: Job.Kind, criteria: Mapping[str, Any], *, by: User) -> Job:
    total = narrowed(Customer.objects.all(), criteria).count()
    return jobs.prepare(kind, by=by, total=total, options={"criteria": criteria})


def steps(job: Job) -> jobs.Steps:
    people = narrowed(Customer.objects.all(), job.options["criteria"])
    while True:
        last = job.last
        yield partial(_change_some, people)
        if job.last == last:
            return


def _change_some(people: UserQuerySet, job: Job) -> None:
    with planned_for_its_values():
        ids = list(people.filter(pk__gt=job.last).order_by("pk").values_list("pk", flat=True)[:CHUNK])
    if not ids:
        return
    values = VALUES[Job.Kind(job.kind)]
    job.updated += len(
        services.change_users(ids, by=Actor(user_id=job.by_id), values=lambda user: values(user, job.options))
    )
    job.last, job.position = ids[-1], job.position + len(ids)
