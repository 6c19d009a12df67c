"""Inserting new customers: what both ways, the ORM and that of PostgreSQL, write and answer."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from customers import insertion
from customers.insertion import NewCustomer
from customers.models import Address, Event, Tag, User
from customers.validation import EmailTaken
from oauth.actor import SYSTEM
from tests.support.concurrency import in_thread, wait_until_waiting
from tests.support.factories import address, make_user

pytestmark = pytest.mark.django_db

# SQLite keeps no plans, and sorts each row into its indexes at once: there is nothing to test. `make test`
# and `.ci/run` run these tests on PostgreSQL, too.
on_postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite keeps no plans and no lists")

JOINED = User(email="x").date_joined
PERSON = {
    "email": "Ada@Example.com",
    "first_name": "Ada",
    "last_name": "Lovelace %s {0}",
    "phone_number": "+442079460958",
    "language": "fr",
    "accepts_marketing": True,
    "is_blocked": True,
    "ip": "2001:db8::1",
    "user_agent": "Mozilla/5.0 'quoted' \"twice\" \\N",
    "tags": ["vip", "Émigré", "%s", "a\tb\\n"],
    "metadata": {"b": 1, "a": {"n": [1.5, None, True, "é"]}},
    "date_joined": JOINED,
    "updated_at": JOINED,
}
ADDRESSES = [
    {
        **address(line1=f"Line {number}", notes='"\\\n'),
        "is_default_for_billing": number == 0,
        "is_default_for_shipping": number == 1,
    }
    for number in range(12)
]
ONE = [
    NewCustomer(PERSON, ADDRESSES),
    NewCustomer(PERSON, ADDRESSES[:1]),
    NewCustomer({"email": "ada@example.com"}, []),
    NewCustomer({"email": None}, []),
]
MANY = [
    NewCustomer(PERSON, ADDRESSES[:3]),
    NewCustomer({"email": "known@EXAMPLE.com", "tags": ["lost"]}, ADDRESSES[:1]),
    NewCustomer({"email": "uni@BÜCHER.example", "tags": ["vip", "c"]}, []),
    NewCustomer({"email": "x@example.com", "first_name": "\\N", "is_blocked": True}, ADDRESSES[:1]),
]


@pytest.fixture(params=["orm", "statement"])
def way(request, monkeypatch):
    """One way after the other, where the database has both."""
    if request.param == "orm":
        monkeypatch.setattr(insertion, "takes_statement", lambda: False)
    elif connection.vendor != "postgresql":
        pytest.skip("SQLite has one way")


def both_ways(monkeypatch, insert) -> tuple:
    """What `insert` returns and leaves in the tables, by each way."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one way")
    outcomes = []
    for takes_statement in (True, False):
        with monkeypatch.context() as patch:
            patch.setattr(insertion, "takes_statement", lambda: takes_statement)  # noqa: B023  called at once
            make_user(email="known@example.com")
            outcomes.append((insert(), *map(rows, (User, Address, Event)), set(Tag.objects.values_list("name"))))
        User.objects.all().delete()
        Tag.objects.all().delete()
    return tuple(outcomes)


def rows(model) -> list[dict]:
    """All columns but ids, and the times that nobody chose."""
    return [
        {
            name: value
            for name, value in row.items()
            if name not in ("id", "user_id") and (value == JOINED or not hasattr(value, "tzinfo"))
        }
        for row in model.objects.order_by("user_id" if model is not User else "id", "id").values()
    ]


