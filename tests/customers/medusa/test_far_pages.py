"""Pages far down the list, and the numbers of customers who joined in a period: from the milestones of a worker, and
exact whatever has changed since its count."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from customers import customer_count, customer_places
from customers.kept_numbers import CustomerMilestone
from customers.merging import services as merging
from customers.models import User
from customers.privacy.erasure import erase
from oauth.actor import SYSTEM
from tests.support.factories import make_owner, make_users
from tests.support.medusa import CUSTOMERS, PASSWORD, id_of

START = datetime(2026, 1, 5, 10, tzinfo=UTC)


def moment(hours: int) -> datetime:
    return START + timedelta(hours=hours)


def join(*hours: int) -> list[User]:
    return [make_users(1, date_joined=moment(each))[0] for each in hours]


def count_all() -> None:
    assert customer_count.count(up_to=User.objects.latest("pk").pk)


@pytest.fixture
def people(db, monkeypatch) -> list[User]:
    """Twelve customers who are counted, with a milestone at every third one. Four of them joined at one moment."""
    monkeypatch.setattr(customer_count, "MILESTONE_EVERY", 3)
    monkeypatch.setattr(customer_count, "COUNT_AGAIN_AFTER", 1)
    make_owner(date_joined=moment(3))
    people = join(5, 1, 3, 3, 9, 3, 0, 3, 7, 8, 6, 2)
    count_all()
    assert CustomerMilestone.objects.count() == 4
    return people


def check_pages(client) -> None:
    for order, account in product(("-created_at", "created_at"), (None, "false")):
        keys = [f"-{key}" if order.startswith("-") else key for key in ("date_joined", "id")]
        expected = User.objects.filter(is_staff=False, **({"has_account": False} if account else {})).order_by(*keys)
        ids = [id_of(customer) for customer in expected]
        for offset in range(0, len(ids) + 2, 2 if account else 1):
            query = {"order": order, "offset": offset, "limit": "3"} | ({"has_account": account} if account else {})
            answer = client.get(CUSTOMERS, query).json()
            assert [row["id"] for row in answer["customers"]] == ids[offset : offset + 3], query
            assert answer["count"] == len(ids), query


def check_numbers(client) -> None:
    bounds = [None, *(moment(hours) for hours in (-1, 3, 4, 8, 20))]
    for (lower, upper), first, last in product((("gt", "lte"), ("gte", "lt")), bounds, bounds):
        given = {lower: first, upper: last}
        given = {comparison: bound for comparison, bound in given.items() if bound}
        expected = User.objects.filter(is_staff=False, **{f"date_joined__{name}": at for name, at in given.items()})
        query = {f"created_at[{name}]": at.isoformat() for name, at in given.items()}
        assert client.get(CUSTOMERS, {**query, "limit": "1"}).json()["count"] == expected.count(), query


def check(client) -> None:
    """The milestones are in use, and whatever is asked for is what a count and a walk would give."""
    assert customer_places.number_joined(customer_places.BEGINNING, customer_places.END) is not None
    assert customer_places.start_of_page(9, newest_first=True)
    check_pages(client)
    check_numbers(client)


class TestFarPages:
    def test_pages_and_numbers_are_exact_after_any_change(self, reader, people):
        # Six new customers. There are three from one milestone to the next. Two of the six joined early.
        join(10, 11, 4, -1, 12, 13)
        erase(people[0].pk, by=SYSTEM)
        merging.merge(people[1].pk, people[2].pk, by=SYSTEM)
        merging.merge(people[3].pk, people[4].pk, by=SYSTEM)
        merging.undo(people[3].pk, by=SYSTEM)
        merging.merge(people[5].pk, people[6].pk, by=SYSTEM)
        people[8].set_password(PASSWORD)
        people[8].save()

        check(reader)
        count_all()
        check(reader)

    def test_page_far_down_reads_no_more_statements_than_the_first(self, reader, people):
        def number_of_statements(offset: int) -> int:
            with CaptureQueriesContext(connection) as queries:
                reader.get(CUSTOMERS, {"offset": offset, "limit": "1"})
            return len(queries)

        number_of_statements(9)  # which reads the milestones
        assert number_of_statements(9) == number_of_statements(1) + 1

    def test_without_a_worker_they_are_counted(self, reader, people):
        customer_count.CustomerCount.objects.all().delete()
        CustomerMilestone.objects.all().delete()

        assert customer_places.start_of_page(9, newest_first=True) is None
        answer = reader.get(CUSTOMERS, {"offset": "9", "created_at[gte]": moment(0).isoformat()}).json()
        assert (answer["count"], len(answer["customers"])) == (12, 3)
