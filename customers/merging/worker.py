"""The part of the worker that searches for duplicates: new and changed customers at once, all of them once a day.

Any number of workers may run: one of them runs each step.
"""

from datetime import timedelta
from functools import partial
from threading import Event as StopEvent

from django.db import connection, transaction
from django.utils import timezone

from customers.core.polling import poll
from customers.merging import duplicates
from customers.merging.models import SearchState
from customers.models import Customer, Event

POLL = 5.0  # seconds to wait while nothing has changed
SQLITE_PAUSE = 0.1  # seconds between two steps, so that other writers, which poll for the lock, get it
ENTRIES = 1_000  # of the timeline, in a step
CUSTOMERS = 2_000  # of a sweep, in a step
# A sweep also finds changes whose entries in the timeline were committed out of order.
SWEEP_EVERY = timedelta(days=1)


def run(stop: StopEvent, *, until_empty: bool = False) -> None:
    """Searches until `stop` is set; with `until_empty`, until everybody is checked."""
    poll(partial(search, stop), stop, interval=POLL, until_empty=until_empty)


def search(stop: StopEvent) -> bool:
    """One step. Returns whether there was something to check."""
    was_busy = check_changed() or sweep()
    if was_busy and connection.vendor == "sqlite":
        stop.wait(SQLITE_PAUSE)
    return was_busy


def check_changed() -> bool:
    """Checks the customers whose timeline has new entries."""
    state = SearchState.objects.first()
    if state is None or not Event.objects.filter(pk__gt=state.last_event_id).exists():
        return False
    with transaction.atomic():
        if (state := _leased()) is None:
            return False
        entries = Event.objects.filter(pk__gt=state.last_event_id).order_by("pk").values_list("pk", "user_id")[:ENTRIES]
        ids = dict(entries)
        duplicates.check(set(ids.values()))
        state.last_event_id = max(ids, default=state.last_event_id)
        state.save()
    return bool(ids)


def sweep() -> bool:
    """Checks the next customers of a sweep, if one is due."""
    last = SearchState.objects.first() or _first_state()
    if last.swept_at and timezone.now() < last.swept_at + SWEEP_EVERY:
        return False
    with transaction.atomic():
        if (state := _leased()) is None:
            return False
        people = Customer.objects.filter(pk__gt=state.cursor).order_by("pk")
        if ids := list(people.values_list("pk", flat=True)[:CUSTOMERS]):
            duplicates.check(ids)
            state.cursor = ids[-1]
        else:
            duplicates.delete_orphans()
            state.cursor, state.swept_at = 0, timezone.now()
        state.save()
    return bool(ids)


def _first_state() -> SearchState:
    """The first sweep checks everybody, so that the entries up to now need not be read."""
    newest = Event.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    return SearchState.objects.get_or_create(pk=1, defaults={"last_event_id": newest})[0]


def _leased() -> SearchState | None:
    """The state, locked; None if another worker has it."""
    return SearchState.objects.select_for_update(skip_locked=True).first()
