import pytest

from oauth.scopes import Scope
from tests.support.factories import address, make_user


@pytest.fixture
def admin_client(api):
    """A client of the Admin API that may read and write customers."""
    return api(Scope.USERS_READ, Scope.USERS_WRITE)


@pytest.fixture
def ada(db):
    """A customer with one address."""
    return make_user(email="ada@lovelace.example", first_name="Ada", last_name="Lovelace", addresses=[address()])


@pytest.fixture
def ada_address(ada):
    return ada.addresses.get()
