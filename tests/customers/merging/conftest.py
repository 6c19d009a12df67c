from typing import Any

import pytest

from oauth.scopes import Scope
from tests.support.clients import user_url


@pytest.fixture
def client(api):
    """A client of the Admin API that may read and write customers."""
    return api(Scope.USERS_READ, Scope.USERS_WRITE, Scope.WEBHOOKS_WRITE)


@pytest.fixture
def merge(client):
    """`merge(kept, other, email="other")`: the kept customer, as the API answers."""

    def call(kept, other, **choices: str) -> dict[str, Any]:
        response = client.post(f"{user_url(kept)}merge/", {"other": other.pk, "choices": choices})
        assert response.status_code == 200, response.content
        return response.json()

    return call


@pytest.fixture
def undo(client):
    """`undo(kept)`: both customers, as the API answers."""

    def call(kept) -> dict[str, Any]:
        response = client.post(f"{user_url(kept)}merge/undo/")
        assert response.status_code == 200, response.content
        return response.json()

    return call
