"""Customers and staff of the served store."""

import re
import time
from itertools import count

from tests.live.conftest import PATIENCE, Store
from tests.live.owner import Dashboard, Visitor

PASSWORD = "correct-horse-7-battery"

_number = count(1)


def new_word(kind: str) -> str:
    """A word that no other test uses."""
    return f"{kind}-{next(_number)}"


def add_customer(shop: Store, **fields) -> dict:
    """Through the API. Each customer has an email address and a name of their own."""
    number = next(_number)
    named = {"email": f"ada{number}@lovelace.example", "first_name": "Ada", "last_name": f"Lovelace-{number}"}
    response = shop.session().post(f"{shop.url}/api/admin/users/", json={**named, **fields})
    assert response.status_code == 201, response.text
    return response.json()


def record_sales(shop: Store, customer: dict, order: dict | None = None, subscription: dict | None = None) -> None:
    """As another system reports them: the Admin API makes orders of its own only."""
    code = "from customers.orders.services import record_order, record_subscription\n"
    for function, document in (("record_order", order), ("record_subscription", subscription)):
        if document:
            code += f"{function}(user_id={customer['id']}, document={document!r})\n"
    shop.manage("shell", "-c", code)


def path_of(customer: dict, rest: str = "change/") -> str:
    return f"customers/customer/{customer['id']}/{rest}"


def emailed_link(shop: Store, to: str) -> str:
    """The last link in the last email to an address, once it has been written to the output."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        email = shop.output.rpartition(f"To: {to}\n")[2] if f"To: {to}\n" in shop.output else ""
        if links := re.findall(r"http://\S+/password_reset/\S+", email):
            return links[-1]
        time.sleep(0.1)
    raise AssertionError(f"No email to {to}.")


class Member(Dashboard):
    """A signed-in member of staff."""

    def __init__(self, shop: Store, email: str):
        super().__init__(shop, PASSWORD, username=email)
        self.email = email


class Colleagues:
    def __init__(self, shop: Store, owner: Dashboard):
        self.shop, self.owner = shop, owner

    def __call__(self, role: str) -> Member:
        email = f"{new_word(role.lower())}@store.example"
        self.owner.submit("/dashboard/customers/staffmember/add/", email=email, first_name=role, role=role)
        # The link leads to a page that keeps it in the session.
        visitor = Visitor(self.shop)
        form = visitor.get(emailed_link(self.shop, email)).url
        visitor.submit(form, new_password1=PASSWORD, new_password2=PASSWORD)
        return Member(self.shop, email)
