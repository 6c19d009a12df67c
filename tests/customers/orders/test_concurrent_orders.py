"""Orders that arrive at the same time, each on a connection of its own."""

from functools import partial

import pytest

from customers.models import User
from customers.orders.models import Order
from customers.orders.services import record_order
from tests.support.concurrency import at_once
from tests.support.factories import make_user
from tests.support.order_documents import order

pytestmark = pytest.mark.django_db(transaction=True)


def counters() -> dict[str, tuple[int, str]]:
    return {user.email: (user.orders_count, str(user.total_spent)) for user in User.objects.order_by("email")}


def test_concurrent_orders_of_one_customer_all_count():
    ada = make_user(email="ada@lovelace.example")

    at_once([partial(record_order, user_id=ada.pk, document=order()) for _ in range(16)])

    assert counters() == {"ada@lovelace.example": (16, "320.00")}


def test_concurrent_copies_of_one_order_count_once():
    ada = make_user(email="ada@lovelace.example")
    document = order()

    at_once([partial(record_order, user_id=ada.pk, document=document) for _ in range(16)])

    assert counters() == {"ada@lovelace.example": (1, "20.00")}


def test_concurrent_copies_of_one_order_for_two_customers_give_it_to_one():
    people = [make_user(email="ada@lovelace.example"), make_user(email="grace@hopper.example")]

    for _ in range(10):
        document = order()
        at_once([partial(record_order, user_id=people[n % 2].pk, document=document) for n in range(8)])

    counts = [count for count, _ in counters().values()]
    assert counts == [Order.objects.filter(user=person).count() for person in people]
    assert sum(counts) == 10


def test_orders_that_swap_customers_do_not_deadlock():
    ada, grace = make_user(email="ada@lovelace.example"), make_user(email="grace@hopper.example")
    hers, graces = order(), order()

    for there, back in [(ada, grace), (grace, ada)] * 5:
        moves = [(there, hers), (back, graces)] * 4
        at_once([partial(record_order, user_id=person.pk, document=document) for person, document in moves])

    assert set(counters().values()) == {(1, "20.00")}
