"""All views of the Admin API inherit the base class. Its behaviour is tested on some of them."""

import pytest

from customers.api import urls
from customers.api.base import AdminApiView, AdminApiViewSet, NotFoundView
from customers.api.resources.exports import ExportFileView
from customers.api.resources.root import RootView
from oauth.permissions import TokenOfApp

VIEWS = {pattern.callback.cls for pattern in urls.urlpatterns}
VIEWSETS = VIEWS - {NotFoundView, ExportFileView, RootView}
BASE_VIEW_ATTRIBUTES = (
    "parser_classes", "renderer_classes", "content_negotiation_class", "versioning_class", "get_exception_handler",
    "finalize_response", "dispatch", "handle_exception",
)  # fmt: skip
BASE_VIEWSET_ATTRIBUTES = ("authentication_classes", "throttle_classes", "http_method_names", "initial")

pytestmark = pytest.mark.once


def test_every_view_inherits_the_base_class_and_replaces_nothing_of_it():
    for view in VIEWS:
        for name in BASE_VIEW_ATTRIBUTES:
            assert getattr(view, name) is getattr(AdminApiView, name), (view, name)


def test_every_viewset_inherits_authentication_rate_limit_and_checks():
    for viewset in VIEWSETS:
        assert issubclass(viewset, AdminApiViewSet)
        for name in BASE_VIEWSET_ATTRIBUTES:
            assert getattr(viewset, name) is getattr(AdminApiViewSet, name), (viewset, name)


def test_every_action_needs_a_scope_or_the_token_of_the_app():
    for pattern in urls.urlpatterns:
        viewset = pattern.callback.cls
        if viewset in VIEWSETS and viewset.permission_classes != [TokenOfApp]:
            assert viewset.permission_classes == AdminApiViewSet.permission_classes
            assert set(pattern.callback.actions.values()) <= viewset.required_scopes.keys() | {"head"}


def test_every_action_that_creates_accepts_an_idempotency_key():
    for viewset in VIEWSETS:
        if create := getattr(viewset, "create", None):
            assert create.__wrapped__, viewset
