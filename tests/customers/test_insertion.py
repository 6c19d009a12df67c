"""What the database itself promises, and the two ways of writing a customer."""

import pytest
from django.db import IntegrityError, connection, transaction

from customers import insertion, validation
from customers.api.resources.users import UserRepresentation
from customers.models import Address, Event, Tag, User
from oauth.actor import SYSTEM
from tests.support.clients import USERS
from tests.support.factories import address, make_user

needs_postgresql = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="SQLite has one way only: one transaction"
)

PERSON = {
    "email": "Ada@Example.com",
    "first_name": "Ada",
    "last_name": "Lovelace %s {0}",
    "phone_number": "+442079460958",
    "language": "fr",
    "accepts_marketing": True,
    "is_blocked": True,
    "ip": "2001:db8::1",
    "user_agent": "Mozilla/5.0 'quoted' \"twice\"",
    "tags": ["vip", "Émigré", "%s"],
    "metadata": {"b": 1, "a": {"n": [1.5, None, True, "é"]}},
}
BOOK = [
    address(
        line1=f"Line {number}", notes='"\\\n', is_default_for_billing=number == 0, is_default_for_shipping=number == 1
    )
    for number in range(12)
]


@pytest.mark.django_db
class TestConstraints:
    """They hold without serializers and services."""

    @pytest.mark.parametrize("other", ["ada@example.com", "ADA@EXAMPLE.COM"])
    def test_refuse_an_email_that_differs_by_case_only(self, other):
        User.objects.create(email="Ada@example.com")

        with pytest.raises(IntegrityError, match="user_email_unique"):
            User.objects.create(email=other)

    def test_let_any_number_be_without_an_email(self):
        User.objects.create(email=None)
        User.objects.create(email=None)

        assert User.objects.filter(email=None).count() == 2

    @pytest.mark.parametrize("flag", ["is_default_for_shipping", "is_default_for_billing"])
    def test_refuse_a_second_default(self, flag):
        user = make_user()
        Address.objects.create(user=user, **address(**{flag: True}))
        Address.objects.create(user=make_user(), **address(**{flag: True}))

        with pytest.raises(IntegrityError):
            Address.objects.create(user=user, **address(**{flag: True}))

    @pytest.mark.parametrize("counter", ["orders_count", "subscriptions_count", "total_spent"])
    def test_refuse_a_negative_counter(self, counter):
        user = make_user()

        with pytest.raises(IntegrityError), transaction.atomic():
            User.objects.filter(pk=user.pk).update(**{counter: -1})

    def test_refuse_an_address_of_nobody(self):
        @transaction.atomic
        def create():
            Address.objects.create(user_id=987_654_321, **address())
            connection.check_constraints()  # the database does so itself at the end of a transaction

        with pytest.raises(IntegrityError):
            create()

    def test_refuse_the_same_tag_twice(self):
        Tag.objects.create(name="vip")

        with pytest.raises(IntegrityError):
            Tag.objects.create(name="vip")


@needs_postgresql
@pytest.mark.django_db
class TestTwoWaysOfWriting:
    WAYS = (insertion.insert_user_in_one_statement, insertion.insert_user_in_one_transaction)

    @pytest.mark.parametrize(
        ("fields", "lines"), [(PERSON, BOOK), ({"email": "ada@example.com"}, []), (PERSON, BOOK[:1])]
    )
    def test_write_and_answer_the_same(self, fields, lines):
        written, answered = [], []
        moment = User(email="x").date_joined

        for insert in self.WAYS:
            user = User(date_joined=moment, updated_at=moment, **fields)
            book = [Address(created_at=moment, updated_at=moment, **each) for each in lines]
            insert(user, book, SYSTEM)
            ids = {user.pk, *(each.pk for each in book)}
            user.__dict__["_prefetched_objects_cache"] = {"addresses": book}
            answered.append(without_ids(UserRepresentation.from_model(user)))
            written.append(
                (
                    rows(User, id=user.pk),
                    rows(Address, user=user.pk),
                    [{**event, "at": None} for event in rows(Event, user=user.pk)],
                    sorted(Tag.objects.values_list("name", flat=True)),
                )
            )
            assert None not in ids
            assert [each.user_id for each in book] == [user.pk] * len(book)
            assert [each.pk for each in book] == sorted(each.pk for each in book)
            User.objects.all().delete()
            Tag.objects.all().delete()

        assert written[0] == written[1]
        assert answered[0] == answered[1]

    @pytest.mark.parametrize("insert", WAYS)
    def test_refuse_a_taken_email_and_write_nothing(self, insert):
        make_user(email="ADA@example.com")

        with pytest.raises(validation.EmailTaken):
            insert(User(**PERSON), [Address(**each) for each in BOOK], SYSTEM)

        assert User.objects.count() == 1
        assert not Address.objects.exists()
        assert not Tag.objects.exists()

    @pytest.mark.parametrize("insert", WAYS)
    def test_leave_tags_alone_that_are_there(self, insert):
        Tag.objects.create(name="vip")

        insert(User(**PERSON), [], SYSTEM)

        assert sorted(Tag.objects.values_list("name", flat=True)) == ["%s", "vip", "Émigré"]


