"""What happens elsewhere that followed stores have to do with."""

from django.dispatch import receiver

from customers.mirror import services
from oauth.signals import secrets_rotated


@receiver(secrets_rotated)
def rotate_secrets(sender, **kwargs):
    services.rotate_secrets()
