"""Sends what the outbox holds.

One thread has the database; each request to a receiver has a thread of its own. A webhook is sent one event at first,
and twice as many at once with each success, but never two about the same object: so what happened to a customer arrives
in its order, and a receiver that is slow delays itself alone. Any number of workers share the webhooks of a store (on
SQLite, whose writers wait for each other, one is best): a webhook is leased to one of them, which renews the lease
while it lives. What a dead one had sent and not noted is sent again, in the same bytes.
"""

import json
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from customers.core.polling import loop
from customers.core.postgres import custom_plan
from customers.webhooks import outbox
from customers.webhooks.delivery import outcomes
from customers.webhooks.delivery.sender import TIMEOUT, TOO_SLOW, Outcome, Request
from customers.webhooks.models import Delivery, Webhook
from oauth.encryption import UnreadableSecret

LEASE = timedelta(seconds=10)
RENEW = 3.0  # seconds
POLL = 0.5  # seconds between two looks at an outbox without news
RECEIVERS = 64  # at once
AT_ONCE = 4  # events to one receiver: fewer than the simplest servers let wait in line
BATCH = 100  # deliveries that are read, and told in bytes, at once
GRACE = 2.0  # seconds that receivers have to answer when the worker is to end
# So often an event fails before later ones about the same object are sent without it.
HELD_BACK_FOR = 5

# `data` of an event type by the ids of objects, in a version of the API; without those that are no more.
DataOf = Callable[[str, Collection[int], str], dict[int, Any]]


@dataclass(slots=True)
class Flight:
    lane: "Lane"
    delivery: Delivery
    request: Request


@dataclass(slots=True)
class Lane:
    """What is on its way to a webhook that this worker holds, and what is next."""

    webhook: Webhook
    secret_key: str = ""
    queue: list[Delivery] = field(default_factory=list)
    flights: dict[int, Flight] = field(default_factory=dict)  # by the ids of objects
    at_once: int = 1
    filled: float = 0.0

    def take(self) -> list[Delivery]:
        """From the queue, what may join the flights."""
        taken: dict[int, Delivery] = {}
        for delivery in self.queue:
            if len(self.flights) + len(taken) == self.at_once:
                break
            if delivery.object_id not in self.flights:
                taken.setdefault(delivery.object_id, delivery)
        self.queue = [each for each in self.queue if taken.get(each.object_id) is not each]
        return list(taken.values())


