import signal
from threading import Event
from typing import Any

from django.core.management.base import BaseCommand

from customers.following.catching_up import Reader
from customers.following.client import RATE


class Command(BaseCommand):
    help = (
        "Read from followed stores whose token is kept what their events said has changed, until it is stopped. It may "
        "be killed at any moment."
    )

    def add_arguments(self, parser):
        parser.add_argument("--until-empty", action="store_true", help="End when nobody is left to be read now.")
        parser.add_argument("--rate", type=float, default=RATE, help="Requests a second (default: 4); 0: no limit.")

    def handle(self, *, until_empty, rate, **options):
        stop = Event()

        def end(*_: Any) -> None:
            stop.set()

        signal.signal(signal.SIGTERM, end)
        signal.signal(signal.SIGINT, end)
        Reader(rate=rate).run(stop, until_empty=until_empty)
