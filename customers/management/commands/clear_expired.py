from threading import Event

from django.core.management.base import BaseCommand

from customers.retention.services import RULES, carry_out


class Command(BaseCommand):
    help = (
        "Delete now what is older than its time (RETENTION_..._DAYS): tokens, grants, sessions, counters of failed "
        "attempts, stored responses, files of imports and exports, logs, snapshots of merged customers. A worker does "
        "it once a day."
    )

    def handle(self, **options):
        never = Event()
        for rule in RULES:
            number, _ = carry_out(rule, never)
            self.stdout.write(f"{number} {rule.label} deleted.")
