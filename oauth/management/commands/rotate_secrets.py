from django.core.management.base import BaseCommand, CommandError

from oauth import partners
from oauth.encryption import UnreadableSecret


class Command(BaseCommand):
    help = "Encrypt every client secret with SECRET_KEY. Afterwards SECRET_KEY_FALLBACKS is not needed for them."

    def handle(self, **options):
        try:
            number = partners.rotate_secrets()
        except UnreadableSecret:
            message = "A client secret was encrypted with neither SECRET_KEY nor one of SECRET_KEY_FALLBACKS."
            raise CommandError(message) from None
        self.stdout.write(f"{number} client secrets encrypted with the newest key.")
