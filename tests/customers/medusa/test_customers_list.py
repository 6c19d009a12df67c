"""GET /admin/customers."""

from datetime import UTC, datetime, timedelta

import pytest
from django.http import QueryDict
from django.utils import timezone

from customers.models import User
from customers.orders.services import record_order
from tests.customers.medusa.conftest import CUSTOMERS, PASSWORD, group_id_of, id_of, invalid, url_of
from tests.support.factories import address, make_user, make_users
from tests.support.order_documents import order


def page(client, query=None) -> dict:
    response = client.get(CUSTOMERS, query)
    assert response.status_code == 200, response.content
    return response.json()


def names(client, query=None) -> list[str]:
    """Parts before the @."""
    return [customer["email"].partition("@")[0] for customer in page(client, query)["customers"]]


def joined(name: str, **fields) -> User:
    return make_user(email=f"{name}@example.com", **fields)


class TestListCustomers:
    def test_refuses_a_stranger(self, anonymous):
        response = anonymous.get(CUSTOMERS)

        assert (response.status_code, response.content) == (401, b"Unauthorized")

    def test_refuses_a_token_without_the_read_scope(self, writer):
        response = writer.get(CUSTOMERS)

        assert (response.status_code, response.json()["type"]) == (403, "not_allowed")

    def test_answers_the_newest_first_and_no_staff(self, client, owner, ada, account):
        answer = page(client)

        assert list(answer) == ["customers", "count", "offset", "limit"]
        assert (answer["count"], answer["offset"], answer["limit"]) == (2, 0, 50)
        assert [customer["id"] for customer in answer["customers"]] == [id_of(account), id_of(ada)]

    def test_answers_rows_without_relations(self, client, ada):
        (row,) = page(client)["customers"]

        retrieved = client.get(url_of(ada)).json()["customer"]
        assert row == {name: retrieved[name] for name in list(retrieved)[:11]}

    def test_takes_three_queries_however_many_there_are(self, client, ada, account, django_assert_num_queries):
        with django_assert_num_queries(3):  # token, page, count
            page(client)

    def test_takes_one_query_more_for_each_relation(self, client, ada, account, django_assert_num_queries):
        with django_assert_num_queries(7):
            page(client, {"expand": "orders,shipping_addresses,groups,billing_address"})

    def test_is_there_with_a_slash(self, client, ada):
        assert client.get(f"{CUSTOMERS}/").json() == page(client)

    def test_without_a_hit_is_empty(self, client):
        assert page(client) == {"customers": [], "count": 0, "offset": 0, "limit": 50}


class TestLimitAndOffset:
    @pytest.fixture(autouse=True)
    def five(self, db):
        for number in range(5):
            joined(str(number))

    def test_cut_out_a_page(self, client):
        answer = page(client, {"limit": "2", "offset": "1"})

        assert [row["email"][0] for row in answer["customers"]] == ["3", "2"]
        assert (answer["count"], answer["offset"], answer["limit"]) == (5, 1, 2)

    @pytest.mark.parametrize("offset", ["5", "9223372036854775807"])
    def test_past_the_end_find_nobody(self, client, offset):
        assert page(client, {"offset": offset})["customers"] == []

    @pytest.mark.parametrize("limit", ["0", "", "4", "100"])
    def test_are_capped(self, client, settings, limit):
        settings.MEDUSA_MAX_LIMIT = 3

        answer = page(client, {"limit": limit})

        assert (len(answer["customers"]), answer["limit"], answer["count"]) == (3, 3, 5)

    @pytest.mark.parametrize(
        ("query", "message"),
        [
            ({"limit": "abc"}, "limit must be a number conforming to the specified constraints"),
            ({"limit": ["1", "2"]}, "limit must be a number conforming to the specified constraints"),
            ({"offset": "x"}, "offset must be a number conforming to the specified constraints"),
            ({"limit": "-1"}, "limit must not be less than 0"),
            ({"offset": "-1"}, "offset must not be less than 0"),
            ({"offset": str(2**63)}, f"offset must not be greater than {2**63 - 1}"),
            ({"limit": "x", "foo": "1"},
             "property foo should not exist, limit must be a number conforming to the specified constraints"),
        ],
    )  # fmt: skip
    def test_of_another_kind_are_refused(self, client, query, message):
        response = client.get(CUSTOMERS, query)

        assert (response.status_code, response.json()) == (400, invalid(message))


