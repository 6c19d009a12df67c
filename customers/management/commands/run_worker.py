import faulthandler
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event, current_thread
from typing import Any

from django.core.management.base import BaseCommand
from django.db import connections

from customers import block_expiry, customer_count
from customers.api import webhook_payloads  # noqa: F401  imported to register the payloads of webhooks
from customers.core.polling import poll
from customers.dashboard import home_numbers
from customers.jobs import worker as jobs
from customers.jobs.heartbeat import Heartbeat
from customers.medusa import short_searches
from customers.merging import worker as duplicates
from customers.mirror.refresh_worker import RefreshWorker
from customers.privacy.erasure_log import MissingEntries
from customers.retention import worker as retention
from customers.segments import worker as segments
from customers.webhooks.delivery.worker import Worker
from oauth.accounts import mail

STOP_WITHIN = 25  # seconds after SIGTERM. Supervisors kill after 30
STANDARD_ERROR = 2


class Command(BaseCommand):
    help = (
        "Make exports, change tags, lift blocks at their end, refresh customers of mirrored stores, deliver webhooks, "
        "send emails, search for duplicate customers, count customers, segments and short searches, compute the "
        "numbers of the home page, and delete what is older than its time, until stopped. It stops within 25 seconds "
        "of SIGTERM. "
        "It is safe to kill: another worker resumes its work. On PostgreSQL several workers may run at once."
    )

    def add_arguments(self, parser):
        parser.add_argument("--until-empty", action="store_true", help="Stop when no work is due.")

    def handle(self, *, until_empty, **options):
        stop = Event()

        def handle_signal(*_: Any) -> None:
            # Whatever a part still waits for then: the process ends, and its log says where each thread was.
            faulthandler.dump_traceback_later(STOP_WITHIN, exit=True, file=STANDARD_ERROR)
            stop.set()

        signal.signal(signal.SIGTERM, handle_signal)
        signal.signal(signal.SIGINT, handle_signal)
        # Webhooks after what creates events for them, and emails after what queues them.
        parts: dict[str, Callable[..., None]] = {
            "jobs": jobs.run,
            "block expiry": block_expiry.run,
            "mirror": RefreshWorker().run,
            "webhooks": Worker().run,
            "emails": send_emails,
            "duplicates": duplicates.run,
            "segments": segments.run,
            "customer count": customer_count.run,
            "short searches": short_searches.run,
            "home page": home_numbers.run,
            "log of erasures": MissingEntries().run,
            "retention": retention.run,
        }
        if until_empty:
            for part in parts.values():
                part(stop, until_empty=True)
            return
        parts["heartbeat"] = Heartbeat().run
        with ThreadPoolExecutor(len(parts)) as pool:
            running = [pool.submit(run, name, part, stop) for name, part in parts.items()]
        for each in running:
            each.result()


def send_emails(stop: Event, *, until_empty: bool = False) -> None:
    poll(mail.send_next, stop, interval=mail.POLL, until_empty=until_empty)


def run(name: str, part: Callable[[Event], None], stop: Event) -> None:
    """Runs a part of the worker in its own thread and database connection. If one part fails, all parts stop, and a
    supervisor can start the worker again."""
    current_thread().name = name
    try:
        part(stop)
    finally:
        stop.set()
        connections.close_all()
