"""People who enter the dashboard, each with a browser of their own."""

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from customers.models import User, UserType
from tests.support.factories import make_user

DASHBOARD = "/dashboard/"
CUSTOMERS = f"{DASHBOARD}customers/customer/"


def customer_url(customer) -> str:
    return f"{CUSTOMERS}{customer.pk}/change/"


def browser_of(user) -> Client:
    browser = Client(raise_request_exception=False)
    browser.force_login(user)
    return browser


@pytest.fixture
def dashboard(owner) -> Client:
    """The owner's."""
    return browser_of(owner)


@pytest.fixture
def as_role(db):
    """`as_role("Viewer")`: the browser of a new member of staff in this group."""

    def sign_in(role: str) -> Client:
        user = User.objects.create(email=f"a-{role.lower()}@store.example", user_type=UserType.DASHBOARD)
        user.groups.add(Group.objects.get(name=role))
        return browser_of(user)

    return sign_in


@pytest.fixture
def ada(db):
    return make_user(email="ada@lovelace.example", first_name="Ada", last_name="Lovelace", phone_number="+442079460018")