class TestQ:
    @pytest.fixture(autouse=True)
    def somebody(self, db):
        make_user(email="ada@example.com", first_name="Ada", last_name="Lovelace", phone_number="+442079460018")
        make_user(email="love@other.com", first_name="Ms", last_name="Adamsson")
        make_user(email="elodie@example.com", first_name="ÉLODIE", last_name="O'Neil")
        make_user(email="percent@example.com", first_name="100%", last_name="A_B\\C")

    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("ADA", {"ada", "love"}),
            ("love", {"ada", "love"}),
            ("ada lovelace", set()),
            ("Ada Love", set()),
            ("m ad", set()),
            ("élo", {"elodie"}),
            ("o'n", {"elodie"}),
            ("@example", {"ada", "elodie", "percent"}),
            ("%", {"percent"}),
            ("_", {"percent"}),
            ("\\", {"percent"}),
            ("0%", {"percent"}),
            ("2079460018", set()),
            ("ms", {"love"}),
            ("x", {"ada", "elodie", "percent"}),
            ("nobody", set()),
            ("", {"ada", "love", "elodie", "percent"}),
        ],
    )
    def test_finds_a_part_of_the_email_or_of_either_name(self, client, text, found):
        assert set(names(client, {"q": text})) == found
        assert page(client, {"q": text})["count"] == len(found)

    def test_is_refused_where_it_is_a_list(self, client):
        response = client.get(CUSTOMERS, {"q[]": "a"})

        assert (response.status_code, response.json()) == (400, invalid("q must be a string"))


class TestHasAccount:
    @pytest.mark.parametrize(
        ("value", "found"),
        [("true", ["account"]), ("false", ["guest"]), ("yes", ["account", "guest"]), ("", ["account", "guest"]),
         ("TRUE", ["account", "guest"]), ("1", ["account", "guest"])],
    )  # fmt: skip
    def test_takes_true_and_false_and_nothing_else(self, client, value, found):
        joined("guest")
        joined("account", password=PASSWORD)

        assert names(client, {"has_account": value}) == found


class TestGroupsFilter:
    @pytest.fixture
    def groups(self, make_group):
        a, b = make_group("A", [joined("in-a")]), make_group("B", [joined("in-b")])
        both, _ = joined("in-both"), joined("in-none")
        a.customers.add(both)
        b.customers.add(both)
        return [group_id_of(a), group_id_of(b)]

    def test_finds_the_members_of_any(self, client, groups):
        a, b = groups

        for query in (f"groups[]={a}&groups[]={b}", f"groups[]={a},{b}", f"groups[0]={a}&groups[1]={b}"):
            assert names(client, query_string(query)) == ["in-both", "in-b", "in-a"]
        assert names(client, {"groups[]": a}) == ["in-both", "in-a"]
        assert names(client, {"groups[0]": b}) == ["in-both", "in-b"]

    def test_embeds_the_groups_that_were_asked_for(self, client, groups):
        both, _ = page(client, {"groups[]": groups[0]})["customers"]

        assert [group["name"] for group in both["groups"]] == ["A"]
        assert list(both)[-1] == "groups"

    def test_embeds_all_where_expand_names_them(self, client, groups):
        both, _ = page(client, {"groups[]": groups[0], "expand": "groups"})["customers"]

        assert [group["name"] for group in both["groups"]] == ["A", "B"]

    @pytest.mark.parametrize("id", ["cgrp_nope", "cgrp_01ARZ3NDEKTSV4RRFFQ69G5FAV", ""])
    def test_finds_nobody_in_an_unknown_one(self, client, groups, id):
        assert page(client, {"groups[]": id})["count"] == 0

    @pytest.mark.parametrize("query", [{"groups": "x"}, {"groups[a]": "x"}])
    def test_refuses_what_is_no_list(self, client, query):
        response = client.get(CUSTOMERS, query)

        assert (response.status_code, response.json()) == (400, invalid("groups must be an array"))


def query_string(text: str) -> dict:
    return dict(QueryDict(text).lists())


class TestDates:
    NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)

    @pytest.fixture(autouse=True)
    def three(self, db):
        for hour, name in enumerate(("eleven", "noon", "one"), start=11):
            moment = datetime(2026, 3, 1, hour, tzinfo=UTC)
            joined(name)
            User.objects.filter(email__startswith=name).update(date_joined=moment, updated_at=moment)

    @pytest.mark.parametrize("field", ["created_at", "updated_at"])
    @pytest.mark.parametrize(
        "noon",
        ["2026-03-01T12:00:00Z", "2026-03-01T12:00:00.000Z", "2026-03-01T13:00:00+01:00", "2026-03-01T12:00",
         "1772366400", "1772366400.0"],
    )  # fmt: skip
    def test_are_compared(self, client, field, noon):
        assert names(client, {f"{field}[lt]": noon}) == ["eleven"]
        assert names(client, {f"{field}[lte]": noon}) == ["noon", "eleven"]
        assert names(client, {f"{field}[gt]": noon}) == ["one"]
        assert names(client, {f"{field}[gte]": noon}) == ["one", "noon"]

    def test_bound_a_span(self, client):
        span = {"created_at[gte]": "2026-03-01T11:30:00Z", "created_at[lt]": "2026-03-01T13:00:00Z"}

        assert names(client, span) == ["noon"]

    def test_may_be_a_whole_day_in_utc(self, client):
        assert names(client, {"created_at[gte]": "2026-03-01", "created_at[lt]": "2026-03-02"}) == [
            "one", "noon", "eleven",
        ]  # fmt: skip

    @pytest.mark.parametrize(
        ("query", "message"),
        [
            ({"created_at": "2026-03-01"}, "nested property created_at must be either object or array"),
            ({"updated_at": "1"}, "nested property updated_at must be either object or array"),
            ({"created_at[eq]": "2026-03-01"}, "property eq should not exist"),
            ({"created_at[lt]": "yesterday"}, "lt must be a Date instance"),
            ({"created_at[gt]": "9" * 30}, "gt must be a Date instance"),
            ({"created_at[gt]": ""}, "gt must be a Date instance"),
        ],
    )
    def test_of_another_kind_are_refused(self, client, query, message):
        response = client.get(CUSTOMERS, query)

        assert (response.status_code, response.json()) == (400, invalid(message))


