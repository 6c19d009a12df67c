"""Ports of this machine."""

import fcntl
import os
import socket
import tempfile
from pathlib import Path

# Below those that systems choose for a connection, or for a server that asks for any. Browsers refuse none of them.
FIRST, LAST = 20_000, 31_999
LATEST = Path(tempfile.gettempdir()) / f"shop-customers-tests-{os.getuid()}.port"


def free_port() -> int:
    """A port that nobody listens on. No test of any process gets it again, until all others had their turn.

    A port that the system chooses would be free again until the caller listens on it, and others would be given it.
    """
    with LATEST.open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        port = int(file.read() or LAST)
        while True:
            port = port + 1 if port < LAST else FIRST
            if is_free(port):
                break
        file.truncate(0)
        file.write(str(port))
    return port


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True
