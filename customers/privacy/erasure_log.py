"""The log of erasures. It lies outside the database, so that a restored backup can be brought up to date: who was
erased after the backup was made is erased again.

The log is a storage (`STORAGES["erasures"]`) with one small file for each erased id. Nothing is ever changed or deleted
in it, and it holds ids and times only. The name of a file has all of its content, so that a torn file says as much.
"""

import json
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Event as StopEvent
from typing import Self

from django.core.files.base import ContentFile
from django.core.files.storage import Storage, storages

from customers.core.polling import poll
from customers.merging import services as merging
from customers.models import Event
from oauth.audit.models import AuditEvent

POLL = 60.0  # seconds between two searches for erasures that are missing in the log
# A transaction that erases may be committed so long after the time of its entry.
LONGEST_TRANSACTION = timedelta(hours=1)
TIME_FORMAT = "%Y%m%dT%H%M%S.%fZ"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Entry:
    at: datetime
    customer_id: int

    @property
    def file_name(self) -> str:
        return f"{self.at.astimezone(UTC).strftime(TIME_FORMAT)}-{self.customer_id}.json"

    @classmethod
    def from_file_name(cls, name: str) -> Self:
        """Raises ValueError for the name of another file."""
        at, _, rest = name.partition("-")
        customer_id = rest.removesuffix(".json").partition("_")[0]  # a storage adds _… to a name that it has already
        return cls(datetime.strptime(at, TIME_FORMAT).replace(tzinfo=UTC), int(customer_id))


def entries() -> Iterator[Entry]:
    """All entries, the oldest first. Other files are left out."""
    for name in sorted(_names(_storage())):
        try:
            yield Entry.from_file_name(name)
        except ValueError:
            logger.warning("%s in the log of erasures is no entry of it.", name)


def write(erased: Event) -> None:
    """Logs an erasure that was committed. `erased`: its entry in the timeline. Also logs the ids of customers who were
    merged into the erased one: a backup from before the merge has them still.

    A storage that fails is only logged: the worker writes what is missing.
    """
    try:
        _write([erased])
    except Exception:  # every storage has errors of its own
        logger.exception("The erasure of customer %s is not in the log of erasures yet.", erased.user_id)


def _write(erased: Iterable[Event], existing: frozenset[str] = frozenset()) -> int:
    storage, written = _storage(), 0
    for event in erased:
        for id in (event.user_id, *merging.merged_ids(event.user_id)):
            entry = Entry(event.at, id)
            if entry.file_name not in existing and not storage.exists(entry.file_name):
                content = json.dumps({"customer": id, "erased_at": event.at.isoformat()})
                storage.save(entry.file_name, ContentFile(content.encode()))
                written += 1
    return written


class MissingEntries:
    """Writes what the log lacks because a process was killed after the commit, or because the storage failed."""

    def __init__(self) -> None:
        self.complete_until: datetime | None = None  # None: the first search is among all erasures

    def run(self, stop: StopEvent, *, until_empty: bool = False) -> None:
        poll(self.write, stop, interval=POLL, until_empty=until_empty)

    def write(self) -> bool:
        """Returns False: there is never more to do than this."""
        logged = AuditEvent.objects.filter(event=AuditEvent.Event.CUSTOMER_ERASED)
        if self.complete_until:
            logged = logged.filter(at__gt=self.complete_until - LONGEST_TRANSACTION)
        found = list(logged.order_by("at").values_list("at", "detail__customer"))
        if found:
            erased = Event.objects.filter(user__in={id for _, id in found}, kind=Event.Kind.ERASED)
            try:
                _write(erased, frozenset(_names(_storage())))
            except Exception:  # every storage has errors of its own
                logger.exception("The log of erasures can't be written; trying again.")
                return False
            self.complete_until = found[-1][0]
        return False


def _storage() -> Storage:
    return storages["erasures"]


def _names(storage: Storage) -> list[str]:
    try:
        return storage.listdir("")[1]
    except FileNotFoundError:
        return []