class Worker:
    def __init__(self, data_of: DataOf):
        self.data_of = data_of
        self.id = uuid.uuid4()
        self.lanes: dict[int, Lane] = {}  # by the ids of webhooks
        self.answers: SimpleQueue[tuple[Flight, Outcome]] = SimpleQueue()
        self.renewed = self.looked = 0.0

    def run(self, stop: Event, *, until_empty: bool = False) -> None:
        """Until `stop` is set; with `until_empty`, until nothing is due."""
        loop(self.turn, stop, poll=POLL, until_empty=until_empty)
        self.end()

    def turn(self) -> bool:
        """Claims what is free, sends what is next, and notes what is answered; whether there was any of it."""
        now = time.monotonic()
        if self.lanes and now - self.renewed > RENEW:
            self.mine().update(leased_until=timezone.now() + LEASE)
            self.renewed = now
        if not self.lanes or (len(self.lanes) < RECEIVERS and now - self.looked > POLL):
            self.claim()
        for webhook_id, lane in list(self.lanes.items()):
            # Not after each answer: what is read at once costs little.
            if not lane.queue and (not lane.flights or now - lane.filled > POLL):
                self.fill(lane)
            if not lane.queue and not lane.flights:
                del self.lanes[webhook_id]
                self.mine().filter(pk=webhook_id).update(leased_by=None, leased_until=None)
        self.send_next()
        if not self.lanes:
            return False
        self.note(self.answered(POLL))
        self.give_up_slow_ones()
        return True

    def mine(self) -> QuerySet[Webhook]:
        return Webhook.objects.filter(leased_by=self.id)

    def claim(self) -> None:
        """Of the webhooks that are due, those that are nobody's are this worker's from now on."""
        self.looked = time.monotonic()
        now = timezone.now()
        free = Webhook.objects.filter(
            Q(leased_until=None) | Q(leased_until__lt=now),
            Exists(waiting(now).filter(webhook=OuterRef("pk"))),
        )
        with custom_plan():
            if not free.exists():
                return
        with transaction.atomic():
            claimed = list(free.select_for_update(skip_locked=True).order_by("pk")[: RECEIVERS - len(self.lanes)])
            ids = [webhook.pk for webhook in claimed]
            Webhook.objects.filter(pk__in=ids).update(leased_by=self.id, leased_until=now + LEASE)
        self.lanes |= {webhook.pk: Lane(webhook) for webhook in claimed}

    def fill(self, lane: Lane) -> None:
        """Its queue, with the oldest events that are due: their bytes are kept before they are sent."""
        lane.filled = time.monotonic()
        flying = [flight.delivery.pk for flight in lane.flights.values()]
        due = waiting(timezone.now()).filter(webhook=lane.webhook, webhook__leased_by=self.id).exclude(pk__in=flying)
        with custom_plan():
            deliveries = list(due.order_by("pk")[:BATCH])
        if not deliveries:
            return
        lane.webhook.refresh_from_db()
        try:
            lane.secret_key = lane.webhook.secret_key
        except UnreadableSecret:
            reason = "The secret key can't be read: SECRET_KEY has changed."
            outcomes.record_failure(deliveries[0].pk, Outcome(None, 0, reason))
            return
        self.write_bodies(lane.webhook, [delivery for delivery in deliveries if not delivery.body])
        lane.queue = deliveries

    def write_bodies(self, webhook: Webhook, deliveries: list[Delivery]) -> None:
        """What Python's `json.dumps` writes, since verifiers sign that of what they have read."""
        ids = defaultdict(set)
        for delivery in deliveries:
            if delivery.snapshot is None:
                ids[delivery.event_type].add(delivery.object_id)
        found = {event_type: self.data_of(event_type, ids[event_type], webhook.api_version) for event_type in ids}
        gone = []
        for delivery in deliveries:
            data = delivery.snapshot
            if data is None:
                data = found[delivery.event_type].get(delivery.object_id)
            if data is None:
                gone.append(delivery.pk)
            else:
                delivery.body = json.dumps(envelope(webhook, delivery, data))
        unwritten = Delivery.objects.filter(status=Delivery.Status.WAITING, body="")
        unwritten.bulk_update([delivery for delivery in deliveries if delivery.body], ["body"])
        if gone:
            unwritten.filter(pk__in=gone).update(status=Delivery.Status.FAILED, error="What it is about is gone.")

    def send_next(self) -> None:
        """As much as receivers may have at once, of what is still to be sent and in the bytes that are kept: meanwhile
        a webhook may have been switched off, or a person erased."""
        taken = [(lane, delivery) for lane in self.lanes.values() for delivery in lane.take()]
        if not taken:
            return
        ids = [delivery.pk for _, delivery in taken]
        still = sendable(timezone.now()).filter(pk__in=ids, webhook__leased_by=self.id).exclude(body="")
        bodies = dict(still.values_list("pk", "body"))
        for lane, delivery in taken:
            if body := bodies.get(delivery.pk):
                request = Request(lane.webhook.target, body.encode("ascii"), lane.secret_key)
                flight = lane.flights[delivery.object_id] = Flight(lane, delivery, request)
                Thread(target=self.send, args=(flight,), daemon=True).start()

    def send(self, flight: Flight) -> None:
        self.answers.put((flight, flight.request.send()))

    def answered(self, seconds: float) -> list[tuple[Flight, Outcome]]:
        """One flight, for which it waits so long, and those that have come meanwhile."""
        answers = []
        try:
            answers.append(self.answers.get(timeout=seconds))
            while True:
                answers.append(self.answers.get_nowait())
        except Empty:
            return answers

    def note(self, answers: list[tuple[Flight, Outcome]]) -> None:
        successes = []
        for flight, outcome in answers:
            lane, object_id = flight.lane, flight.delivery.object_id
            if lane.flights.get(object_id) is not flight:
                continue  # it was given up
            del lane.flights[object_id]
            if outcome.is_success:
                successes.append((flight.delivery, outcome))
                lane.at_once = min(2 * lane.at_once, AT_ONCE)
            else:
                outcomes.record_failure(flight.delivery.pk, outcome)
                lane.at_once, lane.queue = 1, []  # what follows may have to wait for it
        outcomes.record_successes(successes)

    def give_up_slow_ones(self) -> None:
        """However a receiver spends its time: a name that is not resolved, or an answer byte by byte."""
        flights = [flight for lane in self.lanes.values() for flight in lane.flights.values()]
        slow = [flight for flight in flights if flight.request.seconds > TIMEOUT]
        for flight in slow:
            flight.request.abort()
        self.note([(flight, Outcome(None, flight.request.seconds, TOO_SLOW)) for flight in slow])

    def end(self) -> None:
        """Notes what is answered at once, and lets go of all webhooks."""
        deadline = time.monotonic() + GRACE
        while any(lane.flights for lane in self.lanes.values()) and time.monotonic() < deadline:
            self.note(self.answered(0.1))
        self.mine().update(leased_by=None, leased_until=None)


def waiting(now: datetime) -> QuerySet[Delivery]:
    """What may be sent now, in the order in which it happened to an object."""
    earlier = Delivery.objects.filter(
        webhook=OuterRef("webhook"),
        object_id=OuterRef("object_id"),
        pk__lt=OuterRef("pk"),
        status=Delivery.Status.WAITING,
        attempts__gt=0,  # as the index has it, which is small therefore
        attempts__lt=HELD_BACK_FOR,
        due_at__gt=now,
    )
    return sendable(now).filter(~Exists(earlier), due_at__lte=now)


def sendable(now: datetime) -> QuerySet[Delivery]:
    """Nothing goes to a webhook that rests or is switched off, but for an app that was uninstalled being told so."""
    on = Q(webhook__active=True) & (Q(webhook__app=None) | Q(webhook__app__is_active=True))
    rested = Q(webhook__next_check_date=None) | Q(webhook__next_check_date__lte=now)
    return Delivery.objects.filter(on | Q(event_type=outbox.APP_UNINSTALLED), rested, status=Delivery.Status.WAITING)


def envelope(webhook: Webhook, delivery: Delivery, data: Any) -> dict[str, Any]:
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
