"""What apps do that webhooks have to do with."""

from django.dispatch import receiver

from customers.webhooks import services
from oauth.signals import app_uninstalled, secrets_rotated


@receiver(app_uninstalled)
def tell_the_app(sender, app_id, **kwargs):
    services.dismiss(app_id)


@receiver(secrets_rotated)
def rotate_secret_keys(sender, **kwargs):
    services.rotate_secret_keys()
