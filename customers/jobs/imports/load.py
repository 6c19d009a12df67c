"""How an import is done: each step stores one chunk of rows. `total` and `position` count bytes, `cursor` lines."""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b
from typing import Any, BinaryIO, Self, TypeVar, cast

from customers import insertion, services, validation
from customers.jobs import runner
from customers.jobs.imports import parse
from customers.jobs.imports.header import FileFormat
from customers.jobs.imports.lines import Position
from customers.jobs.imports.parse import Row
from customers.jobs.imports.refusals import rejected_row
from customers.jobs.imports.rows import InvalidRow, ParsedCustomer, parse_row
from customers.jobs.imports.values import DateOrder, Rules
from customers.jobs.models import DryRunEmail, Job, RejectedRow
from customers.jobs.registry import JobType, Options, Steps
from customers.metadata.services import bindings
from customers.models import Customer
from customers.validation import EmailTaken
from oauth.actor import Actor
from oauth.errors import ServiceError

CHUNK = 4_000  # rows; more are no faster, and delay the first progress
PAGE_CHUNK = 1_000  # rows, where the dashboard runs the import: on SQLite other writers wait for one chunk
CHUNK_BYTES = 32 * 2**20  # a chunk ends here at the latest: a statement of PostgreSQL has to stay below 1 GiB
MAX_WARNINGS = 1_000  # that are kept, of a file
ONLY_NEW = ("email", "user_type", "date_joined")  # an update leaves these alone

Item = TypeVar("Item")


@dataclass(frozen=True, kw_only=True)
class ImportOptions(Options):
    """`fields`: the field of a customer by the header of its column. `update`: update existing customers. `date_order`:
    see DateOrder. `country`: the code of the country of addresses without one; without it, these are rejected."""

    file_name: str
    file_format: FileFormat
    fields: Mapping[str, str] = field(default_factory=dict)
    update: bool = False
    date_order: str = ""
    country: str = ""

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        return cls(**{**value, "file_format": FileFormat(**value["file_format"])})


class Import(JobType[ImportOptions]):
    key, label, options_type = "import", "Import", ImportOptions
    permission = "customers.import_customer"
    rejected_rows_are_personal = True

    def steps(self, job: Job) -> Steps:
        with open_file(job) as file:
            yield from steps(job, file, size=PAGE_CHUNK)

    def on_finish(self, job: Job) -> None:
        job.dry_run_emails.all().delete()
        if not job.dry_run:
            runner.delete_files(job.files.all())

    def title(self, job: Job) -> str:
        return f"Import of {self.options_of(job).file_name or 'a file'}"

    def customers(self, job: Job) -> int:
        return job.created + job.updated + job.rejected

    def outcome(self, job: Job) -> list[tuple[int, str]]:
        would_be = "would be " if job.dry_run else ""
        counters = {"created": job.created, "updated": job.updated, "rejected": job.rejected}
        outcome = [(number, would_be + name) for name, number in counters.items()]
        return [*outcome, (job.warnings, "with a warning")] if job.warnings else outcome


IMPORT = Import()


def open_file(job: Job) -> BinaryIO:
    """The uploaded file. Raises FileDeleted."""
    stored = job.files.first()
    try:
        if stored:
            # The plain file: Django's would iterate from the start.
            return cast(BinaryIO, stored.file.storage.open(str(stored), "rb").file)
    except FileNotFoundError:
        pass
    raise runner.FileDeleted("The file was deleted. Upload it again.")


@dataclass(slots=True)
class ImportedRow(ParsedCustomer):
    row: Row

    @property
    def line(self) -> int:
        return self.row.line


@dataclass(slots=True)
class Chunk:
    """Consecutive rows of a file. The emails of `customers` differ from one another; `duplicates` repeat one of them.
    `rejected` has the errors of each other row."""

    end: Position
    customers: list[ImportedRow]
    duplicates: list[ImportedRow]
    rejected: list[tuple[Row, list[ServiceError]]] = field(default_factory=list)
    prepared: insertion.Prepared | None = None


def steps(job: Job, file: BinaryIO, *, size: int | None = None) -> Steps:
    """The steps from the job's cursor on. `size`: rows per chunk."""
    options = IMPORT.options_of(job)
    rows = parse.rows(file, options.file_format, options.fields, Position(job.cursor, job.position))
    # The bindings are read once, and here: the chunks are prepared in another thread, which must not use the database.
    rules = Rules(bindings(), DateOrder(options.date_order), options.country)
    for chunk in _read_ahead(_chunks(rows, size or CHUNK, rules)):
        yield partial(_check if job.dry_run else _store, chunk, options)
    insertion.finish_bulk_insert(job.created)


