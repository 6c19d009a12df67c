import sys

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from customers.jobs import runner
from customers.jobs.models import Job
from customers.jobs.progress import ProgressLine
from customers.mirror import pull, services
from customers.mirror.arguments import TOKEN_VARIABLE, clean_store_url, read_token
from customers.mirror.client import StoreClient
from customers.mirror.models import MirroredStore
from oauth.errors import ServiceError


class Command(BaseCommand):
    help = (
        "Copy all customers of another store, under the ids they have there. Run again, it copies what has changed. It "
        "is safe to stop: --resume continues. The command reads an API token of that store, with the scope users:read, "
        f"from {TOKEN_VARIABLE}, or asks for it. The exit code is 1 if there were conflicts."
    )

    def add_arguments(self, parser):
        parser.add_argument("url", metavar="URL", help="The store's address, as in https://store.example.")
        parser.add_argument(
            "--orders", action="store_true", help="Copy orders and subscriptions, too, which takes far more requests."
        )
        parser.add_argument(
            "--rate",
            type=float,
            default=settings.MIRRORED_STORE_RATE,
            help="Requests per second (default: %(default)s); 0 for no limit.",
        )
        parser.add_argument("--resume", action="store_true", help="Continue the unfinished pull of this store.")

    def handle(self, *, url, orders, rate, resume, **options):
        try:
            client = StoreClient(clean_store_url(url), read_token(), rate)
        except ServiceError as error:
            raise CommandError(error.message) from None
        store = services.get_or_create_store(client.url)
        job = self.unfinished(store) if resume else pull.start_pull(store, with_orders=orders)
        try:
            self.run(job, client)
        finally:
            client.close()
            self.print_result(job)
        if job.rejected:
            sys.exit(1)

    def unfinished(self, store: MirroredStore) -> Job:
        job = pull.unfinished_pull(store)
        if job is None:
            raise CommandError("There is no unfinished pull of this store.")
        self.stdout.write(f"Continuing after {job.position} customers.")
        return job

    def run(self, job: Job, client: StoreClient) -> None:
        bar = ProgressLine(sys.stderr)
        try:
            runner.work(job, pull.steps(job, client), on_progress=bar.show)
        except runner.Busy:
            raise CommandError("Another pull of this store is running.") from None
        except ServiceError as error:
            raise CommandError(f"{error.message} What was pulled so far is kept; --resume continues.") from None
        except KeyboardInterrupt:
            job.refresh_from_db()
            raise CommandError("Stopped. What was pulled so far is kept; --resume continues.") from None
        finally:
            bar.close()

    def print_result(self, job: Job) -> None:
        for row in job.rejected_rows.order_by("pk").iterator():
            name = f"{row.field}: " if row.field else ""
            self.stderr.write(f"Customer {row.line}: {name}{row.reason}.")
        staff = pull.PULL.options_of(job).staff
        unchanged = job.position - job.created - job.updated - job.rejected - staff
        self.stdout.write(
            f"{job.position} read: {job.created} created, {job.updated} updated, {unchanged} unchanged, "
            f"{job.rejected} conflicts, {staff} staff skipped."
        )
