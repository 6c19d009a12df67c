"""Client of another store's Admin API: one connection to one host, within its rate limit, with retries.

The pool knows only that host and redirects are never followed, so the token can't go elsewhere. It is never logged.
"""

import http.client
import socket
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, InvalidHeader, MaxRetryError, NewConnectionError
from urllib3.util import Retry
from urllib3.util.connection import create_connection

from customers.core.json_values import parse_json
from customers.core.outgoing import HostNotAllowed, resolve
from oauth.errors import ServiceError

API = "/api/admin/"
API_VERSION = "2024-04-01"
TIMEOUT = 30.0  # seconds, to connect and between two parts of an answer
MAX_ANSWER = 64 * 1024 * 1024  # bytes
RATE_MARGIN = 1.02  # 2 % below the limit, so that clock skew never trips it
ATTEMPTS = 8
MAX_WAIT = 60  # seconds between two attempts
RETRIED = (429, 500, 502, 503, 504)


class StoreUnavailable(ServiceError):
    """The store does not answer, or asks to retry later."""

    code = "store_unavailable"


class StoreRefused(ServiceError):
    """The store refused a request, or its answer can't be used. `status`: of the answer."""

    code = "store_refused"

    def __init__(self, message: str, status: int):
        super().__init__(message)
        self.status = status


class CheckedConnection(HTTPConnection):
    """Connects only to addresses that are allowed: the check and the connection are about the same address."""

    def _new_conn(self) -> socket.socket:
        failure: Exception = OSError("The host has no address.")
        try:
            for _, address in resolve(self.host.strip("[]"), self.port):
                try:
                    return create_connection(address[:2], self.timeout, socket_options=self.socket_options)
                except OSError as error:
                    failure = error
        except HostNotAllowed as error:
            failure = ValueError(error.message)
        except OSError as error:
            failure = error
        raise NewConnectionError(self, str(failure)) from failure


class CheckedTLSConnection(CheckedConnection, HTTPSConnection):
    """A CheckedConnection over TLS."""


@dataclass
class StoreClient:
    """`rate`: requests per second, 0 for no limit. `attempts`: per request, while the store is unavailable."""

    url: str
    token: str
    rate: float
    attempts: int = ATTEMPTS

    def __post_init__(self):
        self._next_request_at = 0.0
        self._pool = urllib3.connection_from_url(self.url, maxsize=1, timeout=TIMEOUT)
        self._pool.ConnectionCls = CheckedTLSConnection if self._pool.scheme == "https" else CheckedConnection
        self._headers = {
            "Authorization": f"Bearer {self.token}",
            "Accept": "application/json",
            "User-Agent": "shop-customers",
            "X-29Next-Api-Version": API_VERSION,
        }

    def get(self, path: str) -> Any:
        return self.request("GET", path)

    def request(self, method: str, path: str, body: Any = None) -> Any:
        """The answer, parsed from JSON; None for an empty one. `path`: below `/api/admin/`, or a link of an answer.

        Raises StoreUnavailable, StoreRefused.
        """
        target = _target(path)
        retry = Retry(
            self.attempts - 1,
            allowed_methods=None,
            status_forcelist=RETRIED,
            backoff_factor=1,
            backoff_max=MAX_WAIT,
            retry_after_max=MAX_WAIT,
        )
        while True:
            response, error = None, None
            self._wait_for_turn()
            try:
                response = self._pool.request(
                    method,
                    target,
                    json=body,
                    headers=self._headers,
                    redirect=False,
                    retries=False,  # below: a body that breaks off is retried, too
                    preload_content=False,
                )
                content = self._read(response)
                if response.status not in RETRIED:
                    return self._parse(method, target, response.status, content)
                problem = _status_line(response.status)
            except HTTPError as raised:
                error, problem = raised, f"{type(raised).__name__}: {raised}"
            try:
                retry = retry.increment(method, target, response, error)
                retry.sleep(response)
            except (MaxRetryError, InvalidHeader):
                raise StoreUnavailable(f"{self.url} can't be read: {problem}.") from None

    def close(self) -> None:
        self._pool.close()

    def _wait_for_turn(self) -> None:
        if (wait := self._next_request_at - time.monotonic()) > 0:
            time.sleep(wait)
        self._next_request_at = time.monotonic() + (RATE_MARGIN / self.rate if self.rate else 0)

    def _read(self, response: urllib3.BaseHTTPResponse) -> bytes:
        content = response.read(MAX_ANSWER + 1, decode_content=False)
        if len(content) > MAX_ANSWER:
            response.close()
            raise StoreRefused(f"{self.url} answered with more than {MAX_ANSWER} bytes.", response.status)
        return content

    def _parse(self, method: str, target: str, status: int, content: bytes) -> Any:
        if not 200 <= status < 300:
            message = f"{self.url} answered {_status_line(status)} to {method} {urlsplit(target).path}."
            raise StoreRefused(message, status)
        try:
            return parse_json(content) if content else None
        except (ValueError, RecursionError):
            raise StoreRefused(f"{self.url} did not answer in JSON.", status) from None


def _target(path: str) -> str:
    """The path and query of a link, without its host."""
    if path.startswith("/"):
        return path
    parts = urlsplit(path)
    return f"{parts.path}?{parts.query}" if parts.netloc else API + path


def _status_line(status: int) -> str:
    return f"{status} {http.client.responses.get(status, '')}".strip()
