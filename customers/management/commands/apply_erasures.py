from django.core.management.base import BaseCommand, CommandError

from customers.privacy.erasure import erase_again
from oauth.actor import SYSTEM


class Command(BaseCommand):
    help = (
        "Erase again who was erased after a backup was made: run it after every restore, before the store is served. "
        "It may be repeated. `restore` runs it itself."
    )

    def handle(self, **options):
        result = erase_again(by=SYSTEM)
        self.stdout.write(f"{len(result.erased)} customers erased again.")
        for customer_id in result.erased:
            self.stdout.write(f"Customer {customer_id}")
        if result.refused:
            raise CommandError(
                "\n".join(
                    f"Customer {customer_id} was not erased: {why}" for customer_id, why in result.refused.items()
                )
            )
