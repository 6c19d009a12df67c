"""Whether workers are alive: in the database for all machines, and as a file for the supervisor of this one."""

import logging
import os
import socket
import time
import uuid
from datetime import timedelta
from pathlib import Path
from threading import Event

from django.conf import settings

from customers.core import polling
from customers.jobs.models import WorkerProcess
from oauth.clock import database_now

INTERVAL = 10.0  # seconds between two signs of life
ALIVE_FOR = timedelta(seconds=60)  # after the last one
KEPT_FOR = timedelta(days=1)  # rows of killed workers
# A part of the worker whose step takes longer is stuck. The longest steps are those of jobs, which take turns.
STUCK_AFTER = 1800.0  # seconds

logger = logging.getLogger(__name__)


def workers_alive() -> int:
    return WorkerProcess.objects.filter(seen_at__gt=database_now() - ALIVE_FOR).count()


class Heartbeat:
    def __init__(self) -> None:
        self.id = uuid.uuid4()

    def run(self, stop: Event) -> None:
        """Runs until `stop` is set."""
        polling.poll(self.beat, stop, interval=INTERVAL)
        WorkerProcess.objects.filter(pk=self.id).delete()

    def beat(self) -> bool:
        """Shows that this worker is alive, unless a part of it is stuck."""
        now = time.monotonic()
        if stuck := [name for name, began in polling.steps_began.items() if now - began > STUCK_AFTER]:
            logger.error("Parts of the worker are stuck: %s", ", ".join(sorted(stuck)))
            return False
        path: Path = settings.WORKER_ALIVE_FILE
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        seen_at = database_now()
        WorkerProcess.objects.update_or_create(
            pk=self.id,
            defaults={"seen_at": seen_at},
            create_defaults={"seen_at": seen_at, "host": socket.gethostname()[:255], "process": os.getpid()},
        )
        WorkerProcess.objects.filter(seen_at__lt=seen_at - KEPT_FOR).delete()
        return False
