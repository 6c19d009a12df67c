"""What webhooks do when something happens to apps or to secrets."""

from django.dispatch import receiver

from customers.webhooks import services
from oauth.signals import app_uninstalled, secrets_rotated


@receiver(app_uninstalled)
def deactivate_webhooks(sender, app_id, **kwargs):
    services.deactivate_for_app(app_id)


@receiver(secrets_rotated)
def rotate_secret_keys(sender, **kwargs):
    services.rotate_secret_keys()
