"""What must hold after all failures."""

import time
from collections import Counter
from dataclasses import dataclass, field

from tests.lab.nodes import LIMIT
from tests.lab.setup import Lab

# A customer, whether it is erased, and the numbers of its addresses, its entries of the timeline and its events.
STORED = """
    SELECT id, email IS NULL, last_name,
        (SELECT count(*) FROM customers_address WHERE user_id = person.id),
        (SELECT count(*) FROM customers_event WHERE user_id = person.id AND kind = 'created'),
        (SELECT count(*) FROM webhooks_delivery WHERE object_id = person.id AND event_type = 'customer.created')
    FROM customers_user person WHERE email LIKE 'c%@example.com' OR email IS NULL
"""
RETRYABLE = {"503", "ConnectionError", "ChunkedEncodingError", "ReadTimeout", "ConnectTimeout"}
DELIVERED_WITHIN = 120  # seconds


@dataclass
class Row:
    """A scenario. Seconds from the failure: until all nodes answer, and until an event arrives. None: never."""

    name: str
    answered: float | None = None
    delivered: float | None = None
    errors: Counter[str] = field(default_factory=Counter)
    late: int = 0  # errors after all nodes have answered
    most: int = 0  # requests of the limited app within a second
    skipped: str = ""

    def __str__(self) -> str:
        if self.skipped:
            return f"| {self.name} | skipped: {self.skipped} | | |"
        times = [f"{seconds:.1f} s" if seconds else "never" for seconds in (self.answered, self.delivered)]
        shown = ", ".join(f"{number} x {outcome}" for outcome, number in sorted(self.errors.items())) or "none"
        return f"| {self.name} | {times[0]} | {times[1]} | {shown} |"

    @property
    def faults(self) -> list[str]:
        if self.skipped:
            return []
        found = [f"{outcome} can't be repeated" for outcome in self.errors if outcome not in RETRYABLE]
        if self.answered is None or self.delivered is None:
            found.append("no recovery")
        if self.late:
            found.append(f"{self.late} errors after the recovery")
        # While the counter is away, and for a moment after, the nodes count in two places.
        if self.most > (2 * LIMIT if "Valkey" in self.name else LIMIT):
            found.append(f"{self.most} requests in a second of an app that has {LIMIT}")
        return [f"{self.name}: {fault}" for fault in found]


def faults(lab: Lab, *, are_deliveries_kept: bool = True) -> list[str]:
    """Waits for the last events. Returns what was lost, written by half, or accepted."""
    load = lab.load
    acknowledged, versions = load.acknowledged(), dict(load.versions)
    deadline = time.monotonic() + DELIVERED_WITHIN
    while time.monotonic() < deadline and not acknowledged.issubset(lab.receiver.events()):
        time.sleep(0.2)
    received = Counter(lab.receiver.events())
    rows = lab.cluster.rows(STORED)
    whole = 3 if are_deliveries_kept else 2  # numbers of STORED that have to be 1
    stored = {id for id, *_ in rows}
    names = {id: name for id, is_erased, name, *_ in rows if not is_erased}
    lost = acknowledged - stored
    half = [id for id, is_erased, _, *parts in rows if not is_erased and parts[:whole] != [1] * whole]
    changes = [id for id, number in versions.items() if id in names and int(names[id] or 0) < number]
    events = acknowledged - received.keys()
    print(f"\n{len(acknowledged)} customers acknowledged, {len(stored)} stored: {len(lost)} lost, {len(half)} "
          f"half-written, {len(changes)} without their last change, {len(events)} without their event; "
          f"{received.total() - len(received)} events came twice.")  # fmt: skip
    revoked, answers = lab.revocations, Counter(each.outcome for each in load.limited_answers)
    print(f"Answers to {len(revoked.revoked)} revoked tokens: {dict(revoked.answers)}. "
          f"Answers to an app with {LIMIT} requests per second: {dict(answers)}.")  # fmt: skip
    counts = {"lost": lost, "half-written": half, "without their last change": changes, "without an event": events}
    found = [f"{len(ids)} customers {what}" for what, ids in counts.items() if ids]
    return found + revoked.try_all()
