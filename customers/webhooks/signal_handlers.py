"""What webhooks do when something happens to apps."""

from django.dispatch import receiver

from customers.webhooks import services
from oauth.signals import app_uninstalled


@receiver(app_uninstalled)
def deactivate_webhooks(sender, app_id, **kwargs):
    services.deactivate_for_app(app_id)
