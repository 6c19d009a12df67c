"""What an operator gives to the commands about a store: its address and a token."""

import getpass
import os
import sys
from urllib.parse import urlsplit

from django.conf import settings

from customers.core.outgoing import check_target
from oauth.errors import ServiceError

TOKEN_VARIABLE = "STORE_TOKEN"  # noqa: S105  names a variable, is no secret


def clean_store_url(text: str) -> str:
    """Scheme and host. Raises ServiceError."""
    schemes = ("https", "http") if settings.WEBHOOKS_ALLOW_HTTP else ("https",)
    try:
        parts = urlsplit(text)
        host, port = (parts.hostname or "").encode("idna").decode(), parts.port
    except ValueError:
        raise ServiceError("Enter a valid URL.", "url") from None
    if parts.scheme not in schemes or not host or "@" in parts.netloc or parts.query or parts.path.strip("/"):
        message = f"Enter the address of a store: {' or '.join(schemes)}, and its domain, without a path."
        raise ServiceError(message, "url")
    check_target(host, port if port is not None else 443 if parts.scheme == "https" else 80, "url")
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}"


def read_token() -> str:
    """From the environment, or else from the terminal. It is never an argument: every user of the machine sees those.

    Raises ServiceError.
    """
    token = os.environ.get(TOKEN_VARIABLE, "")
    if not token and sys.stdin.isatty():
        token = getpass.getpass("API token of the store: ")
    token = token.strip()
    if not token or not token.isascii() or not token.isprintable():
        raise ServiceError(f"Put an API token of the store into {TOKEN_VARIABLE}.")
    return token
