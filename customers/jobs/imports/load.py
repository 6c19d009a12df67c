"""Bringing in the customers of a file, chunk by chunk.

A job's options: `layout` (see `parse.Layout`), `fields` (header to field), and `update` (change customers who exist).
`total` and `position` are bytes, `cursor` is the number of lines read.
"""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import partial
from hashlib import blake2b
from itertools import islice
from typing import BinaryIO, TypeVar, cast

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from customers import services, validation
from customers.insertion import analyze_after_bulk_insert
from customers.jobs import runner
from customers.jobs.imports import parse, storing
from customers.jobs.imports.parse import Layout, Place, Row
from customers.jobs.imports.rows import Draft, draft
from customers.jobs.models import DryRunEmail, Job, JobFile, RejectedRow
from customers.metadata.services import Bindings, bindings
from customers.models import Customer, User
from customers.validation import EmailTaken
from oauth.actor import Actor
from oauth.errors import ServiceError

CHUNK = 4_000  # rows; more are no faster, and wait longer for the first of them
CHUNK_BYTES = 32 * 2**20  # or so much of the file: a statement of PostgreSQL has to stay below 1 GiB
ONLY_NEW = ("email", "user_type", "date_joined")  # what an update leaves alone
SHOWN_ROWS = 3

Item = TypeVar("Item")


@dataclass(slots=True)
class Chunk:
    """Some rows in a row of a file: drafts whose emails differ from one another, those with an email again, and why
    the others are refused, by line."""

    end: Place
    drafts: list[Draft]
    again: list[Draft]
    refused: list[tuple[int, ServiceError]] = field(default_factory=list)
    statement: storing.Statement | None = None


def prepare(upload: UploadedFile, *, by: User) -> Job:
    """Keeps a file for an import. Raises ServiceError for one that can't be read."""
    layout = parse.look(upload)  # type: ignore[arg-type]  # it reads as a file does
    with transaction.atomic():
        options = {"name": upload.name, "layout": asdict(layout)}
        job = runner.prepare(Job.Kind.IMPORT, started_by=by, total=upload.size or 0, options=options)
        JobFile.objects.create(job=job, file=upload)
    return job


def layout_of(job: Job) -> Layout:
    return Layout(**job.options["layout"])


def stored_file(job: Job) -> BinaryIO:
    """Raises ServiceError where it is not kept any more."""
    stored = job.files.first()
    try:
        if stored:
            # The plain file: Django's would iterate from the start.
            return cast(BinaryIO, stored.file.storage.open(str(stored), "rb").file)
    except FileNotFoundError:
        pass
    raise ServiceError("The file is not kept any more. Upload it again.")


def first_rows(job: Job) -> list[dict[str, str]]:
    """Texts by header, of the first rows that can be read. Raises ServiceError."""
    layout = layout_of(job)
    with stored_file(job) as file:
        rows = islice(parse.rows(file, layout, {header: header for header in layout.headers}), SHOWN_ROWS)
        return [
            {header: str(value).encode(errors="replace").decode() for header, value in row.values.items()}
            for row in rows
            if isinstance(row.values, dict)
        ]


def steps(job: Job, file: BinaryIO, *, size: int | None = None) -> runner.Steps:
    """`size`: rows of a chunk."""
    rows = parse.rows(file, layout_of(job), job.options["fields"], Place(job.cursor, job.position))
    created = job.created
    # Once, and here: the chunks are prepared in another thread, which has no business with the database.
    for chunk in _ahead(_chunks(rows, size or CHUNK, bindings())):
        yield partial(_rehearse if job.dry_run else _store, chunk)
    job.dry_run_emails.all().delete()
    if not job.dry_run:
        runner.delete_files(job.files.all())
    analyze_after_bulk_insert(job.created - created)


def _store(chunk: Chunk, job: Job) -> None:
    by = Actor(user_id=job.started_by_id)
    known = storing.store(chunk.drafts, by, chunk.statement)
    job.created += len(chunk.drafts) - len(known)
    for each in _in_order([*(each for each in chunk.drafts if each.line in known), *chunk.again]):
        try:
            if not job.options["update"]:
                raise EmailTaken
            _update(each, by)
            job.updated += 1
        except ServiceError as error:
            chunk.refused.append((each.line, error))
    _advance(job, chunk)


def _rehearse(chunk: Chunk, job: Job) -> None:
    """What `_store` would do."""
    numbers = {each.line: _number(each) for each in chunk.drafts}
    seen = set(job.dry_run_emails.filter(digest__in=numbers.values()).values_list("digest", flat=True))
    known = storing.known_emails(chunk.drafts)
    for each in _in_order([*chunk.drafts, *chunk.again]):
        is_new = numbers.get(each.line, 0) not in seen and each.person["email"].lower() not in known
        if is_new and each.line in numbers:
            job.created += 1
        elif job.options["update"]:
            job.updated += 1
        else:
            chunk.refused.append((each.line, EmailTaken()))
    DryRunEmail.objects.bulk_create(
        [DryRunEmail(job=job, digest=number) for number in numbers.values()], ignore_conflicts=True
    )
    _advance(job, chunk)


def _advance(job: Job, chunk: Chunk) -> None:
    job.cursor, job.position = chunk.end
    job.rejected += len(chunk.refused)
    RejectedRow.objects.bulk_create(
        RejectedRow(job=job, line=line, field=".".join(map(str, error.path)), reason=error.message)
        for line, error in sorted(chunk.refused, key=lambda refusal: refusal[0])
    )


def _chunks(rows: Iterable[Row], size: int, bound: Bindings) -> Iterator[Chunk]:
    for some in _groups(rows, size):
        drafts: dict[str, Draft] = {}
        chunk = Chunk(end=some[-1].end, drafts=[], again=[])
        for line, _, values in some:
            try:
                if isinstance(values, ServiceError):
                    raise values
                each = draft(line, values, bound)
            except ServiceError as error:
                chunk.refused.append((line, error))
                continue
            if drafts.setdefault(each.person["email"].lower(), each) is not each:
                chunk.again.append(each)
        chunk.drafts = list(drafts.values())
        chunk.statement = storing.prepare(chunk.drafts)
        yield chunk


def _groups(rows: Iterable[Row], size: int) -> Iterator[list[Row]]:
    some: list[Row] = []
    for row in rows:
        some.append(row)
        if len(some) == size or row.end.bytes - some[0].end.bytes >= CHUNK_BYTES:
            yield some
            some = []
    if some:
        yield some


def _ahead(items: Iterator[Item]) -> Iterator[Item]:
    """The same, the next one prepared while the database is busy with the last."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        upcoming = pool.submit(next, items, None)
        while (item := upcoming.result()) is not None:
            upcoming = pool.submit(next, items, None)
            yield item


def _in_order(drafts: list[Draft]) -> list[Draft]:
    return sorted(drafts, key=lambda draft: draft.line)


def _number(draft: Draft) -> int:
    digest = blake2b(draft.person["email"].lower().encode(), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)


def _update(found: Draft, by: Actor) -> None:
    """Gives somebody who is there what the file says of the person; addresses stay. Raises ServiceError."""
    customer = Customer.objects.filter(email__lower=found.person["email"].lower()).first()
    if customer is None:
        raise validation.EmailFixed  # somebody of the staff
    services.update_user(
        customer.pk, by=by, **{name: value for name, value in found.person.items() if name not in ONLY_NEW}
    )
