"""Sends what the outbox holds.

One thread has the database; each request to a receiver has a thread of its own, one at a time for each webhook. So a
receiver that is slow delays itself. Any number of workers share the webhooks of a store (on SQLite, whose writers wait
for each other, one is best): a webhook is leased to one of them, which renews the lease while it lives. What a dead one
had sent and not noted is sent again, in the same bytes.
"""

import json
import logging
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError, close_old_connections, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from customers.webhooks import outbox, results
from customers.webhooks.models import Delivery, Webhook
from customers.webhooks.sending import TIMEOUT, TOO_SLOW, Outcome, Request
from oauth.encryption import UnreadableSecret

LEASE = timedelta(seconds=10)
RENEW = 3.0  # seconds
POLL = 0.5  # seconds between two looks at an outbox without news
AT_ONCE = 64  # receivers
BATCH = 100  # deliveries that are looked for at once
GRACE = 2.0  # seconds that receivers have to answer when the worker is to end
# So often an event fails before later ones about the same object are sent without it.
HELD_BACK_FOR = 5

logger = logging.getLogger(__name__)

# `data` of an event type, the id of the object and a version of the API; None where there is no such object.
DataOf = Callable[[str, int, str], Any]


@dataclass
class Flight:
    delivery: Delivery
    request: Request


class Worker:
    def __init__(self, data_of: DataOf):
        self.data_of = data_of
        self.id = uuid.uuid4()
        self.flights: dict[int, Flight] = {}  # by the ids of webhooks
        self.queues: dict[int, list[int]] = {}  # of deliveries to the webhooks that are held
        self.answers: SimpleQueue[tuple[Flight, Outcome]] = SimpleQueue()
        self.renewed = self.looked = 0.0

    def run(self, stop: Event, *, until_empty: bool = False) -> None:
        """Until `stop` is set; with `until_empty`, until nothing is due."""
        while not stop.is_set():
            try:
                is_idle = self.turn()
            except (DatabaseError, InterfaceError):
                logger.exception("The database did not answer; trying again.")
                close_old_connections()
                is_idle = False
                stop.wait(POLL)
            if is_idle and until_empty:
                break
            if is_idle:
                stop.wait(POLL)
        self.end()

    def turn(self) -> bool:
        """Claims what is free, notes what is answered, and sends what is next; whether there was nothing of it."""
        if self.flights and time.monotonic() - self.renewed > RENEW:
            Webhook.objects.filter(leased_by=self.id).update(leased_until=timezone.now() + LEASE)
            self.renewed = time.monotonic()
        if not self.flights or (len(self.flights) < AT_ONCE and time.monotonic() - self.looked > POLL):
            for webhook_id in self.claim():
                self.send_next(webhook_id)
        if not self.flights:
            return True
        self.note_answer(POLL)
        self.give_up_slow_ones()
        return False

    def claim(self) -> list[int]:
        """The ids of webhooks that are due and nobody's; they are this worker's from now on."""
        self.looked = time.monotonic()
        now = timezone.now()
        free = Webhook.objects.filter(
            Q(leased_until=None) | Q(leased_until__lt=now),
            Exists(waiting(now).filter(webhook=OuterRef("pk"))),
        )
        if not free.exists():
            return []
        with transaction.atomic():
            ids = list(
                free.select_for_update(skip_locked=True)
                .order_by("pk")
                .values_list("pk", flat=True)[: AT_ONCE - len(self.flights)]
            )
            Webhook.objects.filter(pk__in=ids).update(leased_by=self.id, leased_until=now + LEASE)
        return ids

    def send_next(self, webhook_id: int) -> None:
        """Sends the oldest event that is due, or lets go of the webhook."""
        mine = waiting(timezone.now()).filter(webhook_id=webhook_id, webhook__leased_by=self.id)
        flight = None
        while flight is None:
            queue = self.queues[webhook_id] = self.queues.get(webhook_id) or list(
                mine.order_by("pk").values_list("pk", flat=True)[:BATCH]
            )
            if not queue:
                break
            if delivery := mine.select_related("webhook").filter(pk=queue.pop(0)).first():
                flight = self.prepared(delivery)
        if flight is None:
            del self.queues[webhook_id]
            Webhook.objects.filter(pk=webhook_id, leased_by=self.id).update(leased_by=None, leased_until=None)
            return
        self.flights[webhook_id] = flight
        Thread(target=self.send, args=(flight,), daemon=True).start()

    def send(self, flight: Flight) -> None:
        self.answers.put((flight, flight.request.send()))

    def prepared(self, delivery: Delivery) -> Flight | None:
        """None where nothing can be sent: that is noted."""
        webhook = delivery.webhook
        try:
            if not delivery.body and not self.write_body(delivery):
                return None
            return Flight(delivery, Request(webhook.target, delivery.body.encode("ascii"), webhook.secret_key))
        except UnreadableSecret:
            results.record(delivery.pk, Outcome(None, 0, "The secret key can't be read: SECRET_KEY has changed."))
        return None

    def write_body(self, delivery: Delivery) -> bool:
        """The bytes that are sent, kept before they are: what Python's `json.dumps` writes, since verifiers sign that
        of what they have read."""
        data = delivery.snapshot
        if data is None:
            data = self.data_of(delivery.event_type, delivery.object_id, delivery.webhook.api_version)
        same = Delivery.objects.filter(pk=delivery.pk, status=Delivery.Status.WAITING)
        if data is None:
            same.update(status=Delivery.Status.FAILED, error="What it is about is gone.")
            return False
        delivery.body = json.dumps(envelope(delivery, data))
        return bool(same.update(body=delivery.body))

    def note_answer(self, seconds: float) -> None:
        """Of one flight, for which it waits so long, and of those that have come meanwhile."""
        try:
            flight, outcome = self.answers.get(timeout=seconds)
            while True:
                self.note(flight, outcome)
                flight, outcome = self.answers.get_nowait()
        except Empty:
            pass

    def note(self, flight: Flight, outcome: Outcome, *, go_on: bool = True) -> None:
        webhook_id = flight.delivery.webhook_id
        if self.flights.get(webhook_id) is flight:  # and was not given up
            results.record(flight.delivery.pk, outcome)
            del self.flights[webhook_id]
            if not outcome.is_success:
                self.queues[webhook_id] = []  # what follows may have to wait for it
            if go_on:
                self.send_next(webhook_id)

    def give_up_slow_ones(self) -> None:
        """However a receiver spends its time: a name that is not resolved, or an answer byte by byte."""
        for flight in [each for each in self.flights.values() if each.request.seconds > TIMEOUT]:
            flight.request.abort()
            self.note(flight, Outcome(None, flight.request.seconds, TOO_SLOW))

    def end(self) -> None:
        """Notes what is answered at once, and lets go of all webhooks."""
        deadline = time.monotonic() + GRACE
        while self.flights and time.monotonic() < deadline:
            try:
                self.note(*self.answers.get(timeout=0.1), go_on=False)
            except Empty:
                continue
        Webhook.objects.filter(leased_by=self.id).update(leased_by=None, leased_until=None)


