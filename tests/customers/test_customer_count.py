"""The number of customers that is kept: it equals a count of all of them, whoever is added or removed."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from django.db import connection, transaction

from customers import customer_count
from customers.kept_numbers import CustomerCount, CustomerCountChange
from customers.merging import services as merging
from customers.models import Customer
from customers.privacy.erasure import erase
from oauth.actor import SYSTEM
from tests.support.concurrency import in_thread
from tests.support.factories import make_owner, make_user, make_users


def check(expected: int) -> None:
    assert customer_count.number_of_customers() == Customer.objects.not_erased().count() == expected
    assert customer_count.kept_number(with_erased=True) in (None, Customer.objects.count())


@pytest.fixture
def counted(db):
    """Six customers who are counted, and two newer ones."""
    make_owner()
    people = make_users(6)
    assert customer_count.count(up_to=people[-1].pk)
    return [*people, *make_users(2)]


class TestNumberOfCustomers:
    def test_number_needs_no_count(self, db):
        make_users(3)
        make_owner()

        check(3)

    def test_number_includes_customers_newer_than_the_count(self, counted):
        check(8)
        assert CustomerCount.objects.get().number == 6

    def test_number_excludes_erased_customers_counted_or_not(self, counted):
        for customer in (counted[0], counted[-1]):
            erase(customer.pk, by=SYSTEM)
            erase(customer.pk, by=SYSTEM)  # a second time, for later orders

        check(6)

    def test_number_follows_a_merge_and_its_undo(self, counted):
        merging.merge(counted[1].pk, counted[2].pk, by=SYSTEM)
        check(7)

        merging.undo(counted[1].pk, by=SYSTEM)
        check(8)

    def test_number_is_right_after_the_next_count(self, counted):
        erase(counted[0].pk, by=SYSTEM)
        erase(counted[-1].pk, by=SYSTEM)

        assert customer_count.count(up_to=counted[-1].pk)

        check(6)
        assert not CustomerCountChange.objects.exists()


class TestCounter:
    def test_worker_counts_up_to_an_id_of_a_former_step(self, db):
        counter = customer_count.Counter()
        first = make_user()
        counter.step()
        assert not CustomerCount.objects.exists()
        make_user()

        counter.step()

        assert CustomerCount.objects.get().up_to == first.pk
        check(2)

    def test_worker_counts_again_only_when_many_were_added(self, db, monkeypatch):
        monkeypatch.setattr(customer_count, "REST", 0)
        counter = customer_count.Counter()
        make_user()
        counter.step()
        counter.step()
        make_users(3)
        counter.step()
        counter.step()
        assert CustomerCount.objects.get().number == 1
        monkeypatch.setattr(customer_count, "COUNT_AGAIN_AFTER", 3)

        counter.step()

        assert CustomerCount.objects.get().number == 4
        check(4)

    def test_worker_rests_after_a_count(self, db, monkeypatch):
        monkeypatch.setattr(customer_count, "COUNT_AGAIN_AFTER", 1)
        monkeypatch.setattr(customer_count, "REST", 1_000_000)
        counter = customer_count.Counter()
        for _ in range(4):
            make_user()
            counter.step()

        assert CustomerCount.objects.get().number == 1
        check(4)

    @pytest.mark.skipif(connection.vendor != "postgresql", reason="on SQLite only one transaction writes at a time")
    @pytest.mark.django_db(transaction=True)
    def test_worker_waits_for_a_transaction_that_has_taken_a_lower_id(self):
        counter, inserted, may_end = customer_count.Counter(), Event(), Event()

        def insert_slowly() -> None:
            with transaction.atomic():
                make_user()
                inserted.set()
                assert may_end.wait(30)

        with ThreadPoolExecutor(1) as pool:
            slow = pool.submit(in_thread, insert_slowly)
            assert inserted.wait(30)
            make_user()
            for _ in range(3):
                counter.step()
            assert not CustomerCount.objects.exists()
            may_end.set()
            slow.result()
        counter.step()

        assert CustomerCount.objects.get().number == 2
        check(2)
