import signal
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

from django.core.management.base import BaseCommand
from django.db import connections

from customers.api.webhook_data import data_of
from customers.bulk import worker as exports
from customers.webhooks.worker import Worker


class Command(BaseCommand):
    help = (
        "Make the exports that were asked for, and send events to webhooks, until it is stopped. Several may run at "
        "once on PostgreSQL; it may be killed at any moment, and what it was about is done by the next one."
    )

    def add_arguments(self, parser):
        parser.add_argument("--until-empty", action="store_true", help="End when nothing is left to do now.")

    def handle(self, *, until_empty, **options):
        stop = Event()

        def end(*_: Any) -> None:
            stop.set()

        signal.signal(signal.SIGTERM, end)
        signal.signal(signal.SIGINT, end)
        webhooks = Worker(data_of)
        if until_empty:
            exports.run(stop, until_empty=True)  # first, since webhooks are told of them
            webhooks.run(stop, until_empty=True)
            return
        with ThreadPoolExecutor(1) as pool:
            exporting = pool.submit(export, stop)
            try:
                webhooks.run(stop)
            finally:
                stop.set()
        exporting.result()


def export(stop: Event) -> None:
    """In a thread, with a connection of its own. Should it fail, the whole worker ends, and is started anew."""
    try:
        exports.run(stop)
    finally:
        stop.set()
        connections.close_all()
