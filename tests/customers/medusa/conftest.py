"""Fixtures of Medusa's API: clients with an API token, and staff who sign in."""

import pytest
from django.contrib.auth.models import Group

from customers.groups import services as group_services
from customers.medusa import counting
from customers.models import User, UserType
from oauth.scopes import Scope
from tests.support.clients import ApiClient
from tests.support.factories import address, make_user
from tests.support.medusa import AUTH, PASSWORD


@pytest.fixture(autouse=True)
def uncounted_customers():
    """Forgets the counts that the process keeps."""
    counting.forget()
    yield
    counting.forget()


@pytest.fixture
def medusa_client(api):
    """A client with a token that may read and write customers."""
    return api(Scope.USERS_READ, Scope.USERS_WRITE)


@pytest.fixture
def reader(api):
    return api(Scope.USERS_READ)


@pytest.fixture
def writer(api):
    return api(Scope.USERS_WRITE)


@pytest.fixture
def ada(db):
    """A customer with one address."""
    return make_user(email="ada@lovelace.example", first_name="Ada", last_name="Lovelace", addresses=[address()])


@pytest.fixture
def account(db):
    """A customer with a password."""
    return make_user(email="bob@example.com", password=PASSWORD)


@pytest.fixture
def make_group(db):
    def make(name="VIP", members=(), **fields):
        group = group_services.create_group(name=name, **fields)
        group.customers.add(*members)
        return group

    return make


@pytest.fixture
def staff(db):
    """`staff("Viewer")`: a member of staff in this role, with `PASSWORD`."""

    def make(role: str, email: str = "staff@store.example") -> User:
        member = User(email=email, first_name="Sam", last_name="Staff", user_type=UserType.DASHBOARD)
        member.set_password(PASSWORD)
        member.save()
        member.groups.set([Group.objects.get(name=role)])
        return member

    return make


@pytest.fixture
def signed_in(staff):
    """`signed_in("Viewer")`: a client with the session of a member of staff in this role."""

    def make(role: str, **options) -> ApiClient:
        member = staff(role)
        browser = ApiClient(**{"enforce_csrf_checks": True, **options})
        assert browser.post(AUTH, {"email": member.email, "password": PASSWORD}).status_code == 200
        return browser

    return make
