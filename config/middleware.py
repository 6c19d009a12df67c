"""Django's session middleware and a content policy, for pages only. API clients have no use for them, and get their
answers faster without."""

from csp import middleware as csp
from django.contrib.auth import middleware as auth
from django.contrib.messages import middleware as messages
from django.contrib.sessions import middleware as sessions
from django.utils.deprecation import MiddlewareMixin

API_PREFIXES = ("/api/", "/admin/", "/webhooks/", "/oauth2/token/", "/oauth2/revoke_token/", "/oauth2/introspect/")


class BrowserOnlyMiddleware(MiddlewareMixin):
    """Skips the middleware for requests to an API."""

    def __call__(self, request):
        if request.path_info.startswith(API_PREFIXES):
            return self.get_response(request)
        return super().__call__(request)


class SessionMiddleware(BrowserOnlyMiddleware, sessions.SessionMiddleware):
    pass


class AuthenticationMiddleware(BrowserOnlyMiddleware, auth.AuthenticationMiddleware):
    pass


class MessageMiddleware(BrowserOnlyMiddleware, messages.MessageMiddleware):
    pass


class CSPMiddleware(BrowserOnlyMiddleware, csp.CSPMiddleware):
    pass
