from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from customers.demo import services
from customers.management.commands.quickstart import FIRST_CUSTOMER
from customers.orders.models import Order, Subscription

WIDTH = 30  # characters of the bar


class Command(BaseCommand):
    help = (
        "Fill the store with generated customers and their orders, to look at the dashboard and to try apps. The same "
        "seed makes the same customers. If they exist already, nothing is added."
    )

    def add_arguments(self, parser):
        parser.add_argument("--customers", type=int, default=services.TOTAL, help="how many (default: %(default)s)")
        parser.add_argument("--seed", type=int, default=services.SEED, help="another seed makes other customers")
        parser.add_argument("--force", action="store_true", help="even if the store has customers of its own")

    def handle(self, *, customers, seed, force, **options):
        self.show_progress("database tables", 0, 1)
        call_command("migrate", verbosity=0)
        self.show_progress("database tables", 1, 1)
        if known := services.count_demo_customers():
            self.stdout.write(f"The generated customers exist already ({known:,}). Nothing was added.")
            return
        if (others := services.count_other_customers(but=FIRST_CUSTOMER["email"])) and not force:
            raise CommandError(
                f"This store has customers of its own ({others:,}), and generated ones can't be removed again. "
                "Use --force to add them anyway, or choose another store with DATABASE_URL or VAR_DIR."
            )
        services.fill(customers, seed, self.show_progress)
        self.stdout.write(
            f"Added {services.count_demo_customers():,} generated customers, {Order.objects.count():,} orders and "
            f"{Subscription.objects.count():,} subscriptions.\n"
            "To see them: make run (or manage.py quickstart), which shows how to sign in to the dashboard."
        )

    def show_progress(self, step: str, done: int, total: int) -> None:
        """A bar on a terminal; elsewhere one line for each step that is done."""
        if self.stderr.isatty():
            bar = ("#" * (WIDTH * done // total)).ljust(WIDTH, ".")
            self.stderr.write(f"\r\033[K[{bar}] {step}", str, ending="\n" if done == total else "")
            self.stderr.flush()
        elif done == total:
            self.stderr.write(f"Done: {step}.", str)
