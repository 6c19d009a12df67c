"""The store's own name."""

from django.conf import settings
from django.http import HttpRequest


def store_domain(request: HttpRequest) -> str:
    """The full network domain that apps know the store by."""
    return settings.STORE_DOMAIN or request.get_host()
