"""The store's own name, and the origin of links to it."""

from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest

LOOPBACK = ("localhost", "127.0.0.1", "::1")


def store_domain(request: HttpRequest) -> str:
    """The full network domain that apps know the store by: STORE_DOMAIN or, if that is empty, the host of the request.

    ALLOWED_HOSTS lets any port and a trailing dot pass, so the sender of a request could choose them. A port counts
    only where the server listens at it, and on loopback, which belongs to the person who sends the request.
    """
    if settings.STORE_DOMAIN:
        return settings.STORE_DOMAIN
    host = urlsplit(f"//{request.get_host()}")
    name = (host.hostname or "").rstrip(".")
    shown = f"[{name}]" if ":" in name else name
    is_own_port = host.port and (str(host.port) == request.META.get("SERVER_PORT") or name in LOOPBACK)
    return f"{shown}:{host.port}" if is_own_port else shown


def store_origin(request: HttpRequest) -> str:
    """Scheme and domain of links to the store, without a slash at the end."""
    if settings.STORE_DOMAIN:
        return f"{'http' if settings.DEVELOPMENT else 'https'}://{settings.STORE_DOMAIN}"
    return f"{request.scheme}://{store_domain(request)}"
