"""How long rows are kept (`settings.RETENTION_DAYS`), and how many of them are deleted without locking much."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

BATCH = 1_000  # rows in a transaction


def end_of(kind: str) -> datetime:
    """Rows from before this time are not kept any longer. For kinds that have an end in every store."""
    return timezone.now() - timedelta(days=settings.RETENTION_DAYS[kind])


def end_if_any(kind: str) -> datetime | None:
    """As `end_of`, for kinds that a store may keep for ever. None: for ever."""
    return end_of(kind) if settings.RETENTION_DAYS[kind] is not None else None


def kept_for(kind: str) -> str:
    """The time for the texts of pages and documents, as in "1 day". For kinds that have an end in every store."""
    days = settings.RETENTION_DAYS[kind]
    return "1 day" if days == 1 else f"{days} days"


def delete_in_batches(rows: QuerySet, *, index: str = "pk") -> Iterator[int]:
    """Deletes the rows in short transactions. Yields the number of rows of each one. `index`: the order in which the
    database finds these rows quickly."""
    while ids := list(rows.order_by(index).values_list("pk", flat=True)[:BATCH]):
        batch: Any = rows.model._base_manager.filter(pk__in=ids)
        batch.delete()
        yield len(ids)
        if len(ids) < BATCH:
            return
