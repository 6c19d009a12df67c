import signal
from threading import Event
from typing import Any

from django.core.management.base import BaseCommand

from customers.api.webhook_data import data_of
from customers.webhooks.worker import Worker


class Command(BaseCommand):
    help = (
        "Send events to webhooks until it is stopped. Several may run at once on PostgreSQL; it may be killed at any "
        "moment, and what it was about is sent by the next one."
    )

    def add_arguments(self, parser):
        parser.add_argument("--until-empty", action="store_true", help="End when nothing is left to send now.")

    def handle(self, *, until_empty, **options):
        stop = Event()

        def end(*_: Any) -> None:
            stop.set()

        signal.signal(signal.SIGTERM, end)
        signal.signal(signal.SIGINT, end)
        Worker(data_of).run(stop, until_empty=until_empty)
