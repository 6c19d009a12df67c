"""Not httpx or requests: the socket connects to an address that was checked, and one deadline covers the whole attempt.

Both libraries resolve the host name again when they connect, and their timeouts restart with each byte received. This
module follows no redirects and uses no proxies.
"""

import http.client
import socket
import ssl
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from urllib.parse import urlsplit

from customers.core.outgoing import HostNotAllowed, resolve
from customers.webhooks.signing import SIGNATURE_HEADER, sign

TIMEOUT = 20.0  # seconds, for the whole attempt
MAX_RESPONSE = 64 * 1024  # bytes read of a response
TIMED_OUT = f"No answer within {TIMEOUT:.0f} seconds."


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one attempt. `code` is the HTTP status, None without a complete response."""

    code: int | None
    seconds: float
    error: str = ""

    @property
    def is_success(self) -> bool:
        return self.code == http.client.OK


@cache
def tls_context() -> ssl.SSLContext:
    """Shared: loading this machine's certificate authorities takes longer than sending a request."""
    return ssl.create_default_context()


class Attempt:
    """One delivery attempt. `abort()` may be called from another thread."""

    def __init__(self, target: str, body: bytes, secret_key: str):
        self.target = target
        self.body = body
        self.headers = {
            "Content-Type": "application/json",
            "User-Agent": "shop-customers",
            "Connection": "close",
            SIGNATURE_HEADER: sign(body, secret_key),
        }
        self.started = time.monotonic()
        self._socket: socket.socket | None = None

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started

    def send(self) -> Outcome:
        try:
            code = self._exchange()
        except HostNotAllowed as error:
            return self._failure(error.message)
        except TimeoutError:
            return self._failure(TIMED_OUT)
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
        """Sends the request. Returns the status of a response that is complete, or that is MAX_RESPONSE long."""
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
        length = len(response.read(MAX_RESPONSE))
        if response.length and length < MAX_RESPONSE:
            raise http.client.IncompleteRead(b"", response.length)
        return response.status

    def _connect(self, host: str, port: int) -> socket.socket:
        failure: OSError | None = None
        for family, address in resolve(host, port):
            self._socket = candidate = socket.socket(family, socket.SOCK_STREAM)
            candidate.settimeout(max(TIMEOUT - self.seconds, 0.1))
            try:
                candidate.connect(address)
                return candidate
            except OSError as error:
                failure = error
                candidate.close()
        raise failure or OSError("The host has no address.")