class TestOrder:
    @pytest.fixture(autouse=True)
    def three(self, db):
        joined("b", first_name="X", last_name="1", phone_number="+442079460018")
        joined("c", first_name="Z", last_name="2", phone_number="+442079460019")
        joined("a", first_name="Y", last_name="3", phone_number="+442079460017", password=PASSWORD)

    @pytest.mark.parametrize(
        ("field", "ascending"),
        [("id", "bca"), ("created_at", "bca"), ("updated_at", "bca"), ("email", "abc"), ("first_name", "bac"),
         ("last_name", "bca"), ("phone", "abc"), ("has_account", "bca")],
    )  # fmt: skip
    def test_is_by_a_field_either_way(self, client, field, ascending):
        assert "".join(names(client, {"order": field})) == ascending
        assert "".join(names(client, {"order": f"-{field}"})) == ascending[::-1]

    @pytest.mark.parametrize("field", ["foo", "-foo", "password", "-", "--id", "first_name; drop", "billing__id"])
    def test_by_another_field_is_refused(self, client, field):
        response = client.get(CUSTOMERS, {"order": field})

        assert response.status_code == 400
        assert response.json() == invalid(f"Order field {field.removeprefix('-')} is not valid")

    @pytest.mark.parametrize("field", ["metadata", "billing_address_id", "deleted_at", "-metadata"])
    def test_by_what_says_little_is_answered(self, client, field):
        assert len(names(client, {"order": field})) == 3

    def test_sorts_ids_as_their_customers_joined(self, client):
        ids = [row["id"] for row in page(client, {"order": "id"})["customers"]]

        assert ids == sorted(ids)


class TestExpand:
    def test_embeds_relations_in_every_row(self, client, ada, make_group):
        make_group(members=[ada])
        record_order(user_id=ada.pk, document=order())
        make_user(addresses=[address(), address(line1="second")])

        for row in page(client, {"expand": "orders,shipping_addresses,groups,billing_address"})["customers"]:
            expand = {"expand": "orders,shipping_addresses,groups,billing_address"}
            assert row == client.get(url_of(row["id"]), expand).json()["customer"]

    def test_takes_dotted_paths(self, client, ada):
        (row,) = page(client, {"expand": "shipping_addresses.country"})["customers"]

        assert len(row["shipping_addresses"]) == 1

    def test_of_an_unknown_relation_is_refused(self, client):
        response = client.get(CUSTOMERS, {"expand": "orders,foo,bar.baz"})

        assert (response.status_code, response.json()) == (400, invalid("Relations [foo, bar] are not valid"))


class TestCount:
    def test_is_exact_up_to_a_number(self, client, ada):
        assert page(client)["count"] == 1
        make_user()
        assert page(client)["count"] == 2

    def test_beyond_it_is_remembered_for_some_seconds(self, client, monkeypatch, settings, django_assert_num_queries):
        monkeypatch.setattr("customers.medusa.counting.EXACT_UP_TO", 2)
        make_users(3)
        assert page(client)["count"] == 3
        make_user()

        with django_assert_num_queries(2):  # token, page
            assert page(client)["count"] == 3
        assert page(client, {"q": "person"})["count"] == 4
        settings.MEDUSA_COUNT_SECONDS = 0
        assert page(client)["count"] == 4

    def test_is_of_the_filter_and_not_of_the_page(self, client):
        make_users(4, first_name="Zoe")
        make_users(2)

        for offset in ("0", "3"):
            assert page(client, {"q": "zoe", "limit": "2", "offset": offset})["count"] == 4

    def test_is_of_the_moment_that_is_asked_for(self, client, ada):
        late = (timezone.now() + timedelta(days=1)).isoformat()

        assert page(client, {"created_at[gt]": late})["count"] == 0
