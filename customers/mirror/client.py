"""Reading another store's Admin API: one connection, no faster than it allows, with patience where it is away."""

import getpass
import http.client
import json
import os
import ssl
import sys
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from oauth.errors import ServiceError

API = "/api/admin/"
API_VERSION = "2024-04-01"
TIMEOUT = 30.0  # seconds, between two parts of an answer
MAX_ANSWER = 64 * 1024 * 1024  # bytes
# A hair slower: of the requests of a second, none is to be refused for having come early.
LEEWAY = 1.02
TRIES = 8
LONGEST_WAIT = 60.0  # seconds
RETRIED = (http.client.TOO_MANY_REQUESTS, 500, 502, 503, 504)
TOKEN_VARIABLE = "STORE_TOKEN"  # noqa: S105  names a variable, is no secret


class Unavailable(Exception):
    """The store does not answer, or says that it can't now."""


class Refused(Exception):
    """The store does not allow this, or knows nothing of it; `code` is that of its answer."""

    def __init__(self, code: int, message: str):
        super().__init__(message)
        self.code = code


def clean_url(text: str) -> str:
    """Scheme and domain. Raises ServiceError."""
    schemes = ("https", "http") if settings.WEBHOOKS_ALLOW_HTTP else ("https",)
    try:
        parts = urlsplit(text)
        host, port = (parts.hostname or "").encode("idna").decode(), parts.port
    except ValueError:
        raise ServiceError("Enter a valid URL.", "url") from None
    if parts.scheme not in schemes or not host or "@" in parts.netloc or parts.query or parts.path.strip("/"):
        raise ServiceError(f"Enter the address of a store: {' or '.join(schemes)}, and its domain.", "url")
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}"


def asked_for_token() -> str:
    """From the environment, else from who sits at the terminal: arguments are seen by everybody on the machine.

    Raises ServiceError."""
    token = os.environ.get(TOKEN_VARIABLE, "")
    if not token and sys.stdin.isatty():
        token = getpass.getpass("A token of the store: ")
    if not token.strip() or not token.strip().isascii() or not token.strip().isprintable():
        raise ServiceError(f"Put a token of the store into {TOKEN_VARIABLE}.")
    return token.strip()


@dataclass
class StoreClient:
    """`rate`: requests a second, 0: as they come. `tries`: of a request that finds the store away."""

    url: str
    token: str
    rate: float
    tries: int = TRIES

    def __post_init__(self):
        self._free_at = 0.0
        self._connection: http.client.HTTPConnection | None = None

    def get(self, path: str) -> Any:
        return self.ask("GET", path)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """What the store answers, read from JSON; None without a body. `path`: below `/api/admin/`, or a link of an
        answer. Raises Unavailable, Refused."""
        for attempt in range(self.tries):
            is_kept_open = self._connection is not None
            try:
                code, wait, answer = self._exchange(method, self._path_of(path), body)
                problem = f"{code} {http.client.responses.get(code, '')}"
            except (OSError, http.client.HTTPException) as error:
                # One that was kept open may have ended meanwhile: that is nothing to wait for.
                code, wait, answer, problem = 0, 0.0 if is_kept_open else None, b"", f"{type(error).__name__}: {error}"
                self.close()
            if 200 <= code < 300:
                return self._read(answer)
            if code and code not in RETRIED:
                raise Refused(code, f"{self.url} answered {problem} to {method} {urlsplit(path).path}.")
            if attempt + 1 < self.tries:
                time.sleep(min(2.0**attempt if wait is None else wait, LONGEST_WAIT))
        raise Unavailable(f"{self.url} can't be read: {problem}.")

    def close(self) -> None:
        if self._connection:
            self._connection.close()
            self._connection = None

    def _path_of(self, path: str) -> str:
        """Of a link, which must not lead elsewhere with the token."""
        if path.startswith("/"):
            return path
        parts = urlsplit(path)
        if parts.netloc:
            return f"{parts.path}?{parts.query}"
        return API + path

    def _exchange(self, method: str, path: str, body: Any) -> tuple[int, float | None, bytes]:
        """The code, the seconds to wait for if they were told, and the body."""
        self._wait_for_turn()
        self._connection = connection = self._connection or self._connect()
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Accept": "application/json",
            "User-Agent": "shop-customers",
            "X-29Next-Api-Version": API_VERSION,
        }
        if body is not None:
            headers["Content-Type"] = "application/json"
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        response = connection.getresponse()
        answer = response.read(MAX_ANSWER + 1)
        if len(answer) > MAX_ANSWER:
            raise http.client.HTTPException("the answer is too long")
        after = response.headers.get("Retry-After", "")
        return response.status, float(after) if after.isdecimal() else None, answer

    def _connect(self) -> http.client.HTTPConnection:
        parts = urlsplit(self.url)
        if parts.scheme == "http":
            return http.client.HTTPConnection(parts.netloc, timeout=TIMEOUT)
        return http.client.HTTPSConnection(parts.netloc, timeout=TIMEOUT, context=ssl.create_default_context())

    def _wait_for_turn(self) -> None:
        now = time.monotonic()
        if self.rate and self._free_at > now:
            time.sleep(self._free_at - now)
        self._free_at = time.monotonic() + (LEEWAY / self.rate if self.rate else 0)

    def _read(self, answer: bytes) -> Any:
        try:
            return json.loads(answer) if answer else None
        except (ValueError, RecursionError):
            raise Refused(0, f"{self.url} did not answer in JSON.") from None
