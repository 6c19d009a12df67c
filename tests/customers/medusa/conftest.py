"""The actors: programs with an API token, and staff who sign in."""

import pytest
from django.contrib.auth.models import Group

from customers.groups import services as group_services
from customers.medusa import counting, ids
from customers.models import User, UserType
from oauth.scopes import Scope
from tests.support.clients import ApiClient
from tests.support.factories import address, make_user

CUSTOMERS = "/admin/customers"
GROUPS = "/admin/customer-groups"
AUTH = "/admin/auth"
TOKEN = "/admin/auth/token"
PASSWORD = "a long password"
NEW = {"email": "grace@example.com", "first_name": "Grace", "last_name": "Hopper", "password": ""}


def id_of(user) -> str:
    return ids.encoded(ids.CUSTOMER, user.pk, user.date_joined)


def url_of(user) -> str:
    """Of a customer or an id."""
    return f"{CUSTOMERS}/{user if isinstance(user, str) else id_of(user)}"


def group_id_of(group) -> str:
    return ids.encoded(ids.GROUP, group.pk, group.created_at)


def group_url(group) -> str:
    return f"{GROUPS}/{group if isinstance(group, str) else group_id_of(group)}"


def invalid(message: str) -> dict:
    return {"type": "invalid_data", "message": message}


def not_found(message: str) -> dict:
    return {"type": "not_found", "message": message}


@pytest.fixture(autouse=True)
def uncounted_customers():
    """How many there are is remembered in the process."""
    counting.forget()
    yield
    counting.forget()


@pytest.fixture
def client(api):
    """A program that may read and write customers."""
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
    """`staff("Viewer")`: somebody of the staff in this role, with `PASSWORD`."""

    def make(role: str, email: str = "staff@store.example") -> User:
        member = User(email=email, first_name="Sam", last_name="Staff", user_type=UserType.DASHBOARD)
        member.set_password(PASSWORD)
        member.save()
        member.groups.set([Group.objects.get(name=role)])
        return member

    return make


@pytest.fixture
def signed_in(staff):
    """`signed_in("Viewer")`: a client with the session of somebody in this role."""

    def make(role: str, **options) -> ApiClient:
        member = staff(role)
        browser = ApiClient(**{"enforce_csrf_checks": True, **options})
        assert browser.post(AUTH, {"email": member.email, "password": PASSWORD}).status_code == 200
        return browser

    return make
