"""Exports: requesting one, and who may see it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from customers.filters import filter_customers
from customers.jobs import runner
from customers.jobs.exports.parts import EXPORT, ExportOptions
from customers.jobs.exports.query import exportable_customers
from customers.jobs.models import Job, JobFile
from customers.limits import MAX_WAITING_EXPORTS, require_room
from customers.metadata.services import exported_keys
from oauth.actor import Actor
from oauth.audit.log import Event, record
from oauth.errors import ServiceError
from oauth.models import App


@transaction.atomic
def create(filters: Mapping[str, Any], *, by: Actor, origin: str = "") -> Job:
    """An export of the dashboard, which waits to be started with a format. See ExportOptions."""
    options = ExportOptions(filters=filters, metadata_keys=exported_keys(), origin=origin)
    return _create(options, by)


@transaction.atomic
def request(filters: Mapping[str, Any], *, date_from: datetime, date_to: datetime, by: Actor, origin: str) -> Job:
    """A CSV export that a worker makes, of customers who joined between two times, both included.

    Raises ServiceError if the times are in the wrong order, TooMany if too many exports of the app are not finished.
    """
    if date_to < date_from:
        raise ServiceError("This is before date_from.", "date_to")
    waiting = Job.objects.filter(app=by.app_id, kind=EXPORT.key, finished_at=None, failures__lt=runner.MAX_FAILURES)
    require_room(waiting, MAX_WAITING_EXPORTS, f"{MAX_WAITING_EXPORTS} exports are not finished. Wait for one of them.")
    since, until = date_from.isoformat(), date_to.isoformat()  # with microseconds, which Django's JSON encoder drops
    options = ExportOptions(
        filters={**filters, "joined_since": since, "joined_until": until},
        metadata_keys=exported_keys(),
        origin=origin,
        format="csv",
        date_from=since,
        date_to=until,
    )
    return _create(options, by, started_at=timezone.now())


def _create(options: ExportOptions, by: Actor, **fields: Any) -> Job:
    total = filter_customers(exportable_customers(), options.filters).count()
    job = runner.create(EXPORT, options, total=total, started_by_id=by.user_id, app_id=by.app_id, **fields)
    record(Event.EXPORT_REQUESTED, by, export=job.pk, customers=total)
    return job


def requested() -> QuerySet[Job]:
    """Exports that were started, until their file is deleted."""
    has_file = Exists(JobFile.objects.filter(job=OuterRef("pk")))
    return Job.objects.filter(Q(finished_at=None) | has_file, kind=EXPORT.key).exclude(started_at=None)


def visible_to(app_id: int) -> QuerySet[Job]:
    return requested().filter(App.visible_to(app_id))
