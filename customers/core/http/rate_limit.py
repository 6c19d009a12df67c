"""The rate limit of a caller, and the header fields that describe it."""

from dataclasses import dataclass

from django.conf import settings
from django.http import HttpResponseBase

from customers.core import ratelimit
from customers.core.http.headers import set_headers
from oauth.scopes import Scope
from oauth.tokens import Bearer

RETRY_AFTER = ratelimit.WINDOW  # seconds


@dataclass(frozen=True, slots=True)
class RateLimit:
    """The state after a request. `remaining`: the number of requests that the caller may still make in this window."""

    limit: int
    remaining: int
    is_exceeded: bool

    def set_headers(self, response: HttpResponseBase) -> None:
        """The fields of draft-ietf-httpapi-ratelimit-headers-10."""
        fields = {
            "RateLimit-Policy": f'"token";q={self.limit};w={ratelimit.WINDOW}',
            "RateLimit": f'"token";r={self.remaining};t={ratelimit.WINDOW}',
        }
        set_headers(response, fields)


def authenticate_and_count(
    raw: str, scope: Scope, *, default_limit: int | None = None
) -> tuple[Bearer | None, RateLimit | None]:
    """The bearer of a token and, if the request has been counted already, the state of its limit.

    See `ratelimit.authenticate_and_take`. `default_limit=None` stands for the setting RATE_LIMIT.
    """
    default_limit = settings.RATE_LIMIT if default_limit is None else default_limit
    bearer, counted = ratelimit.authenticate_and_take(raw, scope, default_limit)
    return bearer, counted and _state(*counted)


def _state(limit: int, remaining: int | None) -> RateLimit:
    return RateLimit(limit, remaining or 0, is_exceeded=remaining is None)


def count_request(subject_id: int, limit: int | None) -> RateLimit | None:
    """Counts a request of a caller. None if the number of requests is not limited.

    `subject_id` is the id that the caller is counted under. `limit`: requests per second; None stands for the setting
    RATE_LIMIT, 0 for no limit.
    """
    if limit is None:
        limit = settings.RATE_LIMIT
    if limit == 0:
        return None
    return _state(limit, ratelimit.take(subject_id, limit))
