"""How an export is made: each step writes one part. All parts in a row are the file that is downloaded.

`total` and `position` count customers; `cursor` is the id of the last one.
"""

import io
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Self
from uuid import uuid4

from django.core.files.base import ContentFile
from django.db import transaction
from django.utils import timezone

from customers.core.postgres import custom_plan
from customers.filters import filter_customers
from customers.jobs import runner
from customers.jobs.exports import query
from customers.jobs.exports.formats import BYTE_ORDER_MARK, FORMATS
from customers.jobs.models import Job, JobFile
from customers.jobs.registry import JobType, Options, Steps
from customers.querysets import UserQuerySet
from customers.webhooks import outbox

FOLDER = "exports"  # within the folder of all job files
PART_SIZE = 2_000  # customers: on SQLite other writers wait for one part


@dataclass(frozen=True, kw_only=True)
class ExportOptions(Options):
    """`filters` chooses the customers (see `customers.filters`); it may name a person. `metadata_keys` are those that
    get a column. `origin` is the scheme and host at which the export was requested. `date_from` and `date_to` are ISO
    8601, or empty for an export of the dashboard. `excel`: CSV begins with a byte order mark."""

    filters: Mapping[str, Any]
    metadata_keys: list[str]
    origin: str
    format: str = ""
    excel: bool = False
    date_from: str = ""
    date_to: str = ""

    def without_personal_data(self) -> Self:
        return replace(self, filters={})


class Export(JobType[ExportOptions]):
    key, label, options_type = "export", "Export", ExportOptions
    permission = "customers.export_customer"
    runs_in_worker = True

    def steps(self, job: Job) -> Steps:
        options = self.options_of(job)
        customers = filter_customers(query.exportable_customers(), options.filters)
        while True:
            cursor = job.cursor
            yield partial(_write_part, customers, options)
            if job.cursor == cursor:
                return

    def on_finish(self, job: Job) -> None:
        outbox.enqueue_export(job.pk, job.app_id)

    def outcome(self, job: Job) -> list[tuple[int, str]]:
        return [(job.position, "exported")]


EXPORT = Export()


def _write_part(customers: UserQuerySet, options: ExportOptions, job: Job) -> None:
    with custom_plan():
        batch = query.batch(customers, after=job.cursor, size=PART_SIZE)
    if not batch and job.cursor:
        return
    text = io.StringIO()
    if options.excel and options.format == "csv" and not job.cursor:
        text.write(BYTE_ORDER_MARK)
    write, batches = FORMATS[options.format].write, [batch] if batch else []
    write(batches, text, with_header=not job.cursor, metadata_keys=options.metadata_keys)
    name = f"{FOLDER}/{job.pk}-{uuid4().hex}"  # never the name of another part
    JobFile.objects.create(job=job, file=ContentFile(text.getvalue().encode(), name=name))
    if batch:
        job.cursor, job.position = batch.ids[-1], job.position + len(batch.ids)


@transaction.atomic
def delete_all() -> None:
    """Deletes all export files, and restarts exports in progress, which would otherwise miss rows."""
    # This waits for a step that is running, and makes the next one wait.
    Job.objects.filter(kind=EXPORT.key, finished_at=None).update(cursor=0, position=0)
    runner.delete_files(JobFile.objects.filter(job__kind=EXPORT.key))
    delete_strays(timezone.now())


def delete_strays(before: datetime) -> None:
    """Deletes stored parts from before that time which belong to no job, because their step was killed."""
    storage, folder = JobFile.file.field.storage, f"{JobFile.file.field.upload_to}{FOLDER}/"
    try:
        _, names = storage.listdir(folder)
    except FileNotFoundError:
        return
    known = set(JobFile.objects.filter(file__startswith=folder).values_list("file", flat=True))
    for name in {folder + name for name in names} - known:
        with suppress(FileNotFoundError):  # another process has deleted it
            if storage.get_modified_time(name) < before:
                transaction.on_commit(partial(storage.delete, name))
