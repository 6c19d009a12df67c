"""A server that receives webhooks. It knows nothing of the store, and verifies signatures in both documented ways."""

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
ALONE = 10  # requests to /slow at the beginning that wait for no other: an endpoint gets one at a time at first


@dataclass(frozen=True)
class Received:
    path: str
    body: bytes
    signature: str
    code: int
    traceparent: str | None = None

    @property
    def event(self) -> dict:
        return json.loads(self.body)

    def is_signed(self, secret: str = SECRET) -> bool:
        """Checks the signature of the bytes, and of `json.dumps` of the parsed body, as the platform documents it."""
        return all(
            hmac.compare_digest(hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest(), self.signature)
            for signed in (self.body, json.dumps(json.loads(self.body)).encode())
        )


def whole_body(request: BaseHTTPRequestHandler) -> bytes | None:
    """The body of the request, or None where its sender was killed before the end of it."""
    length = int(request.headers["Content-Length"])
    body = request.rfile.read(length)
    return body if len(body) == length else None


class Handler(BaseHTTPRequestHandler):
    """The path chooses the answer: /500 has that status, /hang never comes, /half is shorter than its Content-Length,
    /huge is 10 MB, /drip sends a header that never ends, /after/20 waits for 20 requests to other paths, /slow/4 takes
    a moment: after the first requests, until there were 4 at once. Anything else is a 200."""

    server: "Server"

    def do_POST(self):
        if (body := whole_body(self)) is None:
            return
        how = urlsplit(self.path).path.strip("/").split("/")[0]
        with self.server.lock:
            code = self.server.codes.pop(0) if self.server.codes else int(how) if how.isdecimal() else 200
            received = Received(self.path, body, self.headers["X-29Next-Signature"], code, self.headers["traceparent"])
            self.server.received.append(received)
        if how == "hang":
            self.server.stopping.wait(30)
            return
        if how == "after" and not self.server.wait_for_others(int(self.path.split("/")[2]), self.path):
            code = 503
        if how == "drip":
            self.drip()
            return
        if how == "slow":
            self.server.be_slow(json.loads(body)["data"]["id"], together=int(self.path.split("/")[2]))
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
    request_queue_size = 128  # the target of several webhooks

    def __init__(self, port: int = 0):
        super().__init__(("127.0.0.1", port), Handler)
        self.lock, self.stopping, self.cut_off = Lock(), Event(), Event()
        self.received: list[Received] = []
        self.codes: list[int] = []  # the statuses of the next answers
        self.in_progress: list[int] = []  # ids of customers, of requests to /slow
        self.concurrent: list[tuple[int, ...]] = []  # `in_progress` at the start of each request to /slow
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def wait_for_others(self, quantity: int, path: str) -> bool:
        """Waits for this many requests to other paths. Returns whether they came within 15 seconds."""
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline:
            if sum(each.path != path for each in self.received) >= quantity:
                return True
            time.sleep(0.01)
        return False

    def be_slow(self, customer_id: int, *, together: int) -> None:
        with self.lock:
            self.in_progress.append(customer_id)
            self.concurrent.append(tuple(self.in_progress))
        deadline = time.monotonic() + 15
        while len(self.concurrent) > ALONE and max(map(len, self.concurrent)) < together:
            if time.monotonic() > deadline:
                break
            time.sleep(0.01)
        time.sleep(0.05)
        with self.lock:
            self.in_progress.remove(customer_id)

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
