"""Clients that send too much, send or read too slowly, or go away: they hold up nobody, and leave nothing behind.

Against the store as `make run` serves it, and against the command for production with HTTPS at a proxy.
"""

import os
import re
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psutil
import pytest
import requests
from django.db import connections

from tests.live.conftest import PATIENCE, PROJECT, stores, wait_until

pytestmark = pytest.mark.both_databases

CLIENT_SECONDS = 4
IMPORT = "/dashboard/jobs/job/import/"
BIG_FILE = "/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js"
# Each kind of path that reads a body without credentials.
ANONYMOUS_PATHS = [
    "/admin/auth",
    "/admin/auth/token",
    "/oauth2/token/",
    "/oauth2/revoke_token/",
    "/oauth2/introspect/",
    "/dashboard/login/",
    "/dashboard/password_reset/",
    "/webhooks/1/",
    "/healthz",
    "/",
]
FIRST_BYTES = b"{" * 10
NEW_VIEWER = """
from customers.models import User
from django.contrib.auth.models import Group
user = User.objects.create_superuser("viewer@example.com", "Correct-horse-9")
User.objects.filter(pk=user.pk).update(is_superuser=False)
user.groups.add(Group.objects.get(name="Viewer"))
"""


class Server:
    """A served store; `scheme` is what its proxy says."""

    def __init__(self, store, port: int, scheme: str, temporary: Path):
        self.store, self.port, self.temporary = store, port, temporary
        self.url = f"http://127.0.0.1:{port}"
        self.headers = {"X-Forwarded-Proto": scheme}

    def session(self, **headers: str) -> requests.Session:
        session = requests.Session()
        session.headers.update(self.headers | headers)
        return session

    def signed_in(self, email: str, password: str) -> requests.Session:
        browser = self.session(Referer=f"https://127.0.0.1:{self.port}/")
        form = browser.get(f"{self.url}/dashboard/login/").text
        browser.cookies = _for_plain_http(browser.cookies)
        data = {"username": email, "password": password, "csrfmiddlewaretoken": csrf_in(form)}
        answer = browser.post(f"{self.url}/dashboard/login/", data, allow_redirects=False)
        assert answer.status_code == 302
        browser.cookies = _for_plain_http(browser.cookies)
        return browser

    def connect(self, *, receive_buffer: int | None = None) -> socket.socket:
        connection = socket.socket()
        if receive_buffer:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        connection.settimeout(PATIENCE)
        connection.connect(("127.0.0.1", self.port))
        return connection

    def send(self, path: str, *headers: str, method: str = "POST", body: bytes = b"", **options) -> socket.socket:
        """Sends a request as it is. The caller closes the connection."""
        connection = self.connect(**options)
        proxy = [f"{name}: {value}" for name, value in self.headers.items()]
        head = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}", *proxy, *headers, "", ""]
        connection.sendall("\r\n".join(head).encode() + body)
        return connection

    def accepts_connections(self) -> bool:
        try:
            self.connect().close()
        except ConnectionRefusedError:
            return False
        return True

    def connections_of(self, clients: list[socket.socket]) -> list:
        """The server's ends of connections that are open."""
        ports = {client.getsockname()[1] for client in clients}
        open_ones = [each for each in psutil.net_connections("tcp4") if each.status == psutil.CONN_ESTABLISHED]
        return [each for each in open_ones if each.laddr.port == self.port and each.raddr.port in ports]

    def temporary_files(self) -> list[str]:
        """Files in the folder for temporary files, with those that are open and have no name."""
        named = [str(path) for path in self.temporary.rglob("*") if path.is_file()]
        parent = psutil.Process(self.store.process.pid)
        for process in [parent, *parent.children(recursive=True)]:
            with suppress(FileNotFoundError, ProcessLookupError):  # it has ended
                for descriptor in Path(f"/proc/{process.pid}/fd").iterdir():
                    with suppress(FileNotFoundError):  # it is closed
                        named.append(os.readlink(descriptor))
        return [path for path in named if path.startswith(str(self.temporary))]


def _for_plain_http(cookies):
    """The test speaks plain HTTP to a store that believes in HTTPS."""
    for cookie in cookies:
        cookie.secure = False
    return cookies


def csrf_in(page: str) -> str:
    return re.search(r'csrfmiddlewaretoken" value="(\w+)"', page)[1]


@contextmanager
def for_production(store):
    """Replaces the store's processes by the command in docs/operations.md, on the same database."""
    port = int(store.url.rpartition(":")[2])
    environment = {**store.environment, "SECRET_KEY": "a long secret key " * 4, "BEHIND_PROXY": "1"}
    environment["DJANGO_SETTINGS_MODULE"] = "config.settings"
    del environment["DEVELOPMENT"]
    store.stop()
    store.process = subprocess.Popen(
        [sys.executable, "-m", "config.server", "--host", "0.0.0.0", "--port", str(port)], cwd=PROJECT, env=environment
    )
    wait_until(lambda: _answers(f"{store.url}/readyz"))
    yield port


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=PATIENCE).ok
    except requests.ConnectionError:
        return False


