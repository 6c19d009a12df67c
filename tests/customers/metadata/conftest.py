import pytest

from customers.metadata.services import create_definition
from oauth.scopes import Scope


@pytest.fixture
def define(db):
    """`define("points", "integer", minimum_value="0")`: creates a definition for customers."""

    def make(key, type, *, object="customer", name=None, enable_filter=False, enable_export=False, **validations):
        return create_definition(
            object=object,
            key=key,
            name=name or key.capitalize(),
            type=type,
            validations=[{"type": name, "value": value} for name, value in validations.items()],
            enable_filter=enable_filter,
            enable_export=enable_export,
        )

    return make


@pytest.fixture
def admin_client(api):
    """A client of the Admin API that may read and write customers."""
    return api(Scope.USERS_READ, Scope.USERS_WRITE)
