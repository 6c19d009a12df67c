"""Working on jobs: in steps, by a command or by the page that shows how far one has come."""

import time
from collections.abc import Callable, Generator
from contextlib import closing
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from customers.jobs.models import Job, JobFile
from oauth.errors import ServiceError

KEPT_FOR = timedelta(days=7)  # a finished job
FILES_KEPT_FOR = timedelta(days=1)  # personal data in files, and jobs that nobody started
PROGRESS = ("total", "position", "cursor", "created", "updated", "rejected", "seconds")
# A worker that fails to do a step tries again, each time after three times as long, for about nine hours.
MAX_FAILURES = 9
RETRY = timedelta(seconds=10)

# Does the next step, in a transaction of the caller's, and sets the job's progress.
Step = Callable[[Job], None]
# The steps of a job from where it stands. It goes on only once a step was done, and may be closed before the last one.
Steps = Generator[Step, None, None]


class Busy(Exception):
    """Somebody else is working on the job."""


def work(
    job: Job,
    steps: Steps,
    *,
    until: Callable[[], bool] = lambda: False,
    on_progress: Callable[[Job], None] = lambda job: None,
    on_finish: Callable[[Job], None] = lambda job: None,
) -> None:
    """Runs one step, then further ones until none is left or `until()` is true.

    `on_progress` is called after each step, and `on_finish` in the transaction that finishes the job.

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
                job.save(update_fields=[*PROGRESS, "failures", "error", "due_at"])
            on_progress(job)
    with transaction.atomic():
        _lock(job)
        job.finished_at = timezone.now()
        job.options.pop("criteria", None)  # which may name a person
        job.save(update_fields=["finished_at", "options"])
        on_finish(job)


def prepare(kind: Job.Kind, **fields: Any) -> Job:
    """A job that waits to be started. Those that waited or were kept too long go."""
    delete_old()
    return Job.objects.create(kind=kind, **fields)


@transaction.atomic
def start(job: Job, *, dry_run: bool = False, **options: Any) -> None:
    """From the beginning, with further options. Raises ServiceError where it was started and isn't a rehearsal that is
    over."""
    job.refresh_from_db(from_queryset=Job.objects.select_for_update())
    if job.started_at and not (job.dry_run and job.finished_at):
        raise ServiceError("This was started before.")
    job.rejected_rows.all().delete()
    job.dry_run_emails.all().delete()
    job.options = {**job.options, **options}
    job.dry_run, job.started_at, job.finished_at = dry_run, timezone.now(), None
    for name in ("position", "cursor", "created", "updated", "rejected", "seconds"):
        setattr(job, name, 0)
    job.save()


def schedule_retry(job: Job, error: Exception) -> None:
    """A worker has failed to do a step."""
    due_at = timezone.now() + RETRY * 3**job.failures
    text = f"{type(error).__name__}: {error}"[:255]
    Job.objects.filter(pk=job.pk).update(failures=job.failures + 1, error=text, due_at=due_at)


@transaction.atomic
def discard(job: Job) -> None:
    """Deletes a job and its files. What it has done stays."""
    delete_files(job.files.all())
    job.delete()


@transaction.atomic
def delete_files(files: Any) -> None:
    """JobFiles and what they hold."""
    stored = [(each.file.storage, each.file.name) for each in files]
    JobFile.objects.filter(pk__in=[each.pk for each in files]).delete()
    transaction.on_commit(lambda: [storage.delete(name) for storage, name in stored] and None)


def delete_old() -> int:
    """Deletes jobs after a week, files and what nobody started after a day: of exports, once they are done. Returns how
    many jobs went."""
    now = timezone.now()
    day = now - FILES_KEPT_FOR
    old = Job.objects.filter(Q(started_at=None, created_at__lt=day) | Q(created_at__lt=now - KEPT_FOR))
    is_kept = Q(job__kind=Job.Kind.EXPORT) & (Q(job__finished_at=None) | Q(job__finished_at__gte=day))
    delete_files(JobFile.objects.filter(Q(job__in=old) | (Q(job__created_at__lt=day) & ~is_kept)))
    number = old.count()
    old.delete()
    return number


def _lock(job: Job) -> None:
    now = Job.objects.select_for_update().values_list("position", "cursor", "finished_at").get(pk=job.pk)
    if now != (job.position, job.cursor, job.finished_at):
        raise Busy
