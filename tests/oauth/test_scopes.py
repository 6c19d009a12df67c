import pytest
from django.urls import get_resolver
from oauth2_provider.settings import oauth2_settings

from customers.api.base import NotFoundView
from customers.api.resources.exports import ExportFileView
from customers.api.resources.root import RootView
from customers.api.throttling import CountingAuthentication
from oauth.permissions import TokenHasActionScope, TokenOfApp
from oauth.scopes import SCOPE_LABELS, Scope, grants
from tests.support.cases import each

pytestmark = pytest.mark.once

SCOPES = [
    "admin:read",
    "admin:write",
    "assets:read",
    "assets:write",
    "campaigns:read",
    "campaigns:write",
    "carts:read",
    "carts:write",
    "catalogue:read",
    "catalogue:write",
    "content:read",
    "content:write",
    "disputes:read",
    "disputes:write",
    "exports:read",
    "exports:write",
    "fulfillment_orders:read",
    "fulfillment_orders:write",
    "fulfillment_service:read",
    "fulfillment_service:write",
    "gateways:read",
    "gift_cards:read",
    "gift_cards:write",
    "locations:read",
    "locations:write",
    "metadata:read",
    "metadata:write",
    "orders:read",
    "orders:write",
    "store:read",
    "subscriptions:read",
    "subscriptions:write",
    "themes:read",
    "themes:write",
    "tickets:read",
    "tickets:write",
    "transactions:read",
    "transactions:write",
    "users:read",
    "users:write",
    "webhooks:read",
    "webhooks:write",
]


class TestScopes:
    def test_scopes_are_the_platform_s_42(self):
        assert sorted(Scope) == SCOPES
        assert len(SCOPES) == 42

    def test_scopes_have_distinct_labels(self):
        assert sorted(oauth2_settings.SCOPES) == SCOPES
        assert all(SCOPE_LABELS.values())
        assert len(set(SCOPE_LABELS.values())) == 42

    @each("scope", Scope)
    def test_scopes_are_granted_by_themselves_and_by_admin_of_their_kind_only(self, scope):
        access = scope.partition(":")[2]

        assert [granted for granted in Scope if grants(frozenset([granted]), scope)] == sorted(
            {scope, f"admin:{access}"}
        )

    def test_scopes_are_granted_by_nothing_else(self):
        assert not grants(frozenset(), Scope.USERS_READ)
        assert not grants(frozenset(["users", "read", "users:", "*", "admin"]), Scope.USERS_READ)


def routes(patterns, prefix=""):
    """Path and callback of everything that is routed."""
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if hasattr(pattern, "url_patterns"):
            yield from routes(pattern.url_patterns, path)
        else:
            yield path, pattern.callback


ADMIN_API = [(path, view) for path, view in routes(get_resolver().url_patterns) if path.startswith("api/admin/")]
VIEWSETS = [(path, view) for path, view in ADMIN_API if hasattr(view, "actions")]


class TestRoutes:
    def test_admin_api_routes_lead_to_viewsets_signed_files_or_404(self):
        others = [view.view_class for _, view in ADMIN_API if not hasattr(view, "actions")]

        assert others == [ExportFileView, RootView, NotFoundView]
        assert len(ADMIN_API) > 5

    @each("path, view", [route for route in VIEWSETS if "/apps/" not in route[0]])
    def test_every_viewset_action_needs_a_scope(self, path, view):
        assert TokenHasActionScope in view.cls.permission_classes
        for method, action in view.actions.items():
            scope = view.cls.required_scopes[action]

            assert isinstance(scope, Scope)
            assert scope.endswith(":read" if method in ("get", "head") else ":write")

    @each("path, view", [route for route in VIEWSETS if "/apps/" in route[0]])
    def test_app_viewset_needs_a_token_of_the_app(self, path, view):
        assert view.cls.permission_classes == [TokenOfApp]

    @each("viewset", list(dict.fromkeys(view.cls for _, view in VIEWSETS)))
    def test_every_viewset_authenticates_by_bearer_token_only(self, viewset):
        assert viewset.authentication_classes == [CountingAuthentication]
