"""Customers written to files: the parts of an export, which one after another are what is downloaded.

A job's options: `criteria` (see `filters`), `format` (see `formats.FORMATS`), `keys` (of metadata, to be
columns), `origin` (the scheme and host that it was asked for at), and where they were given `date_from` and `date_to`.
`total` and `position` are customers, `cursor` is the id of the last one.
"""

import io
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any
from uuid import uuid4

from django.core.files.base import ContentFile
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from customers.core.postgres import custom_plan
from customers.filters import filter_customers
from customers.jobs import runner
from customers.jobs.exports import formats
from customers.jobs.models import Job, JobFile
from customers.metadata.services import exported_keys
from customers.models import User
from customers.querysets import UserQuerySet
from customers.webhooks import outbox
from oauth.actor import Actor
from oauth.errors import ServiceError
from oauth.models import App

FOLDER = "exports"  # of the parts, below that of all jobs' files
PART = 2_000  # customers: other writers wait for no longer on SQLite


def prepare(criteria: Mapping[str, Any], *, by: User, origin: str = "") -> Job:
    """One that waits to be started with a format."""
    return _prepare(criteria, {"origin": origin}, started_by=by)


@transaction.atomic
def ask(criteria: Mapping[str, Any], *, date_from: datetime, date_to: datetime, by: Actor, origin: str) -> Job:
    """One in CSV that a worker makes: of customers who joined between two moments, both included.

    Raises ServiceError.
    """
    if date_to < date_from:
        raise ServiceError("This is before date_from.", "date_to")
    since, until = date_from.isoformat(), date_to.isoformat()  # to the microsecond, which Django's JSON leaves out
    return _prepare(
        {**criteria, "joined_since": since, "joined_until": until},
        {"origin": origin, "format": "csv", "date_from": since, "date_to": until},
        started_by_id=by.user_id,
        app_id=by.app_id,
        started_at=timezone.now(),
    )


def _prepare(criteria: Mapping[str, Any], options: Mapping[str, Any], **fields: Any) -> Job:
    options = {"criteria": criteria, "keys": exported_keys(), **options}
    total = filter_customers(formats.everybody(), criteria).count()
    return runner.prepare(Job.Kind.EXPORT, total=total, options=options, **fields)


def asked_for() -> QuerySet[Job]:
    """Exports that are made, or whose file is kept."""
    has_file = Exists(JobFile.objects.filter(job=OuterRef("pk")))
    return Job.objects.filter(Q(finished_at=None) | has_file, kind=Job.Kind.EXPORT).exclude(started_at=None)


def visible_to(app_id: int) -> QuerySet[Job]:
    return asked_for().filter(App.visible_to(app_id))


def steps(job: Job) -> runner.Steps:
    people = filter_customers(formats.everybody(), job.options["criteria"])
    while True:
        last = job.cursor
        yield partial(_write_part, people)
        if job.cursor == last:
            return


def _write_part(people: UserQuerySet, job: Job) -> None:
    with custom_plan():
        rows = list(formats.rows(people, after=job.cursor, limit=PART))
    if not rows and job.cursor:
        return
    text = io.StringIO()
    formats.FORMATS[job.options["format"]](rows, text, is_first=not job.cursor, keys=job.options["keys"])
    name = f"{FOLDER}/{job.pk}-{uuid4().hex}"  # which no other part ever has
    JobFile.objects.create(job=job, file=ContentFile(text.getvalue().encode(), name=name))
    if rows:
        job.cursor, job.position = rows[-1]["id"], job.position + len(rows)


def announce(job: Job) -> None:
    """It is ready."""
    outbox.enqueue_export(job.pk, job.app_id)


@transaction.atomic
def forget_files() -> None:
    """Of all exports. Those that are being made begin anew, lest they lack a part."""
    # Which waits for a step that is being done, and makes the next one wait.
    Job.objects.filter(kind=Job.Kind.EXPORT, finished_at=None).update(cursor=0, position=0)
    runner.delete_files(JobFile.objects.filter(job__kind=Job.Kind.EXPORT))
    forget_strays(timezone.now())


def forget_strays(before: datetime) -> None:
    """Deletes parts that were written before then and that no job has: their step was killed."""
    storage, folder = JobFile.file.field.storage, f"{JobFile.file.field.upload_to}{FOLDER}/"
    try:
        _, names = storage.listdir(folder)
    except FileNotFoundError:
        return
    known = set(JobFile.objects.filter(file__startswith=folder).values_list("file", flat=True))
    for name in {folder + name for name in names} - known:
        with suppress(FileNotFoundError):  # another one deletes it
            if storage.get_modified_time(name) < before:
                transaction.on_commit(partial(storage.delete, name))
