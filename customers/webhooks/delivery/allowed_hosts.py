"""Which addresses webhooks may connect to.

Private addresses are refused: an app could reach the store's own network (server-side request forgery).
"""

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

from django.conf import settings

from oauth.errors import ServiceError

NAT64_PREFIX = ip_network("64:ff9b::/96")  # IPv4 addresses embedded in IPv6 (RFC 6052)


class HostNotAllowed(ServiceError):
    code = "host_not_allowed"


def is_allowed(address: IPv4Address | IPv6Address) -> bool:
    return settings.WEBHOOKS_ALLOW_PRIVATE or is_public(address)


def is_public(address: IPv4Address | IPv6Address) -> bool:
    return address.is_global and not address.is_multicast and not _embeds_ipv4(address)


def _embeds_ipv4(address: IPv4Address | IPv6Address) -> bool:
    """Whether a gateway may deliver to an IPv4 address, which may be a private one."""
    return isinstance(address, IPv6Address) and bool(
        address.ipv4_mapped or address.sixtofour or address.teredo or address in NAT64_PREFIX
    )


def resolve(host: str, port: int) -> list[tuple[socket.AddressFamily, Any]]:
    """The allowed addresses of a host, each with its family, as `socket.connect` takes them.

    The caller connects to these addresses and never to the host name. A name server could answer a second query with a
    private address (DNS rebinding).

    Raises OSError, HostNotAllowed.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    allowed: list[tuple[socket.AddressFamily, Any]] = [
        (family, address) for family, _, _, _, address in found if is_allowed(ip_address(str(address[0]).split("%")[0]))
    ]
    if not allowed:
        raise HostNotAllowed("The host resolves only to private or blocked addresses.")
    return allowed
