"""Whatever is done to customers, merged and undone: no order, note or address is lost, and no email is there twice."""

from contextlib import suppress
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.db.models import Sum
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from customers import services
from customers.merging import services as merging
from customers.models import Address, Note, User
from customers.orders.models import Order
from customers.orders.services import record_order
from oauth.actor import SYSTEM
from oauth.errors import ServiceError
from tests.support.cases import rolled_back
from tests.support.factories import address, make_note
from tests.support.order_documents import order

pytestmark = pytest.mark.django_db

EMAILS = (
    "ada@example.com",
    "ADA@Example.com",
    "a.da@example.com",
    "grace@bücher.example",
    "grace@xn--bcher-kva.example",
)
emails, people = st.sampled_from(EMAILS), st.integers(0, 4)
flags = st.sampled_from(["email", "first_name", "phone_number"])
steps = st.one_of(
    st.tuples(st.just("create"), emails, st.sampled_from(["1 Main St", "2 Main St"])),
    st.tuples(st.just("update"), people, emails),
    st.tuples(st.just("order"), people, st.sampled_from(["10.00", "0.01"])),
    st.tuples(st.just("note"), people, st.none()),
    st.tuples(st.just("address"), people, st.sampled_from(["1 Main St", "3 Main St"])),
    st.tuples(st.just("merge"), people, people, st.dictionaries(flags, st.sampled_from(["kept", "other"]))),
    st.tuples(st.just("undo"), people),
)


class Store:
    """Carries out steps, and knows what must be there afterwards."""

    def __init__(self, owner):
        self.owner, self.orders, self.notes = owner, 0, 0
        self.spent, self.streets = Decimal(0), set()

    def person(self, number: int) -> int:
        ids = list(User.objects.exclude(pk=self.owner.pk).order_by("pk").values_list("pk", flat=True))
        return ids[number % len(ids)] if ids else 0

    def do(self, step):
        name, *given = step
        with suppress(ServiceError, User.DoesNotExist), transaction.atomic():
            getattr(self, name)(*given)

    def create(self, email, street):
        services.create_user(by=SYSTEM, email=email, addresses=[address(line1=street)])
        self.streets.add(street)

    def update(self, number, email):
        services.update_user(self.person(number), by=SYSTEM, email=email, tags=[email])

    def order(self, number, total):
        record_order(user_id=self.person(number), document=order(total_incl_tax=total))
        self.orders, self.spent = self.orders + 1, self.spent + Decimal(total)

    def note(self, number, _):
        make_note(User(pk=self.person(number)), author=self.owner)
        self.notes += 1

    def address(self, number, street):
        services.add_address(self.person(number), by=SYSTEM, **address(line1=street))
        self.streets.add(street)

    def merge(self, kept, other, choices):
        merging.merge(self.person(kept), self.person(other), choices, by=SYSTEM)

    def undo(self, number):
        merging.undo(self.person(number), by=SYSTEM)

    def check(self):
        connection.check_constraints()
        sums = User.objects.aggregate(Sum("orders_count"), Sum("total_spent"))
        assert sums == {
            "orders_count__sum": self.orders,
            "total_spent__sum": pytest.approx(self.spent),
        }
        assert (Order.objects.count(), Note.objects.count()) == (self.orders, self.notes)
        assert set(Address.objects.values_list("line1", flat=True)) == self.streets
        for person in User.objects.exclude(pk=self.owner.pk):
            rows = Order.objects.filter(user=person)
            assert (person.orders_count, person.total_spent) == (rows.count(), sum(row.total for row in rows))
            for flag in services.DEFAULT_FLAGS:
                assert person.addresses.filter(**{flag: True}).count() == bool(person.addresses.exists())
        keys = list(User.objects.exclude(email_key=None).values_list("email_key", flat=True))
        assert len(keys) == len(set(keys))


@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(steps, min_size=6, max_size=12))
def test_any_sequence_of_writes_merges_and_undoings_keeps_orders_notes_and_addresses(owner, taken):
    with rolled_back():
        store = Store(owner)
        for step in [("create", EMAILS[0], "1 Main St"), ("create", EMAILS[2], "2 Main St"), *taken]:
            store.do(step)
        store.check()
