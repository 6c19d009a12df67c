"""Goes on with exports, whoever asked for them: the API, or the dashboard, whose page goes on with them, too.

Any number of workers may run: a step is done by one of them, and one that dies leaves its step undone.
"""

import logging
from functools import partial
from threading import Event

from django.db import connection
from django.db.models import Q, QuerySet
from django.utils import timezone

from customers.core.polling import loop
from customers.jobs import registry, runner
from customers.jobs.models import Job

POLL = 1.0  # seconds between two looks where nothing was to be done
TURN = 5.0  # seconds for one export while others wait
AT_ONCE = 100  # exports that take turns
BREATH = 0.1  # seconds between two steps on SQLite, whose other writers look so often whether they may

logger = logging.getLogger(__name__)


def run(stop: Event, *, until_empty: bool = False) -> None:
    """Until `stop` is set; with `until_empty`, until nothing is due."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA mmap_size=0")  # a whole table that is read would count as memory of this process
    loop(partial(turn, stop), stop, poll=POLL, until_empty=until_empty)


def turn(stop: Event) -> bool:
    """Some work on each export that is due, the oldest first; whether there was one."""
    found = list(due()[:AT_ONCE])
    for job in found:
        if not stop.is_set():
            go_on(job, stop)
    return bool(found)


def due() -> QuerySet[Job]:
    now = timezone.now()
    started = Job.objects.filter(kind=Job.Kind.EXPORT, finished_at=None, failures__lt=runner.MAX_FAILURES)
    return started.filter(Q(due_at=None) | Q(due_at__lte=now)).exclude(started_at=None).order_by("pk")


def go_on(job: Job, stop: Event) -> None:
    """What fails is noted with the job, which is put off. Raises what the database does when that can't be noted."""
    pause = BREATH if connection.vendor == "sqlite" else 0
    try:
        registry.go_on(job, seconds=TURN, is_to_stop=lambda: stop.wait(pause))
    except Job.DoesNotExist:
        logger.info("%s was stopped.", job)
    except Exception as error:
        logger.exception("%s failed.", job)
        runner.schedule_retry(job, error)
