"""What requests pass on their way to a view. API clients have no use for sessions, messages and policies of pages, and
get their answers faster without."""

from csp import middleware as csp
from django.conf import settings
from django.contrib.auth import middleware as auth
from django.contrib.messages import middleware as messages
from django.contrib.sessions import middleware as sessions
from django.core.exceptions import BadRequest
from django.utils.deprecation import MiddlewareMixin

from customers.core.http.multipart import InvalidMultipart, check_multipart
from oauth.text import is_encoded

API_PREFIXES = ("/api/", "/admin/", "/webhooks/", "/oauth2/token/", "/oauth2/revoke_token/", "/oauth2/introspect/")
NOT_STORED = ("/oauth2/", "/dashboard/")  # ApiMiddleware does the same for the APIs


class NoStoreMiddleware(MiddlewareMixin):
    """Lets no cache keep personal data or secrets (RFC 9111, 5.2.2.5). A view may say something else."""

    def process_response(self, request, response):
        if request.path_info.startswith(NOT_STORED):
            response.headers.setdefault("Cache-Control", "no-store")
        return response


def is_for_programs(path: str) -> bool:
    """Whether programs, and no browsers with a session of the dashboard, send requests to this path. Medusa's paths
    have any case."""
    return path.lower().startswith(API_PREFIXES)


class BrowserOnlyMiddleware(MiddlewareMixin):
    """Skips the middleware for requests to an API."""

    def __call__(self, request):
        if is_for_programs(request.path_info):
            return self.get_response(request)
        return super().__call__(request)


class EncodingMiddleware(BrowserOnlyMiddleware):
    """Raises BadRequest for a query string or a form that is no text in UTF-8. Django would put U+FFFD in its place."""

    def process_request(self, request):
        if not is_encoded(request.META.get("QUERY_STRING", "")):
            raise BadRequest("The query string is not UTF-8.")
        if request.content_type == "application/x-www-form-urlencoded" and not is_encoded(request.body):
            raise BadRequest("The form is not UTF-8.")
        if request.content_type == "multipart/form-data":
            self.check_multipart(request)

    def check_multipart(self, request):
        if int(request.META.get("CONTENT_LENGTH") or 0) <= settings.MAX_BODY_BYTES:
            try:
                check_multipart(request.body, request.content_params.get("boundary", ""))
            except InvalidMultipart as error:
                raise BadRequest(error.message) from None
        elif any("\ufffd" in text for texts in request.POST.lists() for text in (texts[0], *texts[1])):
            raise BadRequest("The form is not UTF-8.")  # a large upload, which is not read into memory


class SessionMiddleware(BrowserOnlyMiddleware, sessions.SessionMiddleware):
    pass


class AuthenticationMiddleware(BrowserOnlyMiddleware, auth.AuthenticationMiddleware):
    pass


class MessageMiddleware(BrowserOnlyMiddleware, messages.MessageMiddleware):
    pass


class CSPMiddleware(csp.CSPMiddleware):
    """Every page has the policy, and so have the error pages of any other middleware. Data needs none."""

    def process_response(self, request, response):
        is_page = response.headers.get("Content-Type", "").startswith("text/html")
        return super().process_response(request, response) if is_page else response
