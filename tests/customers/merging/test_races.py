"""Merges at the same moment, each on a connection of its own."""

import random
from functools import partial

import pytest

from customers import services
from customers.groups.services import add_customers, create_group, delete_group
from customers.merging import services as merging
from customers.merging.models import Merge
from customers.models import Address, Event, Note, User
from customers.orders.models import Order
from customers.orders.services import record_order
from oauth.actor import SYSTEM
from oauth.errors import ServiceError
from tests.support.concurrency import at_once
from tests.support.factories import address, make_note, make_user
from tests.support.order_documents import order

pytestmark = pytest.mark.django_db(transaction=True)

REFUSED = "refused"


def attempt(call, *args, **kwargs):
    """The result of a call, or REFUSED if somebody else's merge came first."""
    try:
        return call(*args, **kwargs)
    except (User.DoesNotExist, ServiceError):
        return REFUSED


def test_32_threads_that_merge_overlapping_pairs_neither_deadlock_nor_lose_anything(owner):
    people = [
        make_user(addresses=[address(line1=f"{number} Main St"), address(line1="1 Common St")]) for number in range(8)
    ]
    for person in people:
        record_order(user_id=person.pk, document=order())
        make_note(person, author=owner)
    events = Event.objects.count()
    pick = random.Random(16)
    pairs = [pick.sample(people, 2) for _ in range(32)]

    results = at_once([partial(attempt, merging.merge, kept.pk, other.pk, by=SYSTEM) for kept, other in pairs])

    merged = len([result for result in results if result is not REFUSED])
    left = User.objects.filter(pk__in=[person.pk for person in people])
    assert merged == Merge.objects.count() == 8 - left.count() > 0
    assert sum(person.orders_count for person in left) == Order.objects.filter(user__in=left).count() == 8
    assert Note.objects.filter(user__in=left).count() == 8
    assert Event.objects.filter(user__in=left).count() >= events + merged
    assert set(Address.objects.values_list("line1", flat=True)) >= {f"{number} Main St" for number in range(8)}


def test_merges_beside_other_writes_lose_nothing(owner):
    group = create_group(name="VIP").pk
    for _ in range(3):
        kept, other = make_user(), make_user()
        calls = [
            partial(attempt, merging.merge, kept.pk, other.pk, by=SYSTEM),
            *(partial(attempt, record_order, user_id=other.pk, document=order()) for _ in range(3)),
            *(partial(attempt, make_note, other, author=owner) for _ in range(3)),
            partial(attempt, services.add_address, other.pk, by=SYSTEM, **address()),
            partial(attempt, services.update_user, other.pk, by=SYSTEM, tags=["late"]),
            partial(attempt, add_customers, group, [other.pk], by=SYSTEM),
        ]

        results = at_once(calls)

        done = [result for result in results if result is not REFUSED]
        assert Order.objects.filter(user=kept).count() == sum(isinstance(result, Order) for result in done)
        assert Note.objects.filter(user=kept).count() == sum(isinstance(result, Note) for result in done)
        assert Address.objects.filter(user=kept).count() == sum(isinstance(result, Address) for result in done)
        assert User.objects.get(pk=kept.pk).orders_count == Order.objects.filter(user=kept).count()


def test_merge_beside_the_deletion_of_a_group_does_not_deadlock():
    for number in range(5):
        kept, other = make_user(), make_user()
        group = create_group(name=f"Group {number}").pk
        add_customers(group, [other.pk, kept.pk], by=SYSTEM)

        results = at_once(
            [
                partial(attempt, merging.merge, kept.pk, other.pk, by=SYSTEM),
                partial(attempt, delete_group, group, by=SYSTEM),
            ]
        )

        assert REFUSED not in results
        assert not User.objects.filter(pk=other.pk).exists()
