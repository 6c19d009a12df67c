"""A receiver of webhooks on a socket, who knows nothing of the store: it verifies signatures in both known ways."""

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from urllib.parse import urlsplit

SECRET = "a secret that only the two of us know"


@dataclass(frozen=True)
class Received:
    path: str
    body: bytes
    signature: str
    code: int

    @property
    def event(self) -> dict:
        return json.loads(self.body)

    def is_signed(self, secret: str = SECRET) -> bool:
        """As the platform documents it, by what `json.dumps` writes, and by the bytes."""
        return all(
            hmac.compare_digest(hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest(), self.signature)
            for signed in (self.body, json.dumps(json.loads(self.body)).encode())
        )


class Handler(BaseHTTPRequestHandler):
    """The path says how to answer: /500 with that code, /hang not at all, /half with less than was announced, /after/20
    once so many others have come, /slow after a moment."""

    server: "Server"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        how = urlsplit(self.path).path.strip("/").split("/")[0]
        with self.server.lock:
            code = self.server.codes.pop(0) if self.server.codes else int(how) if how.isdecimal() else 200
            self.server.received.append(Received(self.path, body, self.headers["X-29Next-Signature"], code))
        if how == "hang":
            self.server.stopping.wait(30)
            return
        if how == "after" and not self.server.others_got(int(self.path.split("/")[2]), self.path):
            code = 503
        if how == "drip":
            self.drip()
            return
        if how == "slow":
            self.server.linger(json.loads(body)["data"]["id"])
        self.send_response(code)
        if code in (301, 302, 307):
            self.send_header("Location", f"{self.server.url}/redirected")
        self.send_header("Content-Length", "100" if how == "half" else "10000000" if how == "huge" else "2")
        self.end_headers()
        try:
            self.wfile.write(b"x" * 10_000_000 if how == "huge" else b"ok")
        except OSError:
            self.server.cut_off.set()

    def drip(self):
        """A header that never ends."""
        try:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            while not self.server.stopping.wait(0.05):
                self.wfile.write(b"x")
        except OSError:
            self.server.cut_off.set()

    def log_message(self, *args):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # several webhooks lead here

    def __init__(self, port: int = 0):
        super().__init__(("127.0.0.1", port), Handler)
        self.lock, self.stopping, self.cut_off = Lock(), Event(), Event()
        self.received: list[Received] = []
        self.codes: list[int] = []  # of the next answers
        self.lingering: list[int] = []
        self.together: list[tuple[int, ...]] = []  # the ids of those whom requests at once were about
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def others_got(self, quantity: int, path: str) -> bool:
        """Waits until so much has come to other paths."""
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline:
            if sum(each.path != path for each in self.received) >= quantity:
                return True
            time.sleep(0.01)
        return False

    def linger(self, about: int) -> None:
        """Notes whom else a request is about meanwhile."""
        with self.lock:
            self.lingering.append(about)
            self.together.append(tuple(self.lingering))
        time.sleep(0.05)
        with self.lock:
            self.lingering.remove(about)

    @property
    def events(self) -> list[str]:
        return [each.event["event_type"] for each in self.received]


@contextmanager
def served(port: int = 0) -> Iterator[Server]:
    server = Server(port)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.stopping.set()
        server.shutdown()
        server.server_close()
        thread.join()
