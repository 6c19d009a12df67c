"""Creates, runs and deletes jobs. A command runs a job to its end, a page or a worker for some seconds at a time."""

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from customers.core.retention import end_of
from customers.jobs import registry
from customers.jobs.models import Job, JobFile, RejectedRow
from customers.jobs.registry import JobType, Options, Steps
from oauth import replica
from oauth.clock import database_now
from oauth.errors import ServiceError

COUNTERS = ("position", "cursor", "created", "updated", "rejected", "warnings", "seconds")
# After a failed step a worker waits, each time three times as long, for about nine hours in all.
MAX_FAILURES = 9
FIRST_RETRY = timedelta(seconds=10)


class Busy(ServiceError):
    """Another process runs the job."""

    code = "busy"

    def __init__(self) -> None:
        super().__init__("Another process is working on this.")


class AlreadyStarted(ServiceError):
    code = "already_started"

    def __init__(self) -> None:
        super().__init__("This was started before.")


class FileDeleted(ServiceError):
    """The file of a job was deleted, because it was too old or because a customer was erased."""

    code = "file_deleted"


def create(job_type: JobType, options: Options, **fields: Any) -> Job:
    """A job that waits to be started. Deletes old jobs first."""
    delete_old()
    if job_type.rejected_rows_are_personal:
        old_rejected_rows().delete()
    return Job.objects.create(kind=job_type.key, options_json=options.to_json(), **fields)


@transaction.atomic
def start(job: Job, *, dry_run: bool = False, **options: Any) -> None:
    """Starts a job from the beginning. `options` replace those of the same name.

    Raises AlreadyStarted; but a finished dry run may be started again.
    """
    job.refresh_from_db(from_queryset=Job.objects.select_for_update())
    if job.started_at and not (job.dry_run and job.finished_at):
        raise AlreadyStarted
    job.rejected_rows.all().delete()
    job.dry_run_emails.all().delete()
    job.options_json = replace(job.type.options_of(job), **options).to_json()
    job.dry_run, job.started_at, job.finished_at = dry_run, timezone.now(), None
    for name in COUNTERS:
        setattr(job, name, 0)
    job.save()


def work(
    job: Job,
    steps: Steps,
    *,
    until: Callable[[], bool] = lambda: False,
    on_progress: Callable[[Job], None] = lambda job: None,
) -> None:
    """Runs one step, then further ones until none is left or `until()` is true. `on_progress` is called after each.

    Raises Busy, Job.DoesNotExist, and what a step raises: the steps before it stay done.
    """
    if job.finished_at:
        return
    began = time.monotonic()
    with closing(steps):
        for number, step in enumerate(steps):
            if number and until():
                return
            with transaction.atomic():
                _lock(job)
                step(job)
                now = time.monotonic()
                job.seconds, began = job.seconds + now - began, now
                job.failures, job.error, job.due_at = 0, "", None
                job.save(update_fields=["total", *COUNTERS, "failures", "error", "due_at"])
            if job.started_by_id:  # the dashboard shows them at once what was done
                replica.record_writes_of_person(job.started_by_id)
            on_progress(job)
    with transaction.atomic():
        _lock(job)
        job.finished_at = timezone.now()
        job.options_json = job.type.options_of(job).without_personal_data().to_json()
        job.save(update_fields=["finished_at", "options_json"])
        job.type.on_finish(job)


def run_for(job: Job, *, seconds: float, should_stop: Callable[[], bool] = lambda: False) -> None:
    """Runs a job for about that long. Does nothing where another process runs it. `should_stop` is asked between steps.

    Raises Job.DoesNotExist, and FileDeleted.
    """
    end = time.monotonic() + seconds
    try:
        work(job, job.type.steps(job), until=lambda: should_stop() or time.monotonic() >= end)
    except Busy:
        job.refresh_from_db()
    except FileDeleted:  # also by another process that has just finished the job
        job.refresh_from_db()
        if not job.finished_at:
            raise


def _lock(job: Job) -> None:
    now = Job.objects.select_for_update().values_list("position", "cursor", "finished_at").get(pk=job.pk)
    if now != (job.position, job.cursor, job.finished_at):
        raise Busy


def schedule_retry(job: Job, error: Exception) -> None:
    """Records that a worker failed to run a step."""
    due_at = database_now() + FIRST_RETRY * 3**job.failures
    text = f"{type(error).__name__}: {error}"[:255]
    Job.objects.filter(pk=job.pk).update(failures=job.failures + 1, error=text, due_at=due_at)


@transaction.atomic
def discard(job: Job) -> None:
    """Deletes a job and its files. What it has changed stays changed."""
    delete_files(job.files.all())
    job.delete()


@transaction.atomic
def forget_personal_data() -> None:
    """Deletes jobs that nobody has started, with their files and the texts they search for, and rejected rows of
    finished jobs. A job that runs keeps its own until it ends; a finished import has no file any more."""
    waiting = Job.objects.filter(Q(started_at=None) | Q(dry_run=True, finished_at__isnull=False))
    delete_files(JobFile.objects.filter(job__in=waiting))
    waiting.delete()
    _personal_rejected_rows().filter(job__finished_at__isnull=False).delete()


@transaction.atomic
def delete_files(files: Any) -> None:
    """Deletes JobFiles, and after the commit their stored files."""
    stored = [(each.file.storage, each.file.name) for each in files]
    JobFile.objects.filter(pk__in=[each.pk for each in files]).delete()
    transaction.on_commit(lambda: [storage.delete(name) for storage, name in stored] and None)


def delete_old() -> int:
    """Deletes old jobs. Files, and jobs that nobody started, have a shorter time: the parts of an export end that long
    after it finished. Returns the number of deleted jobs."""
    before = end_of("files")
    old = old_jobs()
    in_worker = [each.key for each in registry.all_types() if each.runs_in_worker]
    is_kept = Q(job__kind__in=in_worker) & (Q(job__finished_at=None) | Q(job__finished_at__gte=before))
    delete_files(JobFile.objects.filter(Q(job__in=old) | (Q(job__created_at__lt=before) & ~is_kept)))
    number = old.count()
    old.delete()
    return number


def old_jobs() -> QuerySet[Job]:
    unused = Q(started_at=None, created_at__lt=end_of("files"))
    return Job.objects.filter(unused | Q(created_at__lt=end_of("jobs")))


def old_rejected_rows() -> QuerySet[RejectedRow]:
    """Of old jobs, and those that hold personal data as long as files."""
    of_files = _personal_rejected_rows().filter(job__created_at__lt=end_of("files"))
    return of_files | RejectedRow.objects.filter(job__in=old_jobs())


def _personal_rejected_rows() -> QuerySet[RejectedRow]:
    kinds = [each.key for each in registry.all_types() if each.rejected_rows_are_personal]
    return RejectedRow.objects.filter(job__kind__in=kinds)
