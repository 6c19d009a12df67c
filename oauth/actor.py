"""Who makes a change: one type for the timeline, the security log and all services."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address
from typing import Any

from django.conf import settings
from django.http import HttpRequest


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, by id and email address, the app that they act through, and the IP address of the request.

    Without an app the change is made in the dashboard. With nothing at all it is made by the system, such as by a
    management command: SYSTEM.
    """

    user_id: int | None = None
    app_id: int | None = None
    email: str = ""
    ip: str | None = None

    @classmethod
    def from_request(cls, request: HttpRequest) -> "Actor":
        """The person who is signed in to the dashboard, if any."""
        user = getattr(request, "user", None)
        return cls(
            user_id=getattr(user, "pk", None),
            email=getattr(user, "email", None) or "",
            ip=client_ip(request.META),
        )


SYSTEM = Actor()


# An address as proxies write it: with a port, and IPv6 in brackets.
ADDRESS = re.compile(r"(?:\[(?P<ipv6>[^\[\]]+)\]|(?P<ipv4>[\d.]+))(?::\d{1,5})?")


def client_ip(meta: Mapping[str, Any]) -> str | None:
    """The address a request came from; behind a proxy, the one that the proxy saw. None for what is no address.

    Without the zone of a link-local address. An IPv4 address that is mapped into IPv6, as a socket for both shows it,
    is IPv4. `meta`: the request's WSGI environment.
    """
    text = meta.get("REMOTE_ADDR") or ""
    if settings.BEHIND_PROXY:
        # What stands before the last comma was sent by the client, who may write anything.
        text = meta.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip() or text
    return _canonical(text)


@lru_cache(maxsize=1024)  # the same clients send many requests
def _canonical(text: str) -> str | None:
    if found := ADDRESS.fullmatch(text):
        text = found["ipv6"] or found["ipv4"]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return str(getattr(address, "ipv4_mapped", None) or address)
