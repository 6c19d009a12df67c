from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.utils import timezone

from customers.core import idempotency, ratelimit
from customers.jobs import runner
from customers.jobs.exports import services as exports
from customers.mirror import services as mirror
from customers.webhooks import services as webhooks
from oauth.accounts.session_store import SessionStore


class Command(BaseCommand):
    help = (
        "Delete what has expired: remembered answers, tokens, grants and sessions, files of imports and exports, the "
        "log of webhooks, events of mirrored stores. Safe to run while serving."
    )

    def handle(self, **options):
        call_command("cleartokens")
        SessionStore.clear_expired()
        self.stdout.write(f"{idempotency.forget_expired()} remembered answers deleted.")
        self.stdout.write(f"{ratelimit.forget_replaced_tokens()} counters of replaced tokens deleted.")
        exports.forget_strays(timezone.now() - runner.FILES_KEPT_FOR)
        self.stdout.write(f"{runner.delete_old()} imports, exports and changes deleted.")
        self.stdout.write(f"{webhooks.delete_old_deliveries()} deliveries of webhooks deleted.")
        self.stdout.write(f"{mirror.delete_old_events()} events of mirrored stores deleted.")
