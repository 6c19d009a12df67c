"""The composition root: every surface and where it is mounted."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from django.views import defaults
from django.views.generic import RedirectView

from customers.admin.home import home
from customers.api import errors as api_errors
from customers.api.documents import ReferencePage, serve_document
from customers.api.views import UnknownPath

urlpatterns = [
    path("api/admin", UnknownPath.as_view()),  # or it would be redirected, which API clients refuse
    path("api/admin/", include("customers.api.urls")),
    path("api/schema/admin/", serve_document, name="admin-api-schema"),
    path("api/docs/admin/", ReferencePage.as_view(), name="admin-api-docs"),
    path("favicon.ico", RedirectView.as_view(url=f"{settings.STATIC_URL}oauth/icon.svg")),  # browsers ask for one
    path("", include("oauth.urls")),
    path("dashboard/password_reset/", include("customers.admin.password_urls")),
    path("dashboard/", admin.site.admin_view(home), name="home"),
    path("dashboard/", admin.site.urls),
]


def _speaks_json(request) -> bool:
    return request.path.startswith("/api/")


def handler400(request, exception):
    handler = api_errors.bad_request if _speaks_json(request) else defaults.bad_request
    return handler(request, exception)


def handler404(request, exception):
    handler = api_errors.not_found if _speaks_json(request) else defaults.page_not_found
    return handler(request, exception)


def handler500(request):
    handler = api_errors.server_error if _speaks_json(request) else defaults.server_error
    return handler(request)