def _store(chunk: Chunk, options: ImportOptions, job: Job) -> None:
    by = Actor(user_id=job.started_by_id)
    skipped = insertion.insert_users([each.customer for each in chunk.customers], by, chunk.prepared)
    taken = {chunk.customers[position].line for position in skipped}
    job.created += len(chunk.customers) - len(taken)
    for each in _by_line([*(each for each in chunk.customers if each.line in taken), *chunk.duplicates]):
        try:
            if not options.update:
                raise EmailTaken
            _update(each, by)
            job.updated += 1
        except ServiceError as error:
            chunk.rejected.append((each.row, [error]))
    _save_progress(job, chunk, options)


def _check(chunk: Chunk, options: ImportOptions, job: Job) -> None:
    """A dry run: counts what `_store` would do."""
    digests = {each.line: _email_digest(each) for each in chunk.customers}
    seen = set(job.dry_run_emails.filter(digest__in=digests.values()).values_list("digest", flat=True))
    known = insertion.taken_emails(each.email_key for each in chunk.customers)
    for each in _by_line([*chunk.customers, *chunk.duplicates]):
        is_new = digests.get(each.line, 0) not in seen and each.email_key not in known
        if is_new and each.line in digests:
            job.created += 1
        elif options.update:
            job.updated += 1
        else:
            chunk.rejected.append((each.row, [EmailTaken()]))
    emails = [DryRunEmail(job=job, digest=digest) for digest in digests.values()]
    DryRunEmail.objects.bulk_create(emails, ignore_conflicts=True)
    _save_progress(job, chunk, options)


def _save_progress(job: Job, chunk: Chunk, options: ImportOptions) -> None:
    job.cursor, job.position = chunk.end
    job.rejected += len(chunk.rejected)
    rejected = {row.line for row, _ in chunk.rejected}
    stored = [each for each in (*chunk.customers, *chunk.duplicates) if each.line not in rejected]
    entries = [rejected_row(job, row, errors, options.fields) for row, errors in chunk.rejected]
    warned = [each for each in stored if each.warnings]
    kept = warned[: max(MAX_WARNINGS - job.warnings, 0)]
    job.warnings += len(warned)
    entries += [rejected_row(job, each.row, each.warnings, options.fields, is_warning=True) for each in kept]
    RejectedRow.objects.bulk_create(sorted(entries, key=lambda entry: entry.line))


def _chunks(rows: Iterable[Row], size: int, rules: Rules) -> Iterator[Chunk]:
    for group in _groups(rows, size):
        customers: dict[str, ImportedRow] = {}
        chunk = Chunk(end=group[-1].end, customers=[], duplicates=[])
        for row in group:
            if isinstance(row.values, ServiceError):
                chunk.rejected.append((row, [row.values]))
                continue
            try:
                parsed = parse_row(row.values, rules)
            except InvalidRow as error:
                chunk.rejected.append((row, error.errors))
                continue
            customer = ImportedRow(parsed.customer, parsed.warnings, row)
            if customers.setdefault(customer.email_key, customer) is not customer:
                chunk.duplicates.append(customer)
        chunk.customers = list(customers.values())
        if insertion.takes_statement():
            chunk.prepared = insertion.prepare([each.customer for each in chunk.customers])
        yield chunk


def _groups(rows: Iterable[Row], size: int) -> Iterator[list[Row]]:
    group: list[Row] = []
    for row in rows:
        group.append(row)
        if len(group) == size or row.end.bytes - group[0].end.bytes >= CHUNK_BYTES:
            yield group
            group = []
    if group:
        yield group


def _read_ahead(items: Iterator[Item]) -> Iterator[Item]:
    """The same items. A thread prepares the next one while the database stores the last."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        upcoming = pool.submit(next, items, None)
        while (item := upcoming.result()) is not None:
            upcoming = pool.submit(next, items, None)
            yield item


def _by_line(customers: list[ImportedRow]) -> list[ImportedRow]:
    return sorted(customers, key=lambda customer: customer.line)


def _email_digest(customer: ParsedCustomer) -> int:
    digest = blake2b(customer.email_key.encode(), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)


def _update(row: ParsedCustomer, by: Actor) -> None:
    """Sets the given fields of an existing customer; the addresses stay as they are. Raises ServiceError."""
    customer = Customer.objects.with_email(row.person["email"]).first()
    if customer is None:
        raise validation.EmailFixed  # the email belongs to staff
    services.update_user(
        customer.pk, by=by, **{name: value for name, value in row.person.items() if name not in ONLY_NEW}
    )
