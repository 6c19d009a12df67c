"""Sends what the outbox holds.

The life of a delivery: its webhook is leased to a worker; is the webhook active, and is no earlier event about the same
object pending (`Delivery.objects.due`)? Then its body is written, signed and sent, and the outcome is recorded.

One thread uses the database; each request has a thread of its own. A webhook is sent one event at first, and twice as
many at once after each success, up to MAX_CONCURRENCY, but never two about the same object. So events about a customer
arrive in order.

Connections are shared fairly. A webhook has an owner: its app, or the store. An owner has at most OWNER_CONNECTIONS,
and an owner without any may always open one, so slow endpoints never delay another owner. Of an owner's webhooks, the
one with the fewest connections is next, and of these the one that has waited longest. The database thread is shared,
too: in each step it loads about one batch for each owner.

Any number of workers share the webhooks of a store (on SQLite, which has one writer at a time, one worker is best): a
webhook is leased to one worker, which renews the lease while it runs. What a killed worker had sent but not recorded is
sent again, in the same bytes.
"""

import time
import uuid
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from math import ceil
from queue import Empty, SimpleQueue
from threading import Event, Thread

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from customers.core import tracing
from customers.core.polling import poll
from customers.core.postgres import custom_plan
from customers.webhooks.delivery import outcomes
from customers.webhooks.delivery.bodies import write_bodies
from customers.webhooks.delivery.sender import TIMED_OUT, TIMEOUT, Attempt, Outcome
from customers.webhooks.models import Delivery, Webhook
from oauth import replica
from oauth.clock import database_now
from oauth.encryption import UnreadableSecret

LEASE = timedelta(seconds=10)
RENEW_AFTER = 3.0  # seconds
POLL = 0.5  # seconds between two queries for new deliveries
MAX_CONNECTIONS = 256  # of a worker, at once. Only an owner without any may exceed it, by one
OWNER_CONNECTIONS = 64
MAX_CONCURRENCY = 4  # requests to one endpoint at once: fewer than the backlog of the simplest servers
BATCH = 100  # deliveries loaded, and bodies written, at once
SHUTDOWN_GRACE = 2.0  # seconds that endpoints have to answer when the worker is stopped


@dataclass(slots=True)
class InFlight:
    """A delivery that is being sent."""

    queue: "EndpointQueue"
    delivery: Delivery
    attempt: Attempt


@dataclass(slots=True)
class EndpointQueue:
    """The deliveries of a webhook that is leased to this worker."""

    webhook: Webhook
    secret_key: str = ""
    pending: list[Delivery] = field(default_factory=list)
    in_flight: dict[int, InFlight] = field(default_factory=dict)  # by the ids of objects
    concurrency: int = 1
    loaded_at: float = 0.0
    served_at: float = 0.0

    @property
    def turn(self) -> tuple[int, float]:
        """The lowest of an owner's queues is served next."""
        return len(self.in_flight), self.served_at

    @property
    def is_idle(self) -> bool:
        return not self.pending and not self.in_flight

    @property
    def needs_loading(self) -> bool:
        """Not after each answer: deliveries loaded together cost little."""
        return not self.pending and (not self.in_flight or time.monotonic() - self.loaded_at > POLL)

    def take(self, limit: int) -> list[Delivery]:
        """Removes and returns the pending deliveries that may be sent now, at most `limit`: none about an object that
        is in flight."""
        limit = min(limit, self.concurrency - len(self.in_flight))
        taken: dict[int, Delivery] = {}
        for delivery in self.pending:
            if len(taken) >= limit:
                break
            if delivery.object_id not in self.in_flight:
                taken.setdefault(delivery.object_id, delivery)
        self.pending = [each for each in self.pending if taken.get(each.object_id) is not each]
        return list(taken.values())


