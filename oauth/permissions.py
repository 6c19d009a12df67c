from rest_framework.exceptions import MethodNotAllowed, PermissionDenied
from rest_framework.permissions import BasePermission

from oauth.authentication import REALM
from oauth.models import App
from oauth.scopes import Scope, grants


class InsufficientScope(PermissionDenied):
    """403 with the challenge of RFC 6750, 3.1."""

    def __init__(self, scope: Scope):
        super().__init__(f"This needs a token with the scope {scope}.", code="insufficient_scope")
        self.auth_header = f'{REALM}, error="insufficient_scope", scope="{scope}"'


class TokenHasActionScope(BasePermission):
    """Requires the scope that the view's `required_scopes` names for the action. Other actions are refused."""

    def has_permission(self, request, view):
        bearer = request.auth
        if bearer is None:
            return False
        if view.action not in view.action_map.values():
            raise MethodNotAllowed(request.method)
        required = view.required_scopes.get(view.action)
        if required is None:
            return False
        if not grants(bearer.scopes, required):
            raise InsufficientScope(required)
        return True


class TokenOfApp(BasePermission):
    """Requires a token of the app that the path names, whatever its scopes."""

    def has_permission(self, request, view):
        if request.auth is None:
            return False
        view.app = App.objects.get(pk=request.auth.app_id)
        if view.app.client_id != view.kwargs["clientId"]:
            raise PermissionDenied("This needs a token of the app itself.", code="wrong_app")
        return True
