"""The loop that drives each part of the worker."""

import logging
import time
from collections.abc import Callable
from threading import Event, current_thread

from django.db import DatabaseError, InterfaceError, close_old_connections

logger = logging.getLogger(__name__)

# When each loop of this process last began a step, by the name of its thread (`time.monotonic`).
steps_began: dict[str, float] = {}


def poll(step: Callable[[], bool], stop: Event, *, interval: float, until_empty: bool = False) -> None:
    """Runs `step` until `stop` is set. `step` returns whether there was work.

    Without work it waits for `interval` seconds, or with `until_empty` returns. It also waits, and tries again, if the
    database does not answer.
    """
    while not stop.is_set():
        steps_began[current_thread().name] = time.monotonic()
        try:
            was_busy = step()
        except (DatabaseError, InterfaceError):
            logger.exception("The database did not answer; trying again.")
            close_old_connections()
            stop.wait(interval)
            continue
        if not was_busy:
            if until_empty:
                return
            stop.wait(interval)
