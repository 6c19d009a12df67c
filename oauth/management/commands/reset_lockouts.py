from django.core.management.base import BaseCommand

from oauth.accounts.models import FailedAttempts


class Command(BaseCommand):
    help = "Forget all failed attempts: every account, device and address may try again."

    def handle(self, **options):
        deleted, _ = FailedAttempts.objects.all().delete()
        self.stdout.write(f"{deleted} counters of failed attempts deleted.")
