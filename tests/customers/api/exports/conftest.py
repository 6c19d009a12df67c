"""Clients of the endpoints of exports, and exports at each stage."""

import pytest

from oauth.models import AccessToken
from oauth.scopes import Scope
from oauth.tokens import NEVER, generate_access_token
from tests.support.clients import ApiClient
from tests.support.exports import ALL_CUSTOMERS, EXPORTS, export_url, make_exports
from tests.support.partner import register_partner

READ, WRITE = Scope.EXPORTS_READ, Scope.EXPORTS_WRITE


@pytest.fixture
def admin_client(api):
    """A program with a personal token that may do everything with exports."""
    return api(READ, WRITE)


@pytest.fixture
def partner(owner):
    """`partner()`: a partner's app with a token of its own for exports."""

    def install() -> ApiClient:
        token = generate_access_token()
        AccessToken.objects.create(
            user=owner, application=register_partner(owner).app, token=token, scope=f"{READ} {WRITE}", expires=NEVER
        )
        return ApiClient(token)

    return install


@pytest.fixture
def export(admin_client) -> dict:
    """One that waits for a worker."""
    return admin_client.post(EXPORTS, ALL_CUSTOMERS).json()


@pytest.fixture
def available(admin_client, export) -> dict:
    """One that is ready."""
    make_exports()
    return admin_client.get(export_url(export)).json()
