"""The pages for 400, 403, 404 and 500, in the look of the dashboard. APIs answer errors themselves.

Somebody who is signed in to the dashboard sees its header and navigation, too.
"""

from typing import Any

from django.contrib import admin
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBadRequest,
    HttpResponseForbidden,
    HttpResponseNotFound,
    HttpResponseServerError,
)
from django.template.loader import render_to_string

from customers.core.http.body_limits import BodyRefused
from customers.core.http.refusals import RequestRefused
from customers.dashboard.site import names, site_names

TEMPLATE = "dashboard/error.html"


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    text = "The store can't read the address or the data that was sent. Go back and try again."
    return HttpResponseBadRequest(_page(request, "Bad request", text))


def request_refused(request: HttpRequest, error: RequestRefused) -> HttpResponse:
    advice = "with less" if isinstance(error, BodyRefused) else "in a moment"
    text = f"{error.message} Go back and try again {advice}."
    return HttpResponse(_page(request, error.status.phrase, text), status=error.status)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    text = "Your account may not open this page. Ask an owner of the store for access."
    return HttpResponseForbidden(_page(request, "You may not do this", text))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    text = (
        "The store could not verify that the form came from its own page. Go back, reload the page and send the form "
        "again. The browser has to accept cookies of the store."
    )
    return HttpResponseForbidden(_page(request, "The form has expired", text))


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    text = "There is no page at this address. Check the address, or start again from the dashboard."
    return HttpResponseNotFound(_page(request, "Page not found", text))


def server_error(request: HttpRequest) -> HttpResponse:
    """Rendered without the request, hence without session and database: they may be what failed."""
    text = "The store could not answer. The error is in the log. Try again in a moment."
    return HttpResponseServerError(
        render_to_string(TEMPLATE, {**names(), "title": "Something went wrong", "text": text})
    )


def _page(request: HttpRequest, title: str, text: str) -> str:
    context: dict[str, Any] = {"title": title, "text": text}
    # Without a user, a middleware refused the request before anybody was authenticated.
    if hasattr(request, "user") and admin.site.has_permission(request):
        context |= admin.site.each_context(request)
    else:
        context |= site_names()
    return render_to_string(TEMPLATE, context, request)
