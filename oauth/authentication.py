"""Authenticates requests to the API by their bearer token (RFC 6750, in the header only)."""

from typing import Any

from django.contrib.auth import get_user_model
from django.db import DEFAULT_DB_ALIAS
from django.utils.functional import SimpleLazyObject
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed

from oauth import tokens

REALM = 'Bearer realm="admin"'


class BearerAuthentication(BaseAuthentication):
    """Sets `request.auth` to a `tokens.Bearer` and `request.user` to the token's owner, loaded when first used.

    Without an `Authorization: Bearer` header the request is anonymous.
    """

    def authenticate(self, request):
        scheme, _, raw = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        bearer = self.find_bearer(request, raw.strip())
        if bearer is None:
            raise AuthenticationFailed("The access token is unknown, expired or revoked.", code="invalid_token")
        return SimpleLazyObject(lambda: owner_of(bearer)), bearer

    def find_bearer(self, request, raw: str) -> tokens.Bearer | None:
        return tokens.authenticate(raw)

    def authenticate_header(self, request):
        # RFC 6750, 3.1: no error code for a request that brought no token.
        if request.META.get("HTTP_AUTHORIZATION", "").lower().startswith("bearer"):
            return f'{REALM}, error="invalid_token"'
        return REALM


def owner_of(bearer: tokens.Bearer) -> Any:
    return get_user_model().objects.using(DEFAULT_DB_ALIAS).get(pk=bearer.user_id)  # never a stale one
