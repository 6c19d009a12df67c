"""Who makes a change: one type for the timeline, the security log and all services."""

from collections.abc import Mapping
from dataclasses import dataclass
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


def client_ip(meta: Mapping[str, Any]) -> str | None:
    """The address a request came from; behind a proxy, the one that the proxy saw. None without an address.

    `meta`: the request's WSGI environment.
    """
    address = meta.get("REMOTE_ADDR") or ""
    if settings.BEHIND_PROXY:
        # What stands before the last comma was sent by the client, who may write anything.
        address = meta.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip() or address
    try:
        return str(ip_address(address))
    except ValueError:
        return None