def waiting(now) -> Any:
    """What may be sent now: in the order in which it happened to an object, and to nobody who is switched off, but for
    an app that was uninstalled being told so."""
    earlier = Delivery.objects.filter(
        webhook=OuterRef("webhook"),
        object_id=OuterRef("object_id"),
        pk__lt=OuterRef("pk"),
        status=Delivery.Status.WAITING,
        attempts__lt=HELD_BACK_FOR,
        due_at__gt=now,
    )
    on = Q(webhook__active=True) & (Q(webhook__app=None) | Q(webhook__app__is_active=True))
    rested = Q(webhook__next_check_date=None) | Q(webhook__next_check_date__lte=now)
    return Delivery.objects.filter(
        on | Q(event_type=outbox.APP_UNINSTALLED),
        rested,
        ~Exists(earlier),
        status=Delivery.Status.WAITING,
        due_at__lte=now,
    )


def envelope(delivery: Delivery, data: Any) -> dict[str, Any]:
    webhook = delivery.webhook
    return {
        "object": delivery.event_type.partition(".")[0],
        "data": data,
        "event_id": str(delivery.event_id),
        "event_type": delivery.event_type,
        "webhook": {
            "id": webhook.pk,
            "store": settings.STORE_DOMAIN.partition(".")[0] or None,
            "events": webhook.events,
            "target": webhook.target,
        },
        "api_version": webhook.api_version,
    }
