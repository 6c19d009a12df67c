"""Signing in and out: `/admin/auth` and `/admin/auth/token`."""

from typing import Any

from django.http import HttpRequest, HttpResponse

from customers.core.http.json_response import json_response
from customers.medusa import authentication, serializers
from customers.medusa.base import AdminView
from customers.medusa.class_validator import IS_EMAIL, IS_NOT_EMPTY, IS_STRING, Property
from customers.medusa.errors import NotAllowed
from customers.models import User
from oauth.scopes import Scope, grants

CREDENTIALS = {"email": Property((IS_NOT_EMPTY, IS_EMAIL)), "password": Property((IS_NOT_EMPTY, IS_STRING))}


class SignIn(AdminView):
    """POST needs no authentication: it signs in."""

    def respond(self, request: HttpRequest, **kwargs: str) -> HttpResponse:
        if request.method != "POST":
            return super().respond(request, **kwargs)
        member = authentication.sign_in(request, **self.body(CREDENTIALS))
        return self.signed_in(request, member)

    def signed_in(self, request: HttpRequest, member: User) -> HttpResponse:
        raise NotImplementedError


class Session(SignIn):
    scopes = {"GET": None, "DELETE": None}

    def signed_in(self, request: HttpRequest, member: User) -> HttpResponse:
        response = json_response({"user": serializers.user(member)})
        authentication.begin_session(request, response, member)
        return response

    def get(self, request: HttpRequest) -> dict[str, Any]:
        if self.caller.app_id and not grants(self.caller.scopes, Scope.USERS_READ):
            raise NotAllowed(f"This needs a token with the scope {Scope.USERS_READ}.")
        return {"user": serializers.user(User.objects.get(pk=self.caller.user_id))}

    def delete(self, request: HttpRequest) -> HttpResponse:
        response = HttpResponse("OK", content_type="text/plain; charset=utf-8")
        authentication.end_session(request, response, self.caller)
        return response


class Token(SignIn):
    def signed_in(self, request: HttpRequest, member: User) -> HttpResponse:
        return json_response({"access_token": authentication.issue_jwt(request, member)})
