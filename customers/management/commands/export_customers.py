import os
from datetime import date

from django.core.management.base import BaseCommand, CommandError

from customers.filters import filter_customers
from customers.jobs.exports import query
from customers.jobs.exports.formats import BYTE_ORDER_MARK, FORMATS
from customers.jobs.progress import prepare_for_many_rows
from customers.metadata.services import exported_keys
from customers.models import Language, UserType
from oauth.actor import SYSTEM
from oauth.audit.log import Event, record

FILTERS = ("user_type", "joined_from", "joined_to", "language", "tag", "country", "search")


def day(text: str) -> date:
    return date.fromisoformat(text)


class Command(BaseCommand):
    help = (
        "Write customers to a file that import_customers reads. In CSV, an apostrophe is put in front of each value "
        "that a spreadsheet would take for a formula; an import removes it again."
    )

    # The checks load everything that serves requests.
    requires_system_checks = []

    def add_arguments(self, parser):
        parser.add_argument("file", metavar="FILE", help="- for standard output. Only its owner may read a new file.")
        parser.add_argument("--format", choices=[*FORMATS], help="Default: from the extension of FILE, else csv.")
        parser.add_argument(
            "--excel", action="store_true", help="Begin CSV with a byte order mark, which Excel needs to show accents."
        )
        parser.add_argument("--user-type", choices=[UserType.LEAD.value, UserType.CUSTOMER.value])
        parser.add_argument("--joined-from", type=day, metavar="DAY", help="The first day, such as 2026-01-31.")
        parser.add_argument("--joined-to", type=day, metavar="DAY", help="The last day.")
        parser.add_argument("--language", choices=Language.values)
        parser.add_argument("--tag", help="The whole tag; upper and lower case differ.")
        parser.add_argument("--country", metavar="CODE", help="Of one of the addresses: two letters of ISO 3166.")
        parser.add_argument("--search", metavar="TEXT", help="Parts of name, email address and phone number.")

    def handle(self, *, file, format, excel, **options):
        prepare_for_many_rows()
        record(Event.EXPORT_REQUESTED, SYSTEM)
        filters = {name: value for name, value in options.items() if name in FILTERS}
        batches = query.batches(filter_customers(query.exportable_customers(), filters))
        format = format or ("jsonl" if file.endswith((".jsonl", ".ndjson")) else "csv")
        file_format = FORMATS[format]
        mark = BYTE_ORDER_MARK if excel and format == "csv" else ""
        if file == "-":
            self.stdout.write(mark, ending="")
            file_format.write(batches, self.stdout, metadata_keys=exported_keys())
            return
        try:
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        except OSError as error:
            raise CommandError(f"Can't write {file}: {error.strerror}.") from None
        with open(descriptor, "w", encoding="utf-8", newline="") as out:
            out.write(mark)
            number = file_format.write(batches, out, metadata_keys=exported_keys())
        self.stderr.write(f"{number} customers exported.")
