"""Which machines webhooks may reach: none within the store's own network (server-side request forgery)."""

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

from django.conf import settings

TRANSLATED = ip_network("64:ff9b::/96")  # IPv4 within IPv6 (RFC 6052)


class NotAllowed(Exception):
    """The name leads to no address that may be connected to."""


def is_allowed(address: IPv4Address | IPv6Address) -> bool:
    return settings.WEBHOOKS_ALLOW_PRIVATE or is_public(address)


def is_public(address: IPv4Address | IPv6Address) -> bool:
    return address.is_global and not address.is_multicast and not _has_another_within(address)


def _has_another_within(address: IPv4Address | IPv6Address) -> bool:
    """An IPv4 address, to which somebody on the way may deliver."""
    return isinstance(address, IPv6Address) and bool(
        address.ipv4_mapped or address.sixtofour or address.teredo or address in TRANSLATED
    )


def resolved(host: str, port: int) -> list[tuple[socket.AddressFamily, Any]]:
    """Families and addresses to connect to. What was checked is what is connected to: a name server that answers
    otherwise a moment later is not asked again. Raises OSError, NotAllowed."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    allowed: list[tuple[socket.AddressFamily, Any]] = [
        (family, address) for family, _, _, _, address in found if is_allowed(ip_address(str(address[0]).split("%")[0]))
    ]
    if not allowed:
        raise NotAllowed
    return allowed
