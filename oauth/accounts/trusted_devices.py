"""Browsers in which somebody has signed in before, known by a cookie: OWASP's "device cookies".

The cookie opens nothing. It lets the browser try to sign in while strangers have locked the account, and counts its
failures apart. It is bound to the person and to the password: a new password ends it.
"""

import secrets
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.signing import BadSignature, TimestampSigner
from django.http import HttpRequest, HttpResponse

COOKIE_PREFIX = "device_"  # followed by the person's id: colleagues may share a browser
LIFETIME = timedelta(days=180)


def trust(response: HttpResponse, user: Any) -> None:
    """Sets the cookie, after a complete sign-in of the user."""
    response.set_cookie(
        f"{COOKIE_PREFIX}{user.pk}",
        _signer(user).sign(secrets.token_urlsafe(16)),
        max_age=LIFETIME,
        httponly=True,
        samesite="Strict",
        secure=settings.SESSION_COOKIE_SECURE,
    )


def device_of(request: HttpRequest, email: str) -> str | None:
    """The id of the device that sends the request, if it is trusted for the account with this email address."""
    if not any(name.startswith(COOKIE_PREFIX) for name in request.COOKIES):
        return None
    users = get_user_model()._default_manager
    try:
        user = users.get_by_natural_key(email.replace("\0", "").strip())
        return _signer(user).unsign(request.COOKIES[f"{COOKIE_PREFIX}{user.pk}"], max_age=LIFETIME)
    except (users.model.DoesNotExist, KeyError, BadSignature):
        return None


def _signer(user: Any) -> TimestampSigner:
    return TimestampSigner(salt=f"{__name__}:{user.pk}:{user.get_session_auth_hash()}")
