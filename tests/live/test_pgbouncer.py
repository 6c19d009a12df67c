"""A store behind PgBouncer in transaction mode: many clients, three connections to the database."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.live.conftest import PATIENCE
from tests.support.ports import free_port
from tests.support.webhook_receiver import served

CONNECTIONS = 3


def test_store_behind_pgbouncer_creates_imports_and_delivers(store, tmp_path):
    binary = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if not binary:
        pytest.skip("needs PgBouncer (Debian: pgbouncer)")
    direct = store(is_served=False).environment["DATABASE_URL"]
    database = urlsplit(direct).path.strip("/")
    with pgbouncer(binary, direct) as port, served() as receiver:
        pooled = f"postgresql://store@127.0.0.1:{port}/{database}"
        shop = store(RATE_LIMIT="0", DATABASE_POOLER="1", DATABASE_URL=pooled)
        session = shop.session()
        session.headers["Authorization"] = f"Bearer {token(shop)}"
        webhook = {"target": receiver.url, "events": ["customer.created"]}
        assert session.post(f"{shop.url}/api/admin/webhooks/", json=webhook).status_code == 201

        def create(number: int) -> bool:
            body = {
                "email": f"c{number}@example.com",
                "addresses": [{"line1": "1 High St", "line4": "Leeds", "country": "GB"}],
            }
            created = session.post(f"{shop.url}/api/admin/users/", json=body)
            assert created.status_code == 201, created.text
            found = session.get(f"{shop.url}/api/admin/users/", params={"email": body["email"]}).json()["results"]
            return [each["id"] for each in found] == [created.json()["id"]]

        with ThreadPoolExecutor(12) as pool:
            assert all(pool.map(create, range(60)))
        import_customers(shop, tmp_path / "customers.csv")

        deadline = time.monotonic() + PATIENCE
        while len({each.event["data"]["id"] for each in receiver.received}) < 60:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        with psycopg.connect(direct) as connection:
            query = (
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
                " AND backend_type = 'client backend'"  # autovacuum comes and goes
            )
            assert 1 <= connection.execute(query).fetchone()[0] <= CONNECTIONS
            people = connection.execute("SELECT count(*) FROM customers_user WHERE email LIKE 'i%@example.com'")
            assert people.fetchone()[0] == 300
        shop.stop()


def token(shop) -> str:
    scopes = ("users:read", "users:write", "webhooks:write")
    return shop.manage("create_token", "--app", "Pooled", "--scope", *scopes).strip()


def import_customers(shop, path: Path) -> None:
    """By COPY, with one row that is refused and listed by a cursor."""
    path.write_text("email\n" + "".join(f"i{number}@example.com\n" for number in range(300)) + "nobody\n")
    try:
        shop.manage("import_customers", str(path))
    except subprocess.CalledProcessError as error:
        assert "nobody" in error.stdout + error.stderr  # noqa: PT017  the code says that a row was refused


@contextmanager
def pgbouncer(binary: str, url: str) -> Iterator[int]:
    """A pooler before the server of that URL. Yields its port."""
    server = conninfo_to_dict(url)
    host = server.get("host") or "127.0.0.1"
    target = " ".join(f"{name}={server[name]}" for name in ("port", "user", "password") if server.get(name))
    port = free_port()
    folder = Path(tempfile.mkdtemp(prefix="pgbouncer-", dir="/tmp"))
    (folder / "pgbouncer.ini").write_text(
        f"[databases]\n* = host={host} {target}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nauth_type = any\npool_mode = transaction\n"
        f"default_pool_size = {CONNECTIONS}\nmax_client_conn = 200\nunix_socket_dir =\nlogfile = {folder}/log\n"
    )
    command = [binary, "--quiet", str(folder / "pgbouncer.ini")]
    if os.getuid() == 0:  # it refuses to run as root, and has to reach the socket of the server
        user = pwd.getpwuid(os.stat(host).st_uid if host.startswith("/") else 0)
        user = user if user.pw_uid else pwd.getpwnam("nobody")
        os.chown(folder, user.pw_uid, user.pw_gid)
        command[1:1] = ["--user", user.pw_name]
    process = subprocess.Popen(command)
    try:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert process.poll() is None, (folder / "log").read_text()
                assert time.monotonic() < deadline
                time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE)
        shutil.rmtree(folder)
