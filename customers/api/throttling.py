"""Authentication and the rate limit of the Admin API."""

from rest_framework.throttling import BaseThrottle

from customers.core.http import rate_limit
from oauth.authentication import BearerAuthentication


class CountingAuthentication(BearerAuthentication):
    """Also counts the request, if the token has the scope that the view requires: one statement does both. Nothing
    that is checked between the two can refuse the request then."""

    def find_bearer(self, request, raw):
        scope = request.parser_context["view"].required_scope
        if scope is None:
            return super().find_bearer(request, raw)
        bearer, request.rate_limit = rate_limit.authenticate_and_count(raw, scope)
        return bearer


class TokenRateThrottle(BaseThrottle):
    """The rate limit of the calling token. It leaves the numbers for the answer's headers on the request."""

    def allow_request(self, request, view):
        if getattr(request, "rate_limit", None) is None:
            request.rate_limit = rate_limit.count_request(request.auth.token_id, request.auth.rate_limit)
        return request.rate_limit is None or not request.rate_limit.is_exceeded

    def wait(self):
        return rate_limit.RETRY_AFTER
