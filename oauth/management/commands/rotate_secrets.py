from django.apps import apps
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from oauth.encryption import UnreadableSecret
from oauth.fields import EncryptedTextField, rotate_secrets


class Command(BaseCommand):
    help = "Encrypt every stored secret with the present SECRET_KEY. Afterwards SECRET_KEY_FALLBACKS is not needed."

    @transaction.atomic
    def handle(self, **options):
        for model in apps.get_models():  # proxies are not among them
            for field in model._meta.local_fields:
                if isinstance(field, EncryptedTextField):
                    try:
                        number = rotate_secrets(field)
                    except UnreadableSecret:
                        message = "A secret was encrypted with neither SECRET_KEY nor one of SECRET_KEY_FALLBACKS."
                        raise CommandError(f"{message} Nothing was changed.") from None
                    self.stdout.write(f"{model._meta.label}, {field.verbose_name}: {number} encrypted.")
