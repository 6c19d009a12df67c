"""The part of the worker that runs jobs, such as exports.

Any number of workers may run: one of them runs each step. A worker that dies leaves its step undone.
"""

import logging
from functools import partial
from threading import Event

from django.db import connection
from django.db.models import Q, QuerySet

from customers.core.polling import poll
from customers.jobs import registry, runner
from customers.jobs.models import Job
from oauth.clock import database_now

POLL = 1.0  # seconds to wait while no job is due
TURN_SECONDS = 5.0  # for one job while others wait
MAX_JOBS = 100  # that take turns
SQLITE_PAUSE = 0.1  # seconds between two steps, so that other writers, which poll for the lock, get it

logger = logging.getLogger(__name__)


def run(stop: Event, *, until_empty: bool = False) -> None:
    """Runs jobs until `stop` is set; with `until_empty`, until no job is due."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA mmap_size=0")  # otherwise reading a whole table counts as memory of this process
    poll(partial(run_due, stop), stop, interval=POLL, until_empty=until_empty)


def run_due(stop: Event) -> bool:
    """Runs each job that is due for some seconds, the oldest first. Returns whether there was one."""
    found = list(due()[:MAX_JOBS])
    for job in found:
        if not stop.is_set():
            run_one(job, stop)
    return bool(found)


def due() -> QuerySet[Job]:
    now = database_now()
    kinds = [each.key for each in registry.all_types() if each.runs_in_worker]
    started = Job.objects.filter(kind__in=kinds, finished_at=None, failures__lt=runner.MAX_FAILURES)
    return started.filter(Q(due_at=None) | Q(due_at__lte=now)).exclude(started_at=None).order_by("pk")


def run_one(job: Job, stop: Event) -> None:
    """A failure is recorded in the job, and the job is tried again later. Raises database errors of that recording."""
    pause = SQLITE_PAUSE if connection.vendor == "sqlite" else 0
    try:
        runner.run_for(job, seconds=TURN_SECONDS, should_stop=lambda: stop.wait(pause))
    except Job.DoesNotExist:
        logger.info("%s was deleted while it ran.", job)
    except Exception as error:
        logger.exception("%s failed.", job)
        runner.schedule_retry(job, error)
