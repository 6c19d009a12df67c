"""Sessions and a content policy for pages alone: programs have no use for them, and are answered faster without."""

from csp import middleware as csp
from django.contrib.auth import middleware as auth
from django.contrib.messages import middleware as messages
from django.contrib.sessions import middleware as sessions
from django.utils.deprecation import MiddlewareMixin

FOR_PROGRAMS = ("/api/", "/admin/", "/webhooks/", "/oauth2/token/", "/oauth2/revoke_token/", "/oauth2/introspect/")


class ForPages(MiddlewareMixin):
    def __call__(self, request):
        if request.path_info.startswith(FOR_PROGRAMS):
            return self.get_response(request)
        return super().__call__(request)


class SessionMiddleware(ForPages, sessions.SessionMiddleware):
    pass


class AuthenticationMiddleware(ForPages, auth.AuthenticationMiddleware):
    pass


class MessageMiddleware(ForPages, messages.MessageMiddleware):
    pass


class CSPMiddleware(ForPages, csp.CSPMiddleware):
    pass
