"""The rate limit of a caller, and the header fields that describe it."""

from dataclasses import dataclass

from django.conf import settings
from django.http import HttpResponseBase

from customers.core import ratelimit

RETRY_AFTER = ratelimit.WINDOW  # seconds


@dataclass(frozen=True, slots=True)
class RateLimit:
    """The state after a request. `remaining`: the number of requests that the caller may still make in this window."""

    limit: int
    remaining: int
    is_exceeded: bool

    def set_headers(self, response: HttpResponseBase) -> None:
        """The fields of draft-ietf-httpapi-ratelimit-headers-10."""
        response.headers["RateLimit-Policy"] = f'"token";q={self.limit};w={ratelimit.WINDOW}'
        response.headers["RateLimit"] = f'"token";r={self.remaining};t={ratelimit.WINDOW}'


def count_request(subject_id: int, limit: int | None) -> RateLimit | None:
    """Counts a request of a caller. None if the number of requests is not limited.

    `subject_id` is the id that the caller is counted under. `limit`: requests per second; None stands for the setting
    RATE_LIMIT, 0 for no limit.
    """
    if limit is None:
        limit = settings.RATE_LIMIT
    if limit == 0:
        return None
    remaining = ratelimit.take(subject_id, limit)
    return RateLimit(limit, remaining or 0, is_exceeded=remaining is None)
