"""How large a request body may be. The rule is checked before anything reads the body, let alone writes it to a disk.

`config.server` asks `may_send` before it takes a large body from the network. The middleware refuses every body that
is too large, whatever server the store runs behind. Neither ever sees more bytes than the Content-Length says.
"""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.db import close_old_connections
from django.http import HttpRequest, HttpResponse, parse_cookie
from django.urls import reverse

from config.middleware import AuthenticationMiddleware, SessionMiddleware
from customers.core.http.body_limits import BodyRefused, BodyTooLarge, content_length
from customers.core.http.refusals import BUSY, TooBusy
from customers.dashboard.jobs import may_import
from customers.medusa.authentication import COOKIE as MEDUSA_COOKIE

# Only requests to these paths, in any case, can need more than ANONYMOUS_BODY_BYTES ...
LARGE_PATHS = ("/api/admin/", "/admin/", "/dashboard/")
# ... except those by which people and programs sign in.
SIGN_IN_PATHS = ("/admin/auth", "/dashboard/login/", "/dashboard/password_reset/")
CREDENTIALS = ("HTTP_AUTHORIZATION", "HTTP_X_MEDUSA_ACCESS_TOKEN")
SESSION_COOKIES = {settings.SESSION_COOKIE_NAME, MEDUSA_COOKIE}


class BodyLimitMiddleware:
    """Refuses a body that is too large, or whose length is unknown, and a request that the server has no room for.

    `config.urls.handler400` answers.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if BUSY in request.META:
            raise TooBusy
        check_body(request)
        return self.get_response(request)


def check_body(request: HttpRequest) -> None:
    """Raises LengthRequired, InvalidContentLength, BodyTooLarge. `request` needs a session and a user."""
    length = content_length(request.META)
    if not length or length <= limit_by_headers(request.META):
        return
    is_import = length <= settings.MAX_IMPORT_BYTES and request.path_info == reverse("admin:jobs_job_import")
    if not (is_import and may_import(request)):
        raise BodyTooLarge


def limit_by_headers(meta: Mapping[str, Any]) -> int:
    """The most bytes that a request may send, without a look at whether its credentials are valid."""
    path = meta.get("PATH_INFO", "").lower()
    if path.startswith(LARGE_PATHS) and not path.startswith(SIGN_IN_PATHS) and has_credentials(meta):
        return settings.MAX_BODY_BYTES
    return min(settings.ANONYMOUS_BODY_BYTES, settings.MAX_BODY_BYTES)


def has_credentials(meta: Mapping[str, Any]) -> bool:
    if any(name in meta for name in CREDENTIALS):
        return True
    return not SESSION_COOKIES.isdisjoint(parse_cookie(meta.get("HTTP_COOKIE", "")))


def may_send(environ: dict[str, Any]) -> bool:
    """Whether the store takes the body of a request. May read the session and the user from the database."""
    close_old_connections()  # one that is broken or too old: no request has begun, before which it would be closed
    request = WSGIRequest(environ)
    for middleware in (SessionMiddleware, AuthenticationMiddleware):
        middleware(HttpResponse).process_request(request)
    try:
        check_body(request)
    except BodyRefused:
        return False
    return True