# `make run` serves SQLite, and a store in production has PostgreSQL.
@pytest.fixture(scope="module", params=["make run" if connections["default"].vendor == "sqlite" else "production"])
def server(request, tmp_path_factory):
    temporary = tmp_path_factory.mktemp("temporary")
    environment = {"RATE_LIMIT": "0", "CLIENT_SECONDS": str(CLIENT_SECONDS), "TMPDIR": str(temporary)}
    with stores(tmp_path_factory.mktemp("store")) as start, ExitStack() as stack:
        store = start(**environment)
        store.manage("shell", "-c", NEW_VIEWER)
        port = int(store.url.rpartition(":")[2])
        if request.param == "production":
            stack.enter_context(for_production(store))
        yield Server(store, port, "https" if request.param == "production" else "http", temporary)


def status_of(connection: socket.socket) -> int:
    """The status of the answer; closes the connection."""
    with connection:
        received = connection.recv(65536)
    return int(received.split(b" ")[1])


def assert_serves(server: Server) -> None:
    """Every worker answers: connections are spread over them."""
    token = {"Authorization": f"Bearer {server.store.token}"}
    for _ in range(10):
        assert server.session().get(f"{server.url}/healthz", timeout=PATIENCE).ok
        assert server.session().get(f"{server.url}/dashboard/login/", timeout=PATIENCE).ok
        assert server.session(**token).get(f"{server.url}/api/admin/users/", timeout=PATIENCE).ok


class TestSlowClients:
    def test_unfinished_bodies_hold_up_nobody_and_are_given_up(self, server):
        silent = [
            server.send(path, "Content-Type: application/json", "Content-Length: 1000", body=FIRST_BYTES)
            for path in ANONYMOUS_PATHS * 4
        ]
        assert_serves(server)

        assert {status_of(each) for each in silent} == {408}

    def test_large_unfinished_bodies_hold_up_nobody_and_leave_no_file(self, server):
        headers = ("Authorization: Bearer made-up", "Content-Type: application/json", "Content-Length: 900000")
        silent = [server.send("/api/admin/users/", *headers, body=b"x" * 300_000) for _ in range(10)]
        wait_until(server.temporary_files)
        assert_serves(server)

        assert {status_of(each) for each in silent} == {408}
        wait_until(lambda: not server.temporary_files())

    def test_body_that_drips_is_given_up(self, server):
        with server.send("/admin/auth", "Content-Length: 1000") as connection:
            deadline = time.monotonic() + PATIENCE
            connection.settimeout(0.2)
            received = b""
            while not received and time.monotonic() < deadline:
                connection.sendall(b"x")
                try:
                    received = connection.recv(1000)
                except TimeoutError:
                    continue
        assert received.startswith(b"HTTP/1.1 408 ")

    def test_clients_that_read_nothing_hold_up_nobody_and_are_disconnected(self, server):
        deaf = [server.send(BIG_FILE, method="GET", receive_buffer=4096) for _ in range(40)]
        assert_serves(server)

        wait_until(lambda: not server.connections_of(deaf))
        whole = requests.get(f"{server.url}{BIG_FILE}", headers={**server.headers, "Accept-Encoding": "identity"})
        for connection in deaf:
            assert len(self.read_all(connection)) < len(whole.content)

    @staticmethod
    def read_all(connection: socket.socket) -> bytes:
        received = b""
        with connection:
            try:
                while part := connection.recv(1 << 20):
                    received += part
            except ConnectionResetError:
                pass
        return received

    def test_client_that_goes_away_leaves_no_file(self, server):
        headers = ("Authorization: Bearer made-up", "Content-Type: application/json", "Content-Length: 900000")
        connection = server.send("/api/admin/users/", *headers, body=b"x" * 300_000)
        wait_until(server.temporary_files)

        connection.close()

        wait_until(lambda: not server.temporary_files())

    def test_large_answers_leave_no_file(self, server):
        answer = server.session().get(f"{server.url}/api/schema/admin/", headers={"Accept-Encoding": "identity"})

        assert int(answer.headers["Content-Length"]) == len(answer.content) > 130_000
        wait_until(lambda: not server.temporary_files())


