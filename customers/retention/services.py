"""What the store deletes after its time. `run_worker` does it once a day, and `manage.py clear_expired` at once."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import Event as StopEvent

from django.contrib.admin.models import LogEntry
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from customers import timeline
from customers.core import idempotency, ratelimit
from customers.core.retention import delete_in_batches, end_if_any
from customers.jobs import cleanup as jobs
from customers.merging import services as merging
from customers.mirror import services as mirror
from customers.webhooks import services as webhooks
from oauth import api_usage
from oauth.accounts import lockout
from oauth.accounts.models import Session
from oauth.audit.models import AuditEvent

# Seconds between two batches, in which other writers get their turn. On SQLite they poll for the lock.
PAUSE = {"sqlite": 0.1, "postgresql": 0.01}


@dataclass(frozen=True)
class Rule:
    """`delete` deletes in short transactions, and yields the number of rows of each."""

    name: str
    label: str
    delete: Callable[[], Iterator[int]]


def _delete_tokens() -> Iterator[int]:
    call_command("cleartokens", verbosity=0)  # in batches of its own
    yield 0


def _delete_sessions() -> Iterator[int]:
    return delete_in_batches(Session.objects.filter(expire_date__lt=timezone.now()), index="expire_date")


def _delete_dashboard_log() -> Iterator[int]:
    if before := end_if_any("dashboard_log"):
        yield from delete_in_batches(LogEntry.objects.filter(action_time__lt=before))


def _delete_security_log() -> Iterator[int]:
    before = end_if_any("security_log")
    while before and (number := AuditEvent.objects.delete_batch(before)):
        yield number


def _delete_api_usage() -> Iterator[int]:
    if before := end_if_any("api_usage"):
        yield from delete_in_batches(api_usage.from_before(before), index="hour")


RULES = (
    Rule("tokens", "expired tokens", _delete_tokens),
    Rule("sessions", "sessions", _delete_sessions),
    Rule("attempts", "counters of failed attempts", lambda: delete_in_batches(lockout.expired())),
    Rule("answers", "stored responses", lambda: delete_in_batches(idempotency.expired(), index="created_at")),
    Rule("limits", "rate limit counters", ratelimit.delete_replaced_tokens),
    Rule("jobs", "imports, exports and bulk edits", jobs.delete_old),
    Rule("deliveries", "webhook deliveries", webhooks.delete_old_deliveries),
    Rule("merges", "snapshots of merged customers", merging.delete_old_snapshots),
    Rule("received", "events of mirrored stores", mirror.delete_old_events),
    Rule("timeline", "entries of timelines", timeline.delete_old),
    Rule("usage", "hours of API usage", _delete_api_usage),
    Rule("dashboard_log", "entries of the dashboard's log", _delete_dashboard_log),
    Rule("security_log", "entries of the security log", _delete_security_log),
)


def carry_out(rule: Rule, stop: StopEvent) -> tuple[int, bool]:
    """The number of deleted rows, and whether these are all; not if `stop` was set meanwhile."""
    total = 0
    for number in rule.delete():
        total += number
        if stop.wait(PAUSE[connection.vendor]):
            return total, False
    return total, True
