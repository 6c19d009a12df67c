from django.conf import settings
from rest_framework.throttling import BaseThrottle

from customers.core import ratelimit


class TokenRateThrottle(BaseThrottle):
    """The rate limit of the calling token; leaves the numbers for the answer's headers on the request."""

    def allow_request(self, request, view):
        limit = request.auth.rate_limit
        if limit is None:
            limit = settings.RATE_LIMIT
        if limit == 0:
            return True
        left = ratelimit.take(request.auth.token_id, limit)
        request.rate_limit = (limit, left or 0)
        return left is not None

    def wait(self):
        return ratelimit.WINDOW


def rate_limit_headers(limit: int, left: int) -> tuple[tuple[str, str], ...]:
    """The fields of draft-ietf-httpapi-ratelimit-headers-10."""
    return (
        ("RateLimit-Policy", f'"token";q={limit};w={ratelimit.WINDOW}'),
        ("RateLimit", f'"token";r={left};t={ratelimit.WINDOW}'),
    )
