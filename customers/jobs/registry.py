"""What a job does, by its kind, where it works on files that the store keeps."""

import time
from collections.abc import Callable

from customers.jobs import bulk_edits, runner
from customers.jobs.exports import services as exports
from customers.jobs.imports import load as imports
from customers.jobs.models import Job

IMPORT_CHUNK = 1_000  # rows: other writers wait for no longer on SQLite


def steps_of(job: Job) -> runner.Steps:
    if job.kind == Job.Kind.IMPORT:
        with imports.stored_file(job) as file:
            yield from imports.steps(job, file, size=IMPORT_CHUNK)
    else:
        yield from exports.steps(job) if job.kind == Job.Kind.EXPORT else bulk_edits.steps(job)


def go_on(job: Job, *, seconds: float, is_to_stop: Callable[[], bool] = lambda: False) -> None:
    """Works on a job for about so long, unless somebody else does. `is_to_stop` is asked between two steps.

    Raises Job.DoesNotExist, and ServiceError where its file is gone.
    """
    end = time.monotonic() + seconds
    try:
        runner.work(
            job,
            steps_of(job),
            until=lambda: is_to_stop() or time.monotonic() >= end,
            on_finish=exports.announce if job.kind == Job.Kind.EXPORT else lambda job: None,
        )
    except runner.Busy:
        job.refresh_from_db()
