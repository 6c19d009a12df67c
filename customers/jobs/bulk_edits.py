"""The same change to many customers.

A job's options: `criteria` (see `filters`), and of tags `words`. `total` and `position` are customers, `cursor`
is the id of the last one.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from customers import services, validation
from customers.core.postgres import custom_plan
from customers.filters import filter_customers
from customers.jobs import runner
from customers.jobs.models import Job
from customers.models import Customer, User
from customers.querysets import UserQuerySet
from oauth.actor import Actor

CHUNK = 500  # customers


def _with_words(user: User, words: list[str]) -> list[str]:
    return validation.clean_tags([*user.tags, *words])


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
    total = filter_customers(Customer.objects.all(), criteria).count()
    return runner.prepare(kind, started_by=by, total=total, options={"criteria": criteria})


def steps(job: Job) -> runner.Steps:
    people = filter_customers(Customer.objects.all(), job.options["criteria"])
    while True:
        last = job.cursor
        yield partial(_change_some, people)
        if job.cursor == last:
            return


def _change_some(people: UserQuerySet, job: Job) -> None:
    with custom_plan():
        ids = list(people.filter(pk__gt=job.cursor).order_by("pk").values_list("pk", flat=True)[:CHUNK])
    if not ids:
        return
    values = VALUES[Job.Kind(job.kind)]
    job.updated += len(
        services.change_users(ids, by=Actor(user_id=job.started_by_id), values=lambda user: values(user, job.options))
    )
    job.cursor, job.position = ids[-1], job.position + len(ids)