def rows(model, **condition):
    """All columns but the ids."""
    return [
        {name: value for name, value in row.items() if name not in ("id", "user_id")}
        for row in model.objects.filter(**condition).order_by("pk").values()
    ]


def without_ids(answer):
    addresses = [{**each, "id": None} for each in answer["addresses"]]
    return list({**answer, "id": None, "addresses": addresses}.items())


class TestIndexes:
    QUERIES = [
        {},
        {"email": "person-777@example.com"},
        {"email": "nobody@example.com"},
        {"language": "fr"},
        {"language": "th"},
        {"user_type": "customer"},
        {"user_type": "dashboard"},
        {"user_type": "nonsense"},
        {"is_blocked": "true"},
        {"is_blocked": "false"},
        {"accepts_marketing": "true"},
        {"accepts_marketing": "false"},
        {"date_joined_from": "2026-01-01", "date_joined_to": "2026-01-02"},
        {"date_joined_from": "2026-01-05"},
        {"date_joined_to": "2025-12-31"},
        {"language": "fr", "is_blocked": "true"},
        {"page_size": "250"},
    ]

    @pytest.fixture
    def crowd(self, client):
        """20,000 people; one in a hundred is rare in each way."""
        if connection.vendor != "postgresql":
            pytest.skip("looks at PostgreSQL's plans")
        with connection.cursor() as cursor:
            cursor.execute("""
                INSERT INTO customers_user
                    (email, first_name, last_name, phone_number, language,
                     user_type, is_blocked, accepts_marketing, date_joined, updated_at,
                     password, is_superuser, is_active, tags, orders_count, subscriptions_count, total_spent)
                SELECT 'person-' || n || '@example.com', md5(n::text), md5((n + 1)::text), '+4420' || (70000000 + n),
                       CASE WHEN n % 100 = 0 THEN 'fr' WHEN n % 2 = 0 THEN 'en' END,
                       CASE WHEN n % 100 = 1 THEN 'customer' ELSE 'lead' END, n % 100 = 2, n % 100 = 3,
                       '2026-01-01'::timestamptz + n * interval '1 minute', now(), '!', false, true, '[]', 0, 0, 0
                FROM generate_series(1, 20000) n
            """)
            cursor.execute("ANALYZE customers_user")
        return client

    @pytest.fixture
    def client(self, api):
        return api("users:read")

    @staticmethod
    def scans(client, query, capture) -> str | None:
        """The plan of the list's query where it scans the table."""
        with capture as queries:
            page = client.get(USERS, query)
        assert page.status_code == 200
        (sql,) = [each["sql"] for each in queries if 'FROM "customers_user"' in each["sql"]]
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {sql}".replace("%", "%%"))
            plan = "\n".join(line for (line,) in cursor.fetchall())
        return plan if "Seq Scan on customers_user" in plan else None

    def test_serve_every_filter_without_a_scan_of_the_table(self, crowd, django_assert_max_num_queries):
        scans = {str(query): self.scans(crowd, query, django_assert_max_num_queries(5)) for query in self.QUERIES}

        assert {query: plan for query, plan in scans.items() if plan} == {}

    def test_serve_a_cursor_in_the_middle(self, crowd, django_assert_max_num_queries):
        page = crowd.get(USERS, {"page_size": 250}).json()
        for _ in range(3):
            page = crowd.get(page["next"]).json()
        cursor = page["next"].partition("cursor=")[2].partition("&")[0]

        assert self.scans(crowd, {"cursor": cursor}, django_assert_max_num_queries(5)) is None

    @pytest.mark.parametrize(
        "query",
        [{"name": "c4ca4238"}, {"name": "no such name"}, {"phone_number": "70000777"}, {"phone_number": "999999"}],
    )
    def test_serve_a_part_of_a_name_or_a_phone_number(self, crowd, query, django_assert_max_num_queries):
        with connection.cursor() as cursor:
            cursor.execute("SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_trgm')")
            if not cursor.fetchone()[0]:
                pytest.skip("the extension pg_trgm is not installed on this server")
            # As a vacuum would: rows that wait to be put into an index make it look dearer than it is.
            for index in ("user_search_text_trigrams",):
                cursor.execute("SELECT gin_clean_pending_list(%s::text::regclass)", [index])

        assert self.scans(crowd, query, django_assert_max_num_queries(8)) is None
