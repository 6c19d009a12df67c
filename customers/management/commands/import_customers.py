import csv
import gc
import hashlib
import itertools
import shutil
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO, TextIO

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from customers.jobs import runner
from customers.jobs.imports import load as imports
from customers.jobs.imports import parse
from customers.jobs.models import Job
from customers.jobs.progress import ProgressLine
from oauth.errors import ServiceError


class Command(BaseCommand):
    help = (
        "Bring in customers from a file: CSV with a header, or JSON Lines. What the API would refuse is refused, line "
        "by line, and so is an email that somebody has; the exit code is 1 then. It may be stopped at any moment: "
        "--resume goes on where it was."
    )

    # They load all that answers requests, for longer than thousands of rows take.
    requires_system_checks = []

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
            report_file = self.open_report(report, stack) if report else None
            job = self.stopped_job(source) if resume else self.new_job(source, file, self.mapping(map), dry_run, update)
            try:
                self.run(job, source)
            finally:
                self.tell(job, report_file)
                if dry_run:
                    runner.discard(job)
        if job.rejected:
            sys.exit(1)

    def tell(self, job: Job, report_file: TextIO | None) -> None:
        rejected_rows = job.rejected_rows.order_by("pk")
        if report_file:
            lines = rejected_rows.values_list("line", "field", "reason").iterator()
            csv.writer(report_file).writerows(itertools.chain([("line", "field", "reason")], lines))
        else:
            for refusal in rejected_rows.iterator():
                self.stderr.write(str(refusal))
        would_be = "would be " if job.dry_run else ""
        self.stdout.write(f"{job.created} {would_be}created, {job.updated} updated, {job.rejected} refused.")

    def run(self, job: Job, source: BinaryIO) -> None:
        bar = ProgressLine(sys.stderr)
        gc.freeze()  # The program itself is no garbage: to look through it again and again takes a sixth of the time.
        try:
            runner.work(job, imports.steps(job, source), on_progress=bar.show)
        except runner.Busy:
            raise CommandError("Another import of this file is running.") from None
        except KeyboardInterrupt:
            job.refresh_from_db()
            resumable = " --resume goes on." if job.digest else ""
            raise CommandError(f"Stopped at line {job.cursor}; what was done is kept.{resumable}") from None
        finally:
            bar.close()

    def open(self, file: str, stack: ExitStack) -> BinaryIO:
        if file == "-":
            kept = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115  the caller's stack closes it
            shutil.copyfileobj(sys.stdin.buffer, kept)
            return kept
        try:
            return stack.enter_context(Path(file).open("rb"))
        except OSError as error:
            raise CommandError(f"Can't read {file}: {error.strerror}.") from None

    def new_job(self, source: BinaryIO, file: str, given: dict[str, str], dry_run: bool, update: bool) -> Job:
        """Of a file that was imported before, this is the import that --resume goes on with."""
        try:
            layout = parse.look(source)
            fields = layout.fields(given)
        except ServiceError as error:
            raise CommandError(error.message) from None
        self.show(layout.headers, fields)
        digest = "" if dry_run or file == "-" else self.digest(source)
        if digest:
            Job.objects.filter(digest=digest).delete()
        known = {"name": Path(file).name, "layout": asdict(layout), "fields": fields}
        return runner.prepare(
            Job.Kind.IMPORT,
            dry_run=dry_run,
            digest=digest,
            total=source.seek(0, 2),
            started_at=timezone.now(),
            options={**known, "update": update},
        )

    def stopped_job(self, source: BinaryIO) -> Job:
        stopped = Job.objects.filter(digest=self.digest(source), finished_at=None).first()
        if stopped is None:
            raise CommandError("There is no import of this file that was stopped.")
        self.stdout.write(f"Going on after line {stopped.cursor}.")
        return stopped

    def digest(self, source: BinaryIO) -> str:
        source.seek(0)
        return hashlib.file_digest(source, "sha256").hexdigest()  # type: ignore[arg-type]  # a file will do

    def open_report(self, report: str, stack: ExitStack):
        try:
            return stack.enter_context(Path(report).open("w", newline="", encoding="utf-8", errors="backslashreplace"))
        except OSError as error:
            raise CommandError(f"Can't write {report}: {error.strerror}.") from None

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
