import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

from django.core.management.base import BaseCommand
from django.db import connections

from customers.jobs import worker as exports
from customers.mirror.refresh_worker import RefreshWorker
from customers.webhooks.delivery.worker import Worker


class Command(BaseCommand):
    help = (
        "Make exports, refresh customers of mirrored stores, and send events to webhooks, until it is stopped. "
        "Several may run at once on PostgreSQL; one may be killed at any moment, and the next goes on with its work."
    )

    def add_arguments(self, parser):
        parser.add_argument("--until-empty", action="store_true", help="End when nothing is left to do now.")

    def handle(self, *, until_empty, **options):
        stop = Event()

        def end(*_: Any) -> None:
            stop.set()

        signal.signal(signal.SIGTERM, end)
        signal.signal(signal.SIGINT, end)
        # Webhooks last, since they are told of what the others do.
        loops: list[Callable[..., None]] = [exports.run, RefreshWorker().run, Worker().run]
        if until_empty:
            for loop in loops:
                loop(stop, until_empty=True)
            return
        with ThreadPoolExecutor(len(loops)) as pool:
            running = [pool.submit(run, loop, stop) for loop in loops]
        for each in running:
            each.result()


def run(loop: Callable[[Event], None], stop: Event) -> None:
    """In a thread, with a connection of its own. Should one fail, the whole worker ends, and is started anew."""
    try:
        loop(stop)
    finally:
        stop.set()
        connections.close_all()
