"""`python -m config.server --host 0.0.0.0` serves the store: it starts granian with the options that this needs."""

import argparse
import os
import sys

# Connections that a worker keeps at a time; further ones wait until one ends. An idle one needs some 20 KB, and one
# that sends or reads slowly some 300 KB.
CONNECTIONS = 4096


def main() -> None:
    parser = argparse.ArgumentParser(prog="config.server", description="Serve the store.")
    parser.add_argument("--host", default=os.environ.get("HOST", "127.0.0.1"))
    parser.add_argument("--port", type=int, default=int(os.environ.get("PORT", "8000")))
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes; by default one per core")
    options = {
        **vars(parser.parse_args()),
        "interface": "rsgi",
        "http": "1",  # in HTTP/2 one connection may have hundreds of requests under way
        "backpressure": CONNECTIONS,
        "backlog": CONNECTIONS,
        "http1-header-read-timeout": 15_000,  # milliseconds
        "http1-buffer-size": 65_536,  # bytes of the largest head of a request, and of an answer that waits to be sent
        "workers-kill-timeout": 10,  # seconds for open requests when it stops
        "log-level": "warning",
    }
    arguments = [f"--{name}={value}" for name, value in options.items()]
    command = [sys.executable, "-m", "granian", *arguments, "--no-ws", "config.server.rsgi:application"]
    os.execv(sys.executable, command)  # noqa: S606  no shell is wanted


if __name__ == "__main__":
    main()
