"""How drf-spectacular reads an operation of the Admin API."""

from typing import Any

from drf_spectacular.openapi import AutoSchema


class AdminApiSchema(AutoSchema):
    """Takes the scope, if one is needed, from the viewset's `required_scopes`. A token is had by OAuth2 or from the
    dashboard."""

    view: Any  # an AdminApiViewSet

    def get_auth(self):
        scope = self.view.required_scopes.get(self.view.action)
        return [{"oauth2": [str(scope)] if scope else []}, {"token": []}]
