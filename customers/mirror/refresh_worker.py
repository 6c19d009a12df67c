"""Reading from followed stores what their events said has changed: each customer once, however many events came.

Any number of workers may do it: one that takes a customer puts them off for the others, and they are read again if
it dies, or if an event came meanwhile.
"""

import http.client
import logging
from datetime import timedelta
from threading import Event

from django.conf import settings
from django.db import transaction
from django.db.models import F

from customers.core.polling import loop
from customers.mirror import apply, orders, payload
from customers.mirror.client import Refused, StoreClient, Unavailable
from customers.mirror.models import Copy, FollowedStore
from customers.mirror.pull import documents_of
from oauth.encryption import UnreadableSecret
from oauth.errors import ServiceError

LEASE = timedelta(minutes=2)
POLL = 0.5  # seconds between two looks
FIRST_RETRY = timedelta(seconds=10)  # each further one waits twice as long
MOST_DOUBLINGS = 9
TRIES = 2

logger = logging.getLogger(__name__)


class Reader:
    def __init__(self) -> None:
        self.clients: dict[str, StoreClient] = {}

    def run(self, stop: Event, *, until_empty: bool = False) -> None:
        """Until `stop` is set; with `until_empty`, until nobody is due."""
        loop(self.read_next, stop, poll=POLL, until_empty=until_empty)

    def read_next(self) -> bool:
        """Whether there was somebody to read."""
        asked = apply.now()
        copy = Copy.objects.select_related("store").filter(due_at__lte=asked).order_by("due_at").first()
        if copy is None:
            return False
        if Copy.objects.filter(pk=copy.pk, due_at=copy.due_at).update(due_at=asked + LEASE):
            self.read(copy)
        return True

    def read(self, copy: Copy) -> None:
        asked = apply.now()
        try:
            client = self.client_of(copy.store)
            told = payload.customer(client.get(f"users/{copy.pk}/"))
            documents = documents_of(client, told, all=True) if copy.with_reports and not told.is_staff else {}
        except (Unavailable, UnreadableSecret) as error:
            self.put_off(copy, str(error) or "The token can't be read: SECRET_KEY has changed.")
            return
        except (Refused, ServiceError) as error:
            if isinstance(error, Refused) and error.code == http.client.NOT_FOUND:
                self.leave(copy)
            else:
                self.put_off(copy, str(error))
            return
        with transaction.atomic():
            result = apply.copy(copy.store, [told], as_of=asked)
            problems = [*result.conflicts.values(), *told.left_out]
            if told.id not in result.conflicts:
                problems += orders.keep(copy.store, told.id, documents)
            # Of whom an event told meanwhile, the mark stays.
            read = Copy.objects.filter(pk=copy.pk, waiting_since__lt=asked)
            if not read.update(waiting_since=None, due_at=None, with_reports=False, failures=0):
                Copy.objects.filter(pk=copy.pk).update(due_at=F("waiting_since"))
        if problems:
            logger.warning("Customer %s of %s: %s", copy.pk, copy.store, ", ".join(problems))

    def client_of(self, store: FollowedStore) -> StoreClient:
        """Raises UnreadableSecret."""
        token = store.token
        if store.url not in self.clients or self.clients[store.url].token != token:
            self.clients[store.url] = StoreClient(store.url, token, rate=settings.FOLLOWED_STORE_RATE, tries=TRIES)
        return self.clients[store.url]

    def leave(self, copy: Copy) -> None:
        """Who is not found there stays as they are: only an event of the store makes anybody forgotten."""
        Copy.objects.filter(pk=copy.pk).update(waiting_since=None, due_at=None, with_reports=False, failures=0)
        logger.warning("Customer %s is not found at %s.", copy.pk, copy.store)

    def put_off(self, copy: Copy, why: str) -> None:
        wait = FIRST_RETRY * 2 ** min(copy.failures, MOST_DOUBLINGS)
        failures = min(copy.failures + 1, MOST_DOUBLINGS)
        Copy.objects.filter(pk=copy.pk).update(due_at=apply.now() + wait, failures=failures)
        logger.warning("Customer %s is read later: %s", copy.pk, why)
