from django.core.management.base import BaseCommand, CommandError

from oauth import partner_apps
from oauth.accounts import two_factor
from oauth.encryption import UnreadableSecret
from oauth.signals import secrets_rotated


class Command(BaseCommand):
    help = (
        "Encrypt every client secret and every key of two-factor sign-in with SECRET_KEY. "
        "Afterwards SECRET_KEY_FALLBACKS is not needed for them."
    )

    def handle(self, **options):
        try:
            number, keys = partner_apps.rotate_secrets(), two_factor.rotate_keys()
            secrets_rotated.send(Command)
        except UnreadableSecret:
            message = "A secret was encrypted with neither SECRET_KEY nor one of SECRET_KEY_FALLBACKS."
            raise CommandError(message) from None
        self.stdout.write(f"{number} client secrets encrypted with the newest key.")
        self.stdout.write(f"{keys} keys of two-factor sign-in encrypted with the newest key.")
