"""The dashboard's paths, and browsers in which somebody is signed in to it."""

from django.contrib.auth.models import Group
from django.test import Client

from customers.models import User, UserType
from tests.support.pages import fields_of

DASHBOARD = "/dashboard/"
CUSTOMERS = f"{DASHBOARD}customers/customer/"


def customer_url(customer) -> str:
    """Of a customer or an id."""
    return f"{CUSTOMERS}{getattr(customer, 'pk', customer)}/change/"


def save_customer(browser, customer, **changes):
    """Open the customer's page, change these fields of its form and send it."""
    fields = fields_of(browser.get(customer_url(customer)))
    return browser.post(customer_url(customer), {**fields, **changes})


def browser_of(user) -> Client:
    browser = Client(raise_request_exception=False)
    browser.force_login(user)
    return browser


def browser_of_role(role: str) -> Client:
    """The browser of a new member of staff with this role."""
    user = User.objects.create(email=f"a-{role.lower()}@store.example", user_type=UserType.DASHBOARD)
    user.groups.add(Group.objects.get(name=role))
    return browser_of(user)
