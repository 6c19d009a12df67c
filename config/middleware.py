"""Sessions for pages alone: the API knows no cookies, and its requests are cheaper without."""

from django.contrib.auth import middleware as auth
from django.contrib.messages import middleware as messages
from django.contrib.sessions import middleware as sessions
from django.utils.deprecation import MiddlewareMixin


class ForPages(MiddlewareMixin):
    def __call__(self, request):
        if request.path_info.startswith("/api/"):
            return self.get_response(request)
        return super().__call__(request)


class SessionMiddleware(ForPages, sessions.SessionMiddleware):
    pass


class AuthenticationMiddleware(ForPages, auth.AuthenticationMiddleware):
    pass


class MessageMiddleware(ForPages, messages.MessageMiddleware):
    pass
