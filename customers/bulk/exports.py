"""Customers written to files: the parts of an export, which one after another are what is downloaded.

A job's options: `criteria` (see `criteria.narrowed`), `format` (see `writing.FORMATS`), and `keys` (of metadata, to be
columns). `total` and `position` are customers, `last` is the id of the last one.
"""

import io
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from django.core.files.base import ContentFile

from customers.bulk import jobs, writing
from customers.bulk.models import Job, JobFile
from customers.criteria import narrowed
from customers.definitions.services import exported_keys
from customers.models import User, UserQuerySet
from customers.rules import CustomerError
from customers.storage import planned_for_its_values

PART = 5_000  # customers
READ_SIZE = 64 * 1024  # bytes


def prepare(criteria: Mapping[str, Any], *, by: User) -> Job:
    options = {"criteria": criteria, "keys": exported_keys()}
    total = narrowed(writing.everybody(), criteria).count()
    return jobs.prepare(Job.Kind.EXPORT, by=by, total=total, options=options)


def steps(job: Job) -> jobs.Steps:
    people = narrowed(writing.everybody(), job.options["criteria"])
    while True:
        last = job.last
        yield partial(_write_part, people)
        if job.last == last:
            return


def _write_part(people: UserQuerySet, job: Job) -> None:
    with planned_for_its_values():
        rows = list(writing.rows(people, after=job.last, limit=PART))
    if not rows and job.last:
        return
    text = io.StringIO()
    writing.FORMATS[job.options["format"]](rows, text, is_first=not job.last, keys=job.options["keys"])
    JobFile.objects.create(job=job, file=ContentFile(text.getvalue().encode(), name=f"export-{job.pk}"))
    if rows:
        job.last, job.position = rows[-1]["id"], job.position + len(rows)


def content(job: Job) -> Iterator[bytes]:
    """Of all parts. Raises CustomerError where they are not kept any more."""
    stored = [each.file for each in job.files.order_by("pk")]
    if not stored or not all(each.storage.exists(str(each)) for each in stored):
        raise CustomerError("The file is not kept any more. Export again.")
    return _chunks(stored)


def _chunks(stored) -> Iterator[bytes]:
    for each in stored:
        with each.open("rb") as part:
            yield from part.chunks(READ_SIZE)
