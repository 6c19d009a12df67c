"""The part of the worker that keeps the numbers of customers of segments: none is older than some minutes."""

from threading import Event

from customers.core.polling import poll
from customers.segments import services

POLL = 30.0  # seconds to wait while all numbers are new


def run(stop: Event, *, until_empty: bool = False) -> None:
    poll(services.count_next, stop, interval=POLL, until_empty=until_empty)
