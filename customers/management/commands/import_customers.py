import hashlib
import shutil
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from customers.jobs import runner
from customers.jobs.imports import load, refusals
from customers.jobs.imports.header import detect_format
from customers.jobs.imports.load import IMPORT, ImportOptions
from customers.jobs.imports.values import DateOrder
from customers.jobs.models import Job
from customers.jobs.progress import ProgressLine, prepare_for_many_rows
from customers.metadata import services as definitions
from customers.validation import COUNTRY_CODES
from oauth.errors import ServiceError


class Command(BaseCommand):
    help = (
        "Import customers from a file: CSV with a header, or JSON Lines. Each row is validated as by the API. Invalid "
        "rows and rows with an email that exists are rejected; the exit code is 1 then. The import can be stopped at "
        "any moment; --resume continues it."
    )

    # The checks load everything that serves requests, which takes longer than importing thousands of rows.
    requires_system_checks = []

    def add_arguments(self, parser):
        parser.add_argument("file", metavar="FILE", help="- for standard input, which can't be resumed.")
        parser.add_argument(
            "--map",
            action="append",
            default=[],
            metavar="HEADER=FIELD",
            help="Import this column as FIELD; HEADER= ignores the column. May be given several times.",
        )
        parser.add_argument(
            "--delimiter",
            default="",
            metavar="CHARACTER",
            help="What separates the cells of CSV; tab for a tab. Default: it is guessed from the header.",
        )
        parser.add_argument(
            "--dates",
            choices=[order.value for order in DateOrder if order],
            default="",
            help="What comes first in dates such as 05/01/2020. Without it, such a date is refused.",
        )
        parser.add_argument(
            "--country",
            default="",
            metavar="CODE",
            choices=COUNTRY_CODES,
            help="The country of addresses without one, as in GB. Without it, their rows are rejected.",
        )
        parser.add_argument("--dry-run", action="store_true", help="Validate and count, but store nothing.")
        parser.add_argument(
            "--report",
            metavar="FILE",
            help="Write the rejected rows to a file, each with all reasons as its last cell. Correct and import it.",
        )
        parser.add_argument("--resume", action="store_true", help="Continue a stopped import of this file.")
        parser.add_argument(
            "--update",
            action="store_true",
            help="Update existing customers (matched by email) instead of rejecting the row. Their addresses stay as "
            "they are.",
        )

    def handle(self, *, file, map, dry_run, report, resume, **options):
        if resume and (dry_run or file == "-"):
            raise CommandError("--resume needs a FILE, and can't be combined with --dry-run.")
        with ExitStack() as stack:
            source = self.open(file, stack)
            report_file = self.open_report(report, stack) if report else None
            if resume:
                job = self.stopped_job(source)
            else:
                job = self.new_job(source, file, self.mapping(map), dry_run=dry_run, **options)
            try:
                self.run(job, source)
            finally:
                self.report(job, report_file)
                if dry_run:
                    runner.discard(job)
        if job.rejected:
            sys.exit(1)

    def open(self, file: str, stack: ExitStack) -> BinaryIO:
        if file == "-":
            copy = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115  the caller's stack closes it
            shutil.copyfileobj(sys.stdin.buffer, copy)
            return copy
        try:
            return stack.enter_context(Path(file).open("rb"))
        except OSError as error:
            raise CommandError(f"Can't read {file}: {error.strerror}.") from None

    def open_report(self, report: str, stack: ExitStack):
        try:
            return stack.enter_context(Path(report).open("w", newline="", encoding="utf-8", errors="backslashreplace"))
        except OSError as error:
            raise CommandError(f"Can't write {report}: {error.strerror}.") from None

    def mapping(self, given: list[str]) -> dict[str, str]:
        pairs = [each.rpartition("=") for each in given]
        if wrong := next((each for each, pair in zip(given, pairs, strict=True) if not pair[1]), None):
            raise CommandError(f"--map takes HEADER=FIELD, not {wrong!r}.")
        return {" ".join(header.split()): field.strip() for header, _, field in pairs}

    def new_job(
        self,
        source: BinaryIO,
        file: str,
        mapping: dict[str, str],
        *,
        dry_run: bool,
        update: bool,
        delimiter: str,
        dates: str,
        country: str,
        **options: Any,
    ) -> Job:
        """Replaces an earlier import of this file, which can't be resumed any more."""
        try:
            file_format = detect_format(source, delimiter="\t" if delimiter == "tab" else delimiter)
            fields = file_format.map_columns(mapping, definitions.customer_names())
        except ServiceError as error:
            raise CommandError(error.message) from None
        self.show_columns(file_format.headers, fields)
        digest = "" if dry_run or file == "-" else self.digest(source)
        if digest:
            Job.objects.filter(digest=digest).delete()
        return runner.create(
            IMPORT,
            ImportOptions(
                file_name=Path(file).name,
                file_format=file_format,
                fields=fields,
                update=update,
                date_order=dates,
                country=country,
            ),
            dry_run=dry_run,
            digest=digest,
            total=source.seek(0, 2),
            started_at=timezone.now(),
        )

    def show_columns(self, headers: list[str], fields: dict[str, str]) -> None:
        width = max(map(len, headers), default=0)
        for header in headers:
            self.stdout.write(f"{header:{width}}  {fields.get(header) or '(ignored)'}")
        if "email" not in fields.values():
            raise CommandError("No column maps to email. Use --map HEADER=email.")

    def stopped_job(self, source: BinaryIO) -> Job:
        stopped = Job.objects.filter(digest=self.digest(source), finished_at=None).first()
        if stopped is None:
            raise CommandError("No stopped import of this file was found.")
        self.stdout.write(f"Resuming after line {stopped.cursor}.")
        return stopped

    def digest(self, source: BinaryIO) -> str:
        source.seek(0)
        return hashlib.file_digest(source, "sha256").hexdigest()  # type: ignore[arg-type]  # a file will do

    def run(self, job: Job, source: BinaryIO) -> None:
        bar = ProgressLine(sys.stderr)
        prepare_for_many_rows()
        try:
            runner.work(job, load.steps(job, source), on_progress=bar.show)
        except runner.Busy:
            raise CommandError("Another import of this file is running.") from None
        except KeyboardInterrupt:
            job.refresh_from_db()
            resumable = " Use --resume to continue." if job.digest else ""
            raise CommandError(f"Stopped at line {job.cursor}. Imported customers are kept.{resumable}") from None
        finally:
            bar.close()

    def report(self, job: Job, report_file: TextIO | None) -> None:
        entries = job.rejected_rows.order_by("pk")
        if report_file:
            report_file.writelines(refusals.file_lines(job, IMPORT.options_of(job).file_format))
            entries = entries.filter(is_warning=True)
        for entry in entries.iterator():
            self.stderr.write(str(entry))
        would_be = "would be " if job.dry_run else ""
        self.stdout.write(f"{job.created} {would_be}created, {job.updated} updated, {job.rejected} rejected.")
