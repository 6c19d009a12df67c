from django.core.management import call_command
from django.core.management.base import BaseCommand

from customers import idempotency, ratelimit


class Command(BaseCommand):
    help = "Delete what has expired: remembered answers, tokens and grants. Safe to run while serving."

    def handle(self, **options):
        call_command("cleartokens")
        self.stdout.write(f"{idempotency.forget_expired()} remembered answers deleted.")
        self.stdout.write(f"{ratelimit.forget_replaced_tokens()} counters of replaced tokens deleted.")
