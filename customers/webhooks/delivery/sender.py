"""One request to a receiver, over a socket of our own: no redirects, no proxies, no second look at the name."""

import hashlib
import hmac
import http.client
import socket
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from urllib.parse import urlsplit

from customers.webhooks.delivery.allowed_hosts import NotAllowed, resolved

TIMEOUT = 20.0  # seconds, for all of it
MAX_ANSWER = 64 * 1024  # bytes that are read of an answer
SIGNATURE = "X-29Next-Signature"
TOO_SLOW = f"No answer within {TIMEOUT:.0f} seconds."


@dataclass(frozen=True, slots=True)
class Outcome:
    """`code`: of the answer, None without one that is whole."""

    code: int | None
    seconds: float
    error: str = ""

    @property
    def is_success(self) -> bool:
        return self.code == http.client.OK


def signature(body: bytes, secret_key: str) -> str:
    """Hex HMAC-SHA256."""
    return hmac.new(secret_key.encode(), body, hashlib.sha256).hexdigest()


@cache
def tls_context() -> ssl.SSLContext:
    """One for all: it takes longer to read the authorities of this machine than to send a request."""
    return ssl.create_default_context()


class Request:
    """Is sent in a thread; another one may abort it."""

    def __init__(self, target: str, body: bytes, secret_key: str):
        self.target = target
        self.body = body
        self.headers = {
            "Content-Type": "application/json",
            "User-Agent": "shop-customers",
            "Connection": "close",
            SIGNATURE: signature(body, secret_key),
        }
        self.started = time.monotonic()
        self._socket: socket.socket | None = None

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started

    def send(self) -> Outcome:
        try:
            code = self._exchange()
        except NotAllowed:
            return self._failure("The name leads to no address that may be connected to.")
        except TimeoutError:
            return self._failure(TOO_SLOW)
        except (OSError, http.client.HTTPException, ValueError) as error:
            return self._failure(f"{type(error).__name__}: {error}")
        finally:
            self.abort()
        return Outcome(code, self.seconds, "" if code == http.client.OK else http.client.responses.get(code, ""))

    def abort(self) -> None:
        if self._socket:
            with suppress(OSError):  # it was closed before
                self._socket.shutdown(socket.SHUT_RDWR)
            self._socket.close()

    def _failure(self, error: str) -> Outcome:
        return Outcome(None, self.seconds, error[:255])

    def _exchange(self) -> int:
        """The answer's code, once the answer is whole or large enough."""
        parts = urlsplit(self.target)
        host, is_plain = (parts.hostname or "").encode("idna").decode(), parts.scheme == "http"
        connected = self._connect(host, parts.port or (80 if is_plain else 443))
        if not is_plain:
            self._socket = connected = tls_context().wrap_socket(
                connected, server_hostname=host, do_handshake_on_connect=False
            )
            connected.do_handshake()
        connection = http.client.HTTPConnection(host)
        connection.sock = connected
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", path, self.body, {"Host": parts.netloc.encode("idna").decode(), **self.headers})
        response = connection.getresponse()
        length = len(response.read(MAX_ANSWER))
        if response.length and length < MAX_ANSWER:
            raise http.client.IncompleteRead(b"", response.length)
        return response.status

    def _connect(self, host: str, port: int) -> socket.socket:
        failure: OSError | None = None
        for family, address in resolved(host, port):
            self._socket = attempt = socket.socket(family, socket.SOCK_STREAM)
            attempt.settimeout(max(TIMEOUT - self.seconds, 0.1))
            try:
                attempt.connect(address)
                return attempt
            except OSError as error:
                failure = error
                attempt.close()
        raise failure or OSError("There is no address.")
