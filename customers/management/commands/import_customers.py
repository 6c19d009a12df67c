import csv
import hashlib
import os
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from django.core.management.base import BaseCommand, CommandError

from customers.rules import CustomerError
from customers.services import STORE
from customers.transfers import reading, services
from customers.transfers.models import Import
from customers.transfers.progress import ProgressLine


class Command(BaseCommand):
    help = (
        "Bring in customers from a file: CSV with a header, or JSON Lines. What the API would refuse is refused, line "
        "by line, and so is an email that somebody has; the exit code is 1 then. It may be stopped at any moment: "
        "--resume goes on where it was."
    )

    def add_arguments(self, parser):
        parser.add_argument("file", metavar="FILE", help="- for standard input, which can't be resumed.")
        parser.add_argument(
            "--map",
            action="append",
            default=[],
            metavar="HEADER=FIELD",
            help="Where the guess from the header is wrong; an empty field ignores the column. May come several times.",
        )
        parser.add_argument("--dry-run", action="store_true", help="Only tell what would be done.")
        parser.add_argument("--report", metavar="FILE", help="The refused lines and why, as CSV.")
        parser.add_argument("--resume", action="store_true", help="Go on with an import of this file that was stopped.")
        parser.add_argument(
            "--update",
            action="store_true",
            help="Change customers who are there, instead of refusing their line. Addresses stay as they are.",
        )

    def handle(self, *, file, map, dry_run, report, resume, update, **options):
        if resume and (dry_run or file == "-"):
            raise CommandError("Only the import of a file can be resumed.")
        with ExitStack() as stack:
            source = self.open(file, stack)
            progress = None if dry_run or file == "-" else self.progress_of(source, resume=resume)
            after = progress.line if progress else 0
            try:
                rows = reading.opened(source)
                fields = rows.fields(self.mapping(map))
            except CustomerError as error:
                raise CommandError(error.message) from None
            self.show(rows.headers, fields)
            self.report = self.open_report(report, after, stack) if report else None
            total = os.path.getsize(file) if file != "-" else None
            self.totals = services.Chunk(line=0)
            self.refused = 0
            self.bar = ProgressLine(sys.stderr, total=total, position=source.tell if total else None)
            try:
                self.run(rows.rows(fields, after), dry_run=dry_run, update=update, progress=progress)
            finally:
                self.bar.close()
        self.stdout.write(
            f"{self.totals.created} {'would be ' if dry_run else ''}created, {self.totals.updated} updated, "
            f"{self.refused} refused."
        )
        if self.refused:
            sys.exit(1)

    def run(self, rows, *, dry_run: bool, update: bool, progress: Import | None) -> None:
        try:
            if dry_run:
                services.rehearse(rows, update=update, told=self.told)
            else:
                services.run(rows, by=STORE, update=update, progress=progress, told=self.told)
        except services.AnotherImport:
            raise CommandError("Another import of this file is running.") from None
        except KeyboardInterrupt:
            resumable = " --resume goes on." if progress else ""
            raise CommandError(f"Stopped at line {self.totals.line}; what was done is kept.{resumable}") from None

    def told(self, chunk: services.Chunk) -> None:
        self.totals.line = chunk.line
        self.totals.created += chunk.created
        self.totals.updated += chunk.updated
        self.refused += len(chunk.refused)
        for line, error in chunk.refused:
            place = ".".join(map(str, error.path))
            if self.report:
                csv.writer(self.report).writerow([line, place, error.message])
            else:
                self.stderr.write(f"Line {line}: {place + ': ' if place else ''}{error.message}")
        if self.report:
            self.report.flush()
        self.bar.show(self.totals.created + self.totals.updated + self.refused)

    def open(self, file: str, stack: ExitStack) -> Any:
        if file == "-":
            return sys.stdin.buffer
        try:
            return stack.enter_context(Path(file).open("rb"))
        except OSError as error:
            raise CommandError(f"Can't read {file}: {error.strerror}.") from None

    def progress_of(self, source: BinaryIO, *, resume: bool) -> Import:
        digest = hashlib.file_digest(source, "sha256").hexdigest()  # type: ignore[arg-type]  # a file will do
        source.seek(0)
        if not resume:
            Import.objects.filter(digest=digest).delete()
            return Import.objects.create(digest=digest)
        stopped = Import.objects.filter(digest=digest, finished_at=None).first()
        if stopped is None:
            raise CommandError("There is no import of this file that was stopped.")
        self.stdout.write(f"Going on after line {stopped.line}.")
        return stopped

    def open_report(self, report: str, after: int, stack: ExitStack) -> TextIO:
        """A new one, or of an import that goes on, what the former one says of the lines that are done."""
        path = Path(report)
        former: list[list[str]] = []
        try:
            if after and path.exists():
                with path.open(newline="", encoding="utf-8") as file:
                    former = [row for row in csv.reader(file) if row[0].isdecimal() and int(row[0]) <= after]
            file = stack.enter_context(path.open("w", newline="", encoding="utf-8", errors="backslashreplace"))
        except OSError as error:
            raise CommandError(f"Can't write {report}: {error.strerror}.") from None
        csv.writer(file).writerows([["line", "field", "reason"], *former])
        return file

    def mapping(self, given: list[str]) -> dict[str, str]:
        pairs = [each.rpartition("=") for each in given]
        if wrong := next((each for each, pair in zip(given, pairs, strict=True) if not pair[1]), None):
            raise CommandError(f"--map takes HEADER=FIELD, not {wrong!r}.")
        return {header.strip(): field.strip() for header, _, field in pairs}

    def show(self, headers: list[str], fields: dict[str, str]) -> None:
        width = max(map(len, headers), default=0)
        for header in headers:
            self.stdout.write(f"{header:{width}}  {fields.get(header) or '(ignored)'}")
        if "email" not in fields.values():
            raise CommandError("No column is the email. --map HEADER=email names it.")
