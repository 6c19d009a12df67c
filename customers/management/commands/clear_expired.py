from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.utils import timezone

from customers.core import idempotency, ratelimit
from customers.jobs import runner
from customers.jobs.exports import parts as exports
from customers.merging import services as merging
from customers.mirror import services as mirror
from customers.webhooks import services as webhooks
from oauth.accounts import lockout
from oauth.accounts.session_store import SessionStore


class Command(BaseCommand):
    help = (
        "Delete expired data: stored responses of idempotent requests, tokens, grants, sessions, counters of failed "
        "attempts, files of imports and exports, the log of webhook deliveries, snapshots of merged customers, events "
        "of mirrored stores. Run it once a day, while serving."
    )

    def handle(self, **options):
        call_command("cleartokens")
        SessionStore.clear_expired()
        self.stdout.write(f"{lockout.delete_expired()} counters of failed attempts deleted.")
        self.stdout.write(f"{idempotency.forget_expired()} stored responses deleted.")
        self.stdout.write(f"{ratelimit.forget_replaced_tokens()} rate limit counters deleted.")
        exports.delete_strays(timezone.now() - runner.FILES_KEPT_FOR)
        runner.delete_old_rejected_rows()
        self.stdout.write(f"{runner.delete_old()} imports, exports and bulk edits deleted.")
        self.stdout.write(f"{webhooks.delete_old_deliveries()} webhook deliveries deleted.")
        self.stdout.write(f"{merging.delete_old_snapshots()} snapshots of merged customers deleted.")
        self.stdout.write(f"{mirror.delete_old_events()} events of mirrored stores deleted.")
