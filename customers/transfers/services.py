"""Bringing in the customers of a file, chunk by chunk, each a transaction of its own."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

from django.db import connection, transaction
from django.utils import timezone

from customers import rules, services
from customers.models import Address, Customer, Event, User
from customers.rules import CustomerError, EmailTaken
from customers.services import Actor
from customers.transfers import storing
from customers.transfers.models import Import
from customers.transfers.reading import Row
from customers.transfers.rows import Draft, draft

CHUNK = 10_000
MANY = 10_000  # so many new rows change what the planner should know of a table
ONLY_NEW = ("email", "user_type", "date_joined")  # what an update leaves alone


Item = TypeVar("Item")


class AnotherImport(Exception):
    """The same file is being imported elsewhere, too."""


@dataclass(slots=True)
class Chunk:
    """What became of some rows in a row of a file, `line` being where the last of them begins."""

    line: int
    created: int = 0
    updated: int = 0
    refused: list[tuple[int, CustomerError]] = field(default_factory=list)


# Told of each chunk before it is committed.
Listener = Callable[[Chunk], None]


def run(
    rows: Iterable[Row], *, by: Actor, progress: Import | None = None, update: bool = False, told: Listener
) -> None:
    """Brings in the customers of `rows`. Ended at any moment, it has done whole chunks, and `progress` tells which.

    Raises AnotherImport.
    """
    created = 0
    for drafts, again, chunk in _ahead(_drafted(rows)):
        with transaction.atomic():
            if progress:
                _lock(progress)
            known = storing.store(drafts, by)
            chunk.created = len(drafts) - len(known)
            for found in _in_order([*(each for each in drafts if each.line in known), *again]):
                try:
                    if not update:
                        raise EmailTaken
                    _update(found, by)
                    chunk.updated += 1
                except CustomerError as error:
                    chunk.refused.append((found.line, error))
            chunk.refused.sort(key=lambda refusal: refusal[0])
            if progress:
                _advance(progress, chunk)
            told(chunk)
        created += chunk.created
    if progress:
        Import.objects.filter(pk=progress.pk).update(finished_at=timezone.now())
    if created >= MANY and connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            for model in (User, Address, Event):
                cursor.execute(f"ANALYZE {model._meta.db_table}")


def rehearse(rows: Iterable[Row], *, update: bool = False, told: Listener) -> None:
    """What `run` would do, without doing it. Remembers each email of the file as a number, to know it again."""
    seen: set[int] = set()
    for drafts, again, chunk in _drafted(rows):
        known = storing.known_emails(drafts)
        for each in _in_order([*drafts, *again]):
            email = each.person["email"].lower()
            if email not in known and hash(email) not in seen:
                chunk.created += 1
            elif update:
                chunk.updated += 1
            else:
                chunk.refused.append((each.line, EmailTaken()))
            seen.add(hash(email))
        chunk.refused.sort(key=lambda refusal: refusal[0])
        told(chunk)


def _drafted(rows: Iterable[Row]) -> Iterator[tuple[list[Draft], list[Draft], Chunk]]:
    """Drafts whose emails differ from one another, those with an email again, and a chunk with the other refusals."""
    rows = iter(rows)
    while some := list(islice(rows, CHUNK)):
        drafts: dict[str, Draft] = {}
        again: list[Draft] = []
        chunk = Chunk(line=some[-1][0])
        for line, row in some:
            try:
                if isinstance(row, CustomerError):
                    raise row
                each = draft(line, row)
            except CustomerError as error:
                chunk.refused.append((line, error))
                continue
            if drafts.setdefault(each.person["email"].lower(), each) is not each:
                again.append(each)
        yield list(drafts.values()), again, chunk


def _ahead(items: Iterator[Item]) -> Iterator[Item]:
    """The same, the next one prepared while the database is busy with the last."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        upcoming = pool.submit(next, items, None)
        while (item := upcoming.result()) is not None:
            upcoming = pool.submit(next, items, None)
            yield item


def _in_order(drafts: list[Draft]) -> list[Draft]:
    return sorted(drafts, key=lambda draft: draft.line)


def _update(found: Draft, by: Actor) -> None:
    """Gives somebody who is there what the file says of the person; addresses stay. Raises CustomerError."""
    customer = Customer.objects.filter(email__lower=found.person["email"].lower()).first()
    if customer is None:
        raise rules.EmailFixed  # somebody of the staff
    services.update_user(
        customer.pk, by=by, **{name: value for name, value in found.person.items() if name not in ONLY_NEW}
    )


def _lock(progress: Import) -> None:
    line = Import.objects.select_for_update().filter(pk=progress.pk).values_list("line", flat=True).first()
    if line != progress.line:
        raise AnotherImport


def _advance(progress: Import, chunk: Chunk) -> None:
    progress.line = chunk.line
    progress.created += chunk.created
    progress.updated += chunk.updated
    progress.refused += len(chunk.refused)
    progress.save(update_fields=["line", "created", "updated", "refused"])
