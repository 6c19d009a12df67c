"""The rate limit of the Admin API."""

from rest_framework.throttling import BaseThrottle

from customers.core.http import rate_limit


class TokenRateThrottle(BaseThrottle):
    """The rate limit of the calling token. It leaves the numbers for the answer's headers on the request."""

    def allow_request(self, request, view):
        request.rate_limit = rate_limit.count_request(request.auth.token_id, request.auth.rate_limit)
        return request.rate_limit is None or not request.rate_limit.is_exceeded

    def wait(self):
        return rate_limit.RETRY_AFTER
