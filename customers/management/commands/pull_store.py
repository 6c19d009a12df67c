import sys

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from customers.jobs import runner
from customers.jobs.models import Job
from customers.jobs.progress import ProgressLine
from customers.mirror import pull, services
from customers.mirror.client import TOKEN_VARIABLE, Refused, StoreClient, Unavailable, asked_for_token, clean_url
from customers.mirror.models import FollowedStore
from oauth.errors import ServiceError


class Command(BaseCommand):
    help = (
        "Bring in all customers of another store, under the ids they have there, through its Admin API. Again, it "
        "brings in what has changed. It may be stopped at any moment: --resume goes on where it was. A token that "
        f"reads customers is taken from {TOKEN_VARIABLE}, or asked for. The exit code is 1 where somebody could not be "
        "kept."
    )

    def add_arguments(self, parser):
        parser.add_argument("url", metavar="URL", help="The store's address, as in https://store.example.")
        parser.add_argument("--orders", action="store_true", help="Orders and subscriptions, too: far more requests.")
        parser.add_argument(
            "--rate",
            type=float,
            default=settings.FOLLOWED_STORE_RATE,
            help="Requests a second (default: %(default)s); 0: no limit.",
        )
        parser.add_argument("--resume", action="store_true", help="Go on with a pull of this store that was stopped.")

    def handle(self, *, url, orders, rate, resume, **options):
        try:
            client = StoreClient(clean_url(url), asked_for_token(), rate)
            store = services.store_at(client.url)
        except ServiceError as error:
            raise CommandError(error.message) from None
        job = self.stopped(store) if resume else pull.begin(store, with_reports=orders)
        try:
            self.run(job, client)
        finally:
            client.close()
            self.tell(job)
        if job.rejected:
            sys.exit(1)

    def stopped(self, store: FollowedStore) -> Job:
        job = pull.stopped(store)
        if job is None:
            raise CommandError("There is no pull of this store that was stopped.")
        self.stdout.write(f"Going on after {job.position} customers.")
        return job

    def run(self, job: Job, client: StoreClient) -> None:
        bar = ProgressLine(sys.stderr)
        try:
            runner.work(job, pull.steps(job, client), on_progress=bar.show)
        except runner.Busy:
            raise CommandError("Another pull of this store is running.") from None
        except (Unavailable, Refused) as error:
            raise CommandError(f"{error} What was brought in is kept; --resume goes on.") from None
        except KeyboardInterrupt:
            job.refresh_from_db()
            raise CommandError("Stopped; what was brought in is kept. --resume goes on.") from None
        finally:
            bar.close()

    def tell(self, job: Job) -> None:
        for refusal in job.rejected_rows.order_by("pk").iterator():
            name = f"{refusal.field} " if refusal.field else ""
            self.stderr.write(f"Customer {refusal.line}: {name}{refusal.reason}.")
        staff = job.options.get("staff", 0)
        same = job.position - job.created - job.updated - job.rejected - staff
        self.stdout.write(
            f"{job.position} looked at: {job.created} new, {job.updated} changed, {same} as they were, {job.rejected} "
            f"not kept, {staff} who work there left out."
        )
