"""Ports of this machine."""

import socket


def free_port() -> int:
    """A port of the loopback that nobody listens on now. Another process may take it before the caller does."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
