"""The state of the store, read from the database at each scrape. Every machine reports the same values."""

from collections.abc import Iterator

from django.db import DatabaseError, InterfaceError, connection
from django.db.models import Count, Min, Q
from django.utils import timezone
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from customers.jobs import heartbeat
from customers.jobs.models import Job
from customers.jobs.runner import MAX_FAILURES
from customers.mirror.models import MirroredCustomer
from customers.webhooks import backlog
from oauth import replica
from oauth.accounts.models import Email

CONNECTIONS = """
    SELECT coalesce(state, 'unknown'), count(*) FROM pg_stat_activity WHERE datname = current_database() GROUP BY 1
"""


class StoreCollector(Collector):
    def collect(self) -> Iterator[Metric]:
        """Without the database: only the metric that says so."""
        try:
            metrics = [*database(), *replica_lag(), *queues(), *jobs(), *mirror(), *workers()]
        except (DatabaseError, InterfaceError):
            metrics = []
        yield gauge("store_database_up", "1 if the database answers", bool(metrics))
        yield from metrics


def gauge(name: str, description: str, value: float) -> Metric:
    return GaugeMetricFamily(name, description, value=value)


def gauge_by(label: str, name: str, description: str, values: dict[str, int]) -> Metric:
    family = GaugeMetricFamily(name, description, labels=[label])
    for each, value in values.items():
        family.add_metric([each], value)
    return family


def database() -> Iterator[Metric]:
    """PostgreSQL only: SQLite has no connections to count."""
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute(CONNECTIONS)
        states = dict(cursor.fetchall())
        cursor.execute("SELECT current_setting('max_connections')::int")
        (most,) = cursor.fetchone()
    yield gauge_by("state", "store_database_connections", "Connections to the store's database", states)
    yield gauge("store_database_connections_max", "Connections that the database server accepts", most)


def replica_lag() -> Iterator[Metric]:
    if replica.IS_CONFIGURED and (lag := replica.lag()) is not None:
        yield gauge("store_replica_lag_bytes", "Write-ahead log that the replica has not replayed", lag)


def queues() -> Iterator[Metric]:
    yield gauge("store_webhook_queue_length", "Webhook deliveries that wait, retries included", backlog.length())
    yield gauge(
        "store_webhook_queue_age_seconds", "For how long the oldest due delivery is due", backlog.seconds_behind()
    )
    now = timezone.now()
    emails = Email.objects.filter(due_at__lte=now).aggregate(count=Count("pk"), oldest=Min("due_at"))
    yield gauge("store_email_queue_length", "Emails that are due", emails["count"])
    yield gauge("store_email_queue_age_seconds", "For how long the oldest due email is due", since(emails["oldest"]))


def jobs() -> Iterator[Metric]:
    started = Job.objects.filter(finished_at=None).exclude(started_at=None)
    states = {
        "running": Q(failures=0),
        "retrying": Q(failures__gt=0, failures__lt=MAX_FAILURES),
        "failed": Q(failures__gte=MAX_FAILURES),
    }
    counted = started.aggregate(**{state: Count("pk", filter=condition) for state, condition in states.items()})
    yield gauge_by("state", "store_jobs", "Started jobs, such as imports and exports, that have not finished", counted)


def mirror() -> Iterator[Metric]:
    stale = MirroredCustomer.objects.exclude(refresh_due_at=None).aggregate(
        count=Count("pk"), oldest=Min("stale_since")
    )
    yield gauge("store_mirror_stale_customers", "Customers of mirrored stores that wait to be read", stale["count"])
    yield gauge("store_mirror_lag_seconds", "Age of the oldest change that is not mirrored", since(stale["oldest"]))


def workers() -> Iterator[Metric]:
    yield gauge("store_workers", "Workers that are alive", heartbeat.workers_alive())


def since(moment) -> float:
    """Seconds; 0 for None."""
    return max((timezone.now() - moment).total_seconds(), 0) if moment else 0
