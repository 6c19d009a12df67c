from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from customers.demo import services
from customers.management.commands.quickstart import FIRST_CUSTOMER
from customers.orders.models import Order, Subscription


class Command(BaseCommand):
    help = (
        "Fill the store with people who do not exist, and what they bought: to look at the dashboard, and to try apps "
        "on. The same ones for the same seed. A second time nothing is added."
    )

    def add_arguments(self, parser):
        parser.add_argument("--customers", type=int, default=services.TOTAL, help="how many (default: %(default)s)")
        parser.add_argument("--seed", type=int, default=services.SEED, help="another one makes other people")
        parser.add_argument("--force", action="store_true", help="even if the store has customers of its own")

    def handle(self, *, customers, seed, force, **options):
        call_command("migrate", verbosity=0)
        if known := services.are_there():
            self.stdout.write(f"The demo's people are there ({known:,}). Nothing was added.")
            return
        if (others := services.others(but=FIRST_CUSTOMER["email"])) and not force:
            raise CommandError(
                f"This store has customers of its own ({others:,}), and the generated ones could not be removed again. "
                "--force puts them there all the same; DATABASE_URL or VAR_DIR names another store."
            )
        services.fill(customers, seed)
        self.stdout.write(
            f"{services.are_there():,} people who do not exist, {Order.objects.count():,} orders and "
            f"{Subscription.objects.count():,} subscriptions are in the store.\n"
            "To see them: make run (or manage.py quickstart), which shows how to sign in to the dashboard."
        )
