"""The composition root: every surface and where it is mounted."""

import sys
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db import InterfaceError, OperationalError
from django.urls import include, path, re_path
from django.views import defaults
from django.views.generic import RedirectView

from config.middleware import is_for_programs
from customers.api import errors as api_errors
from customers.api.base import NotFoundView
from customers.api.openapi import DOCUMENTS, ReferencePage, serve_document
from customers.core.http.refusals import RequestRefused
from customers.dashboard import error_pages
from customers.dashboard.front_door import front_door
from customers.dashboard.home import home
from customers.medusa import base as medusa
from customers.medusa import errors as medusa_errors
from customers.medusa.cors import in_any_case
from customers.medusa.cors import is_below as is_medusa
from customers.mirror.inbound import receive_event
from oauth import client_endpoints

urlpatterns = [
    path("api/admin/", include("customers.api.urls")),  # the first ones are found fastest
    path("api/admin", NotFoundView.as_view()),  # or it would be redirected, which API clients refuse
    path("", front_door, {"documents": DOCUMENTS}, name="front-door"),
    re_path(f"^{in_any_case('admin')}$", medusa.UnknownPath.as_view()),
    re_path(f"^{in_any_case('admin')}/", include("customers.medusa.urls")),
    path("webhooks/<int:store_id>/", receive_event, name="receive-event"),
    path("api/schema/admin/", serve_document, name="admin-api-schema"),
    path("api/docs/admin/", ReferencePage.as_view(), name="admin-api-docs"),
    path("favicon.ico", RedirectView.as_view(url=f"{settings.STATIC_URL}oauth/icon.svg")),  # browsers ask for one
    path("", include("oauth.urls")),
    path("dashboard/", admin.site.admin_view(home), name="home"),
    path("dashboard/", admin.site.urls),
]


def _errors_for(request) -> Any:
    """The module of the API that the request's path belongs to, if any."""
    if is_medusa(request.path):
        return medusa_errors
    return api_errors if request.path.startswith("/api/") else None


def _pages_for(request) -> Any:
    return defaults if is_for_programs(request.path_info) else error_pages


def handler400(request, exception):
    if isinstance(exception, RequestRefused):
        response = _errors_of_any(request).request_refused(request, exception)
        if exception.retry_after is not None:
            response.headers["Retry-After"] = str(exception.retry_after)
        return response
    errors = _errors_for(request) or _pages_for(request)
    return errors.bad_request(request, exception)


def _errors_of_any(request) -> Any:
    """The module that answers a refused request, whatever its path."""
    if errors := _errors_for(request):
        return errors
    if not is_for_programs(request.path_info):
        return error_pages
    return client_endpoints if request.path_info.startswith("/oauth2/") else api_errors


def handler403(request, exception):
    return _pages_for(request).permission_denied(request, exception)


def handler404(request, exception):
    errors = _errors_for(request)
    return errors.not_found(request, exception) if errors else _pages_for(request).page_not_found(request, exception)


def handler500(request):
    errors = _errors_for(request) or _pages_for(request)
    response = errors.server_error(request)
    if isinstance(sys.exception(), OperationalError | InterfaceError):  # the database did not answer, or not in time
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
        response.headers["Retry-After"] = "1"
    return response