class Worker:
    def __init__(self) -> None:
        self.id = uuid.uuid4()
        self.queues: dict[int, EndpointQueue] = {}  # by the ids of webhooks
        self.finished: SimpleQueue[tuple[InFlight, Outcome]] = SimpleQueue()
        self.renewed_at = self.leased_at = 0.0

    def run(self, stop: Event, *, until_empty: bool = False) -> None:
        """Runs until `stop` is set; with `until_empty`, until nothing is due."""
        poll(self.step, stop, interval=POLL, until_empty=until_empty)
        self.shut_down()

    def step(self) -> bool:
        """Leases webhooks, loads and sends deliveries, records outcomes. Returns whether there was anything to do."""
        self.renew_leases()
        self.lease()
        is_complete = self.send_next()
        if not self.queues:
            return False
        self.record(self.wait_for_outcomes(POLL if is_complete else 0))
        self.abort_timed_out()
        return True

    def leased_webhooks(self) -> QuerySet[Webhook]:
        return Webhook.objects.filter(leased_by=self.id)

    def renew_leases(self) -> None:
        now = time.monotonic()
        if self.queues and now - self.renewed_at > RENEW_AFTER:
            self.leased_webhooks().update(leased_until=database_now() + LEASE)
            self.renewed_at = now

    def lease(self) -> None:
        """Leases the webhooks that have due deliveries and that no other worker holds."""
        if self.queues and time.monotonic() - self.leased_at <= POLL:
            return
        self.leased_at = time.monotonic()
        now = database_now()
        free = Webhook.objects.filter(
            Q(leased_until=None) | Q(leased_until__lt=now),
            Exists(Delivery.objects.due(now).filter(webhook=OuterRef("pk"))),
        )
        with custom_plan():
            if not free.exists():
                return
        with transaction.atomic():
            webhooks = list(free.select_for_update(skip_locked=True).order_by("pk"))
            ids = [webhook.pk for webhook in webhooks]
            Webhook.objects.filter(pk__in=ids).update(leased_by=self.id, leased_until=now + LEASE)
        self.queues |= {webhook.pk: EndpointQueue(webhook) for webhook in webhooks}

    def send_next(self) -> bool:
        """Sends what each owner's share of the connections allows. Returns False if there was more to load."""
        owners = defaultdict(list)
        for queue in self.queues.values():
            owners[queue.webhook.app_id].append(queue)
        connections = {owner: sum(len(queue.in_flight) for queue in queues) for owner, queues in owners.items()}
        free = MAX_CONNECTIONS - sum(connections.values())
        taken: list[tuple[EndpointQueue, Delivery]] = []
        is_complete = True
        for place, owner in enumerate(sorted(owners, key=lambda owner: connections[owner])):
            fair_share = ceil(free / (len(owners) - place))
            room = min(fair_share, OWNER_CONNECTIONS - connections[owner])
            found, all_loaded = self.take(owners[owner], room if connections[owner] else max(room, 1))
            taken += found
            free -= len(found)
            is_complete = is_complete and all_loaded
        self.send(taken)
        return is_complete

    def take(self, queues: list[EndpointQueue], room: int) -> tuple[list[tuple[EndpointQueue, Delivery]], bool]:
        """What an owner sends next on at most `room` further connections, and False if there was more to load.

        It loads about BATCH deliveries, and leaves the rest to the next step, after those of other owners.
        """
        taken: list[tuple[EndpointQueue, Delivery]] = []
        loaded, is_complete = 0, True
        for queue in sorted(queues, key=lambda queue: queue.turn):
            if len(taken) >= room:
                break
            if queue.needs_loading and loaded >= BATCH:
                is_complete = False
                continue
            if queue.needs_loading:
                loaded += self.load_or_release(queue)
            if deliveries := queue.take(room - len(taken)):
                queue.served_at = time.monotonic()
                taken += [(queue, delivery) for delivery in deliveries]
        return taken, is_complete

    def load_or_release(self, queue: EndpointQueue) -> int:
        """Releases the webhook if nothing of it is due. Returns how many deliveries were loaded."""
        self.load_batch(queue)
        if queue.is_idle:
            del self.queues[queue.webhook.pk]
            self.leased_webhooks().filter(pk=queue.webhook.pk).update(leased_by=None, leased_until=None)
        return len(queue.pending)

    def load_batch(self, queue: EndpointQueue) -> None:
        """Loads the oldest due deliveries. Their bodies are stored before they are first sent."""
        queue.loaded_at = time.monotonic()
        in_flight = [each.delivery.pk for each in queue.in_flight.values()]
        due = Delivery.objects.due(database_now()).filter(webhook=queue.webhook, webhook__leased_by=self.id)
        with custom_plan():
            deliveries = list(due.exclude(pk__in=in_flight).order_by("pk")[:BATCH])
        if not deliveries:
            return
        try:
            queue.webhook.refresh_from_db()
            queue.secret_key = queue.webhook.secret_key
        except UnreadableSecret:
            reason = "The secret key can't be read: SECRET_KEY has changed."
            outcomes.record_failure(deliveries[0].pk, Outcome(None, 0, reason))
            return
        write_bodies(queue.webhook, [delivery for delivery in deliveries if not delivery.body])
        for delivery in deliveries:
            delivery.body, delivery.snapshot = "", None  # `send` reads the body again; many backlogs fit in memory
        queue.pending = deliveries

    def send(self, taken: list[tuple[EndpointQueue, Delivery]]) -> None:
        """Reads the bodies again: since they were loaded, a webhook may have been switched off or a customer erased."""
        if not taken:
            return
        if replica.IS_CONFIGURED:
            # An app that gets an event can read what it is about.
            replica.record_writes({queue.webhook.app_id or replica.STORE for queue, _ in taken})
        ids = [delivery.pk for _, delivery in taken]
        sendable = Delivery.objects.sendable(database_now()).filter(pk__in=ids, webhook__leased_by=self.id)
        bodies = dict(sendable.values_list("pk", "body"))
        for queue, delivery in taken:
            if body := bodies.get(delivery.pk):
                attempt = Attempt(queue.webhook.target, body.encode("ascii"), queue.secret_key)
                in_flight = queue.in_flight[delivery.object_id] = InFlight(queue, delivery, attempt)
                Thread(target=self.attempt, args=(in_flight,), daemon=True).start()

    def attempt(self, in_flight: InFlight) -> None:
        """Runs in a thread of its own, and leaves the database alone."""
        delivery, attempt = in_flight.delivery, in_flight.attempt
        about: dict[str, str | int] = {"webhook.id": delivery.webhook_id, "webhook.event_id": str(delivery.event_id)}
        with tracing.outgoing(f"deliver {delivery.event_type}", **about) as request:
            attempt.headers |= request.headers
            outcome = attempt.send()
            request.finish(status=outcome.code, is_success=outcome.is_success)
        self.finished.put((in_flight, outcome))

    def wait_for_outcomes(self, seconds: float) -> list[tuple[InFlight, Outcome]]:
        """Waits at most this long for one outcome. Returns it with all others that are there by then."""
        found = []
        try:
            found.append(self.finished.get(timeout=seconds))
            while True:
                found.append(self.finished.get_nowait())
        except Empty:
            return found

    def record(self, finished: list[tuple[InFlight, Outcome]]) -> None:
        successes = []
        for in_flight, outcome in finished:
            queue, object_id = in_flight.queue, in_flight.delivery.object_id
            if queue.in_flight.get(object_id) is not in_flight:
                continue  # it was aborted, and recorded then
            del queue.in_flight[object_id]
            if outcome.is_success:
                successes.append((in_flight.delivery, outcome))
                queue.concurrency = min(2 * queue.concurrency, MAX_CONCURRENCY)
            else:
                outcomes.record_failure(in_flight.delivery.pk, outcome)
                queue.concurrency, queue.pending = 1, []  # the failed delivery may block those that follow
        outcomes.record_successes(successes)

    def abort_timed_out(self) -> None:
        """Whatever takes the time: resolving the host name, or a response that arrives byte by byte."""
        in_flight = [each for queue in self.queues.values() for each in queue.in_flight.values()]
        timed_out = [each for each in in_flight if each.attempt.seconds > TIMEOUT]
        for each in timed_out:
            each.attempt.abort()
        self.record([(each, Outcome(None, each.attempt.seconds, TIMED_OUT)) for each in timed_out])

    def shut_down(self) -> None:
        """Records what is answered within SHUTDOWN_GRACE, and releases all webhooks."""
        deadline = time.monotonic() + SHUTDOWN_GRACE
        while any(queue.in_flight for queue in self.queues.values()) and time.monotonic() < deadline:
            self.record(self.wait_for_outcomes(0.1))
        self.leased_webhooks().update(leased_by=None, leased_until=None)
