"""Reads stale customers from their stores: each of them once, however many events came.

Several workers may run. One that takes a customer moves their `refresh_due_at` ahead by a lease. If the worker dies,
or a new event comes while it reads, the customer is read again.
"""

import logging
from datetime import timedelta
from http import HTTPStatus
from threading import Event

from django.conf import settings
from django.db import transaction
from django.db.models import F

from customers.core.polling import poll
from customers.mirror import apply, orders
from customers.mirror.client import StoreClient, StoreRefused
from customers.mirror.models import MirroredCustomer, MirroredStore
from customers.mirror.payload import parse_customer
from customers.mirror.pull import fetch_documents
from oauth.clock import database_now
from oauth.encryption import UnreadableSecret
from oauth.errors import ServiceError

LEASE = timedelta(minutes=2)
POLL = 0.5  # seconds between two looks for stale customers
FIRST_RETRY = timedelta(seconds=10)  # each further one waits twice as long
MAX_DOUBLINGS = 9
ATTEMPTS = 2  # of a request; after that, the customer is retried later

FRESH = {"stale_since": None, "refresh_due_at": None, "refetch_orders": False, "failures": 0}

logger = logging.getLogger(__name__)


class RefreshWorker:
    def __init__(self) -> None:
        self.clients: dict[str, StoreClient] = {}

    def run(self, stop: Event, *, until_empty: bool = False) -> None:
        """Runs until `stop` is set; with `until_empty`, until no customer is due."""
        poll(self.refresh_next, stop, interval=POLL, until_empty=until_empty)

    def refresh_next(self) -> bool:
        """Returns False if no customer is due."""
        now = database_now()
        due = MirroredCustomer.objects.select_related("store").filter(refresh_due_at__lte=now)
        mirrored = due.order_by("refresh_due_at").first()
        if mirrored is None:
            return False
        # No row is updated if another worker has leased this customer meanwhile.
        if due.filter(pk=mirrored.pk, refresh_due_at=mirrored.refresh_due_at).update(refresh_due_at=now + LEASE):
            self.refresh(mirrored)
        return True

    def refresh(self, mirrored: MirroredCustomer) -> None:
        """Reads one customer from the store, and keeps what the store shows."""
        requested_at = database_now()
        try:
            client = self.client_of(mirrored.store)
            customer = parse_customer(client.get(f"users/{mirrored.pk}/"))
            with_orders = mirrored.refetch_orders and not customer.is_staff
            documents = fetch_documents(client, customer, ignore_counters=True) if with_orders else {}
        except UnreadableSecret:
            self.schedule_retry(mirrored, "The token can't be read, because SECRET_KEY has changed.")
            return
        except StoreRefused as error:
            if error.status == HTTPStatus.NOT_FOUND:
                self.keep_missing(mirrored)
            else:
                self.schedule_retry(mirrored, error.message)
            return
        except ServiceError as error:
            self.schedule_retry(mirrored, error.message)
            return
        with transaction.atomic():
            result = apply.sync(mirrored.store, [customer], as_of=requested_at)
            problems = [*result.conflicts.values(), *customer.dropped]
            if customer.id not in result.conflicts:
                problems += orders.store_documents(mirrored.store, customer.id, documents)
            rows = MirroredCustomer.objects.filter(pk=mirrored.pk)
            if not rows.filter(stale_since__lt=requested_at).update(**FRESH):
                rows.update(refresh_due_at=F("stale_since"))  # an event came meanwhile
        if problems:
            logger.warning("Customer %s of %s: %s", mirrored.pk, mirrored.store, ", ".join(problems))

    def client_of(self, store: MirroredStore) -> StoreClient:
        """Raises UnreadableSecret."""
        client, token = self.clients.get(store.url), store.token
        if client is None or client.token != token:
            client = StoreClient(store.url, token, rate=settings.MIRRORED_STORE_RATE, attempts=ATTEMPTS)
            self.clients[store.url] = client
        return client

    def keep_missing(self, mirrored: MirroredCustomer) -> None:
        """The store does not find them. They stay: only an event of the store erases a customer."""
        MirroredCustomer.objects.filter(pk=mirrored.pk).update(**FRESH)
        logger.warning("Customer %s is not found at %s.", mirrored.pk, mirrored.store)

    def schedule_retry(self, mirrored: MirroredCustomer, reason: str) -> None:
        wait = FIRST_RETRY * 2 ** min(mirrored.failures, MAX_DOUBLINGS)
        failures = min(mirrored.failures + 1, MAX_DOUBLINGS)
        rows = MirroredCustomer.objects.filter(pk=mirrored.pk)
        rows.update(refresh_due_at=database_now() + wait, failures=failures)
        logger.warning("Customer %s will be read again later: %s", mirrored.pk, reason)