class TestLimits:
    @pytest.mark.parametrize("path", ["/dashboard/login/", "/admin/auth", "/oauth2/token/", "/webhooks/1/", IMPORT])
    def test_huge_body_is_refused_at_once_and_not_written(self, server, path):
        headers = ("Content-Type: multipart/form-data; boundary=x", "Content-Length: 500000000000")
        connection = server.send(path, *headers, body=b"--x\r\n" + FIRST_BYTES)

        assert status_of(connection) == 413
        assert not server.temporary_files()

    @pytest.mark.parametrize("path", ["/dashboard/login/", "/admin/auth", "/oauth2/token/", "/webhooks/1/", IMPORT])
    def test_endless_chunked_body_is_refused_at_once_and_not_written(self, server, path):
        connection = server.send(path, "Transfer-Encoding: chunked", body=b"5\r\nhello\r\n")

        assert status_of(connection) == 411
        assert not server.temporary_files()

    def test_client_that_asks_first_is_told_before_it_sends(self, server):
        expect = ("Expect: 100-continue", "Authorization: Bearer made-up")

        assert status_of(server.send("/api/admin/users/", *expect, "Content-Length: 2000000")) == 413
        assert status_of(server.send("/api/admin/users/", *expect, "Content-Length: 100")) == 100

    def test_viewer_can_not_fill_the_disk_with_an_import(self, server):
        viewer = server.signed_in("viewer@example.com", "Correct-horse-9")
        cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in viewer.cookies)
        headers = ("Content-Type: multipart/form-data; boundary=x", "Content-Length: 300000000", f"Cookie: {cookies}")

        connection = server.send(IMPORT, *headers, body=b"--x\r\n")

        assert status_of(connection) == 413
        assert not server.temporary_files()

    def test_owner_imports_a_file_above_the_limit_of_other_bodies(self, server):
        owner = server.signed_in("owner@example.com", server.store.password)
        page = owner.get(f"{server.url}{IMPORT}").text
        owner.cookies = _for_plain_http(owner.cookies)
        rows = "email\n" + "".join(f"person{number}@example.com\n" for number in range(100_000))

        answer = owner.post(
            f"{server.url}{IMPORT}",
            {"csrfmiddlewaretoken": csrf_in(page)},
            files={"file": ("people.csv", rows)},
            allow_redirects=False,
        )

        assert answer.status_code == 302
        wait_until(lambda: not server.temporary_files())


class TestHeaders:
    def test_names_with_underscores_stand_for_nothing(self, server):
        refused = server.session(X_Medusa_Access_Token=server.store.token).get(f"{server.url}/admin/customers")
        taken = server.session(**{"x-medusa-access-token": server.store.token}).get(f"{server.url}/admin/customers")
        assert (refused.status_code, taken.status_code) == (401, 200)

        for header in ("X_Forwarded_Host", "X_Request_Id"):
            answer = server.session(**{header: "evil.example"}).get(f"{server.url}/dashboard/login/")
            assert answer.status_code == 200
            assert answer.headers["X-Request-Id"] != "evil.example"

    def test_static_files_are_compressed(self, server):
        plain, compressed = (
            server.session(**{"Accept-Encoding": encoding}).get(f"{server.url}{BIG_FILE}")
            for encoding in ("identity", "gzip")
        )

        assert (plain.headers.get("Content-Encoding"), compressed.headers["Content-Encoding"]) == (None, "gzip")
        assert int(compressed.headers["Content-Length"]) < len(plain.content) / 2
        assert compressed.content == plain.content

    def test_scheme_is_what_the_proxy_says(self, server):
        if server.headers["X-Forwarded-Proto"] == "http":
            pytest.skip("The store redirects to HTTPS in production only.")
        plain = requests.get(
            f"{server.url}/dashboard/login/", headers={"X_Forwarded_Proto": "https"}, allow_redirects=False
        )

        assert plain.status_code == 301

    def test_head_and_conditional_requests_have_no_body(self, server):
        with server.session() as session:
            head = session.head(f"{server.url}{BIG_FILE}")
            current = session.get(f"{server.url}{BIG_FILE}", headers={"If-None-Match": head.headers["ETag"]})
            page = session.head(f"{server.url}/dashboard/login/")

        assert (head.status_code, head.content) == (200, b"")
        assert int(head.headers["Content-Length"]) > 100_000
        assert (current.status_code, current.content) == (304, b"")
        assert (page.status_code, page.content) == (200, b"")
        assert int(page.headers["Content-Length"]) > 1_000


class TestStop:
    """The last of this module: it stops the store."""

    def test_server_stops_although_clients_hang_and_answers_the_others(self, server):
        json = ("Content-Type: application/json", "Content-Length: 12")
        with ExitStack() as hanging:
            for _ in range(20):
                hanging.enter_context(server.send("/admin/auth", "Content-Length: 1000"))
            assert_serves(server)
            late = hanging.enter_context(server.send("/admin/auth", *json, body=b'{"email":'))

            server.store.process.terminate()
            wait_until(lambda: not server.accepts_connections())
            late.sendall(b'"a"')

            assert status_of(late) in (400, 408)  # an answer; 408 on a machine that is too busy for CLIENT_SECONDS
            server.store.process.wait(timeout=PATIENCE)

        assert not [path for path in server.temporary.rglob("*") if path.is_file()]
