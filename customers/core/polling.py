"""What keeps a part of the worker going."""

import logging
from collections.abc import Callable
from threading import Event

from django.db import DatabaseError, InterfaceError, close_old_connections

logger = logging.getLogger(__name__)


def loop(turn: Callable[[], bool], stop: Event, *, poll: float, until_empty: bool = False) -> None:
    """One turn after another until `stop` is set, or with `until_empty` until one had nothing to do, which it tells by
    False; else the next one comes `poll` seconds later, as where the database did not answer."""
    while not stop.is_set():
        try:
            was_busy = turn()
        except (DatabaseError, InterfaceError):
            logger.exception("The database did not answer; trying again.")
            close_old_connections()
            stop.wait(poll)
            continue
        if not was_busy:
            if until_empty:
                return
            stop.wait(poll)
