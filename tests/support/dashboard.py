"""The dashboard's paths, and browsers in which somebody is signed in to it."""

from django.contrib.auth.models import Group
from django.test import Client

from customers.models import User, UserType
from tests.support.pages import fields_of

DASHBOARD = "/dashboard/"
CUSTOMERS = f"{DASHBOARD}customers/customer/"
ADD_CUSTOMER = f"{CUSTOMERS}add/"


def customer_url(customer) -> str:
    """Of a customer or an id."""
    return f"{CUSTOMERS}{getattr(customer, 'pk', customer)}/change/"


def edit_url(customer, part: str = "") -> str:
    """Of the form with all fields of a customer, or of a part of it. `customer` may be an id."""
    return f"{CUSTOMERS}{getattr(customer, 'pk', customer)}/edit/{part and part + '/'}"


def add_customer(browser, **fields):
    """Opens the form of a new customer, fills in these fields and sends it."""
    return browser.post(ADD_CUSTOMER, {**fields_of(browser.get(ADD_CUSTOMER)), **fields})


def save_customer(browser, customer, *, part: str = "", **changes):
    """Opens the customer's form, changes these fields and sends it."""
    url = edit_url(customer, part)
    return browser.post(url, {**fields_of(browser.get(url)), **changes})


def address_url(customer, address=None) -> str:
    """Of the form of an address; without one, of the form of a new one."""
    return f"{CUSTOMERS}{customer.pk}/addresses/{address.pk if address else 'add'}/"


def save_address(browser, customer, address=None, **changes):
    """Opens the form of an address, changes these fields and sends it."""
    url = address_url(customer, address)
    return browser.post(url, {**fields_of(browser.get(url)), **changes})


def browser_of(user) -> Client:
    browser = Client(raise_request_exception=False)
    browser.force_login(user)
    return browser


def browser_of_role(role: str) -> Client:
    """The browser of a new member of staff with this role."""
    user = User.objects.create(email=f"a-{role.lower()}@store.example", user_type=UserType.DASHBOARD)
    user.groups.add(Group.objects.get(name=role))
    return browser_of(user)