class TestInsertUser:
    @pytest.mark.parametrize("customer", ONE)
    def test_insert_user_writes_and_returns_the_same_both_ways(self, monkeypatch, customer):
        def insert():
            user = insertion.insert_user(customer, SYSTEM).to_user()
            addresses = list(user.addresses.all())
            assert [each.pk for each in addresses] == list(Address.objects.order_by("id").values_list("id", flat=True))
            assert {each.user_id for each in addresses} <= {user.pk}
            fields = [field.attname for field in insertion.insertable_fields(User) if customer.person.get(field.name)]
            return {name: getattr(user, name) for name in fields}

        by_statement, by_orm = both_ways(monkeypatch, insert)

        assert by_statement == by_orm

    def test_insert_user_rejects_taken_email_and_writes_nothing(self, way):
        make_user(email="ADA@example.com")

        with pytest.raises(EmailTaken):
            insertion.insert_user(NewCustomer(PERSON, ADDRESSES), SYSTEM)

        assert (User.objects.count(), Address.objects.count(), Tag.objects.count()) == (1, 0, 0)

    def test_insert_user_inserts_only_new_tags(self, way):
        Tag.objects.create(name="vip")

        insertion.insert_user(NewCustomer(PERSON, []), SYSTEM)

        assert set(Tag.objects.values_list("name", flat=True)) == set(PERSON["tags"])

    @pytest.mark.parametrize("customer", ONE)
    def test_insert_user_returns_what_the_tables_have(self, way, customer):
        person, addresses = insertion.insert_user(customer, SYSTEM)

        stored = User.objects.values().get()
        assert person == {name: stored[name] for name in person}
        assert stored.keys() - person.keys() == {"has_account", "is_staff"}  # the database computes them
        assert addresses == list(Address.objects.order_by("id").values())

    def test_insert_user_loads_addresses_without_a_query(self, way, django_assert_num_queries):
        user = insertion.insert_user(NewCustomer(PERSON, ADDRESSES), SYSTEM).to_user()

        with django_assert_num_queries(0):
            assert len(user.addresses.all()) == len(ADDRESSES)


class TestInsertUsers:
    def test_insert_users_writes_and_returns_the_same_both_ways(self, monkeypatch):
        by_statement, by_orm = both_ways(monkeypatch, lambda: insertion.insert_users(MANY, SYSTEM))

        assert by_statement == by_orm

    def test_insert_users_skips_taken_emails_and_returns_their_positions(self, way):
        known = make_user(email="Known@example.com")

        assert insertion.insert_users(MANY, SYSTEM) == {1}

        assert User.objects.exclude(pk=known.pk).count() == 3
        assert not known.addresses.exists()
        assert set(Tag.objects.values_list("name", flat=True)) == {*PERSON["tags"], "c"}
        assert list(Event.objects.order_by("id").values_list("user_id", "kind")) == [
            (pk, "created") for pk in User.objects.order_by("id").values_list("id", flat=True)
        ]

    def test_insert_users_gives_each_address_to_its_person(self, way):
        customers = [
            NewCustomer({"email": f"{n}@example.com"}, [address(line1=f"{n}.{place}") for place in range(n % 3)])
            for n in range(20)
        ]

        insertion.insert_users(customers, SYSTEM)

        for email, line1 in Address.objects.values_list("user__email", "line1"):
            assert email.partition("@")[0] == line1.partition(".")[0]
        assert Address.objects.count() == sum(len(customer.addresses) for customer in customers)

    def test_insert_users_accepts_nobody(self, way):
        assert insertion.insert_users([], SYSTEM) == set()

    @on_postgresql
    def test_insert_users_refreshes_the_statistics_of_a_table_that_has_grown(self):
        """Otherwise each row is checked by a plan for the former, small table, which reads all of it."""
        with connection.cursor() as cursor:  # other tests leave a large file without rows
            cursor.execute("TRUNCATE customers_user CASCADE; ANALYZE customers_user")

        for chunk in range(3):
            people = [NewCustomer({"email": f"{chunk}-{number}@example.com"}, []) for number in range(3_000)]
            insertion.insert_users(people, SYSTEM)

        with connection.cursor() as cursor:
            cursor.execute("SELECT reltuples FROM pg_class WHERE oid = 'customers_user'::regclass")
            assert cursor.fetchone()[0] >= 3_000

    @on_postgresql
    def test_finish_bulk_insert_puts_all_people_into_the_indexes(self):
        insertion.insert_users(MANY, SYSTEM)

        insertion.finish_bulk_insert(insertion.MANY)

        with connection.cursor() as cursor:
            cursor.execute("SELECT gin_clean_pending_list('user_tags'::regclass)")
            assert cursor.fetchone() == (0,)  # pages that were left


@pytest.mark.django_db(transaction=True)
class TestOthersInsertAtTheSameTime:
    def test_insert_users_skips_an_email_that_another_transaction_is_inserting(self):
        if connection.vendor != "postgresql":
            pytest.skip("On SQLite, transactions never overlap")
        with ThreadPoolExecutor() as pool:
            with transaction.atomic():
                known = make_user(email="Known@example.com")
                skipped = pool.submit(in_thread, insertion.insert_users, MANY, SYSTEM)
                wait_until_waiting(1)
            assert skipped.result(30) == {1}

        assert User.objects.exclude(pk=known.pk).count() == Event.objects.exclude(user=known).count() == 3
        assert Address.objects.count() == 4
