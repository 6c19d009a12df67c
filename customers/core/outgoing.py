"""Where this store may connect to: public addresses, and the ports in WEBHOOKS_PORTS.

Others are refused, because an app could reach the store's own network (server-side request forgery). The rule holds for
targets of webhooks and for mirrored stores, when they are saved and when a socket is opened.
"""

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

from django.conf import settings

from oauth.errors import ServiceError

# What IANA's special-purpose registries reserve, and multicast. Not `ip_address.is_global`: it differs between releases
# of Python, and is true for some addresses that embed a private one.
# https://www.iana.org/assignments/iana-ipv4-special-registry
SPECIAL_IPV4 = [
    ip_network(text)
    for text in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # shared by customers of a provider
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local; metadata services of clouds
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
]
# All global unicast addresses of IPv6 are in this network (RFC 4291). So loopback, link-local, site-local, unique local
# and multicast addresses are outside, and IPv4 addresses in ::/96, ::ffff:0:0/96, ::ffff:0:0:0/96 and NAT64 prefixes.
GLOBAL_IPV6 = ip_network("2000::/3")
# https://www.iana.org/assignments/iana-ipv6-special-registry
SPECIAL_IPV6 = [
    ip_network(text)
    for text in (
        "2001::/23",  # protocol assignments: Teredo (embeds IPv4), benchmarks, ORCHID
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4 (embeds IPv4)
        "3fff::/20",  # documentation
    )
]


class HostNotAllowed(ServiceError):
    code = "host_not_allowed"


def is_public(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv4Address):
        return not any(address in network for network in SPECIAL_IPV4)
    return address in GLOBAL_IPV6 and not any(address in network for network in SPECIAL_IPV6)


def is_allowed(address: IPv4Address | IPv6Address) -> bool:
    return settings.WEBHOOKS_ALLOW_PRIVATE or is_public(address)


def check_target(host: str, port: int, *path: str) -> None:
    """Checks what is known before the host is looked up. `path`: of the error, as in `ServiceError`.

    Raises HostNotAllowed, UnicodeError.
    """
    address = literal_address(host)
    if address and not is_allowed(address):
        raise HostNotAllowed("Nothing is sent to this address.", *path)
    if not is_allowed_port(port):
        raise HostNotAllowed("Nothing is sent to this port.", *path)


def literal_address(host: str) -> IPv4Address | IPv6Address | None:
    """The address that stands for a host, in any form that a resolver reads: `127.1`, `0x7f000001`, full-width digits.
    None for a name.
    """
    text = host.encode("idna").decode().rstrip(".")
    try:
        return ip_address(text.split("%")[0])
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(text))
    except OSError:
        return None


def is_allowed_port(port: int) -> bool:
    return any(first <= port <= last for first, last in settings.WEBHOOKS_PORTS)


def resolve(host: str, port: int) -> list[tuple[socket.AddressFamily, Any]]:
    """The allowed addresses of a host, each with its family, as `socket.connect` takes them.

    The caller connects to these addresses and never to the host name. A name server could answer a second query with a
    private address (DNS rebinding).

    Raises OSError, HostNotAllowed.
    """
    if not is_allowed_port(port):
        raise HostNotAllowed(f"The port {port} is not allowed.")
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    allowed: list[tuple[socket.AddressFamily, Any]] = [
        (family, address) for family, _, _, _, address in found if is_allowed(ip_address(str(address[0]).split("%")[0]))
    ]
    if not allowed:
        raise HostNotAllowed("The host resolves only to private or blocked addresses.")
    return allowed
