"""The list of customers: search, filters, order, pages."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext, override_settings

from customers.dashboard.customers import list as customer_list
from customers.models import User, UserType
from customers.orders.services import record_order
from tests.support.dashboard import CUSTOMERS, browser_of, customer_url
from tests.support.factories import address, make_address, make_user, make_users
from tests.support.order_documents import order


def found(browser, **query) -> list[str]:
    """The emails on the page, in order."""
    response = browser.get(CUSTOMERS, query)
    assert response.status_code == 200
    return [customer.email for customer in response.context_data["cl"].result_list]


def page(browser, **query) -> str:
    response = browser.get(CUSTOMERS, query)
    assert response.status_code == 200
    return response.content.decode()


@pytest.fixture
def grace(db):
    return make_user(email="grace@hopper.example", first_name="Grace", last_name="Hopper", phone_number="+12025550143")


class TestSearch:
    def test_search_matches_parts_of_name_email_and_phone_in_any_order(self, dashboard_client, ada, grace):
        for text in [
            "love ada",
            "LOVELACE",
            "ada@love",
            "@lovelace.ex",
            "+44 20 7946",
            "020 7946 0018",
            "7946-0018",
            "ad lo",
            " ada  ",
            "+44",
            "+4",
        ]:
            assert found(dashboard_client, q=text) == [ada.email], text

    def test_search_without_a_match_finds_nobody(self, dashboard_client, ada, grace):
        for text in ["love grace", "xq", "%", "_", "\\", "0", "020 7946 0019", "'", "é" * 2000]:
            assert found(dashboard_client, q=text) == [], text

    def test_search_survives_null_characters(self, dashboard_client):
        assert "Null characters are not allowed." in page(dashboard_client, q="a\0")

    def test_empty_search_finds_everybody(self, dashboard_client, ada, grace):
        assert found(dashboard_client, q="  ") == [grace.email, ada.email]

    def test_search_has_a_help_text(self, dashboard_client):
        assert "Search by name, email or phone" in page(dashboard_client)

    def test_search_combines_with_a_filter(self, dashboard_client, ada, grace):
        make_user(email="ada@other.example", language="fr")

        assert found(dashboard_client, q="ada", language="fr") == ["ada@other.example"]


class TestFilters:
    @pytest.mark.parametrize(
        ("fields", "query"),
        [
            ({"user_type": UserType.CUSTOMER}, {"user_type": "customer"}),
            ({"language": "th"}, {"language": "th"}),
            ({"is_blocked": True}, {"is_blocked": "True"}),
            ({"accepts_marketing": True}, {"accepts_marketing": "True"}),
            ({"tags": ["new", "vip"]}, {"tag": "vip"}),
            ({"tags": ['"Émigré" é%']}, {"tag": '"Émigré" é%'}),
            ({"user_type": UserType.CUSTOMER, "total_spent": "99.50"}, {"spent_from": "99.50"}),
            ({"user_type": UserType.CUSTOMER, "total_spent": "99.50"}, {"spent_from": "1", "spent_to": "99.5"}),
            ({"user_type": UserType.CUSTOMER, "orders_count": 3}, {"orders_from": "3", "orders_to": "3"}),
            ({"user_type": UserType.CUSTOMER, "orders_count": 3}, {"orders_from": "1", "spent_to": "0"}),
        ],
    )
    def test_filters_find_matching_customers(self, dashboard_client, ada, fields, query):
        wanted = make_user(email="wanted@example.com")
        User.objects.filter(pk=wanted.pk).update(**fields)

        assert found(dashboard_client, **query) == [wanted.email]

    def test_filters_by_no_find_customers_without_the_value(self, dashboard_client, ada):
        other = make_user(is_blocked=True, accepts_marketing=True)
        User.objects.filter(pk=other.pk).update(user_type=UserType.CUSTOMER, total_spent=1)

        for query in [
            {"is_blocked": "False"},
            {"accepts_marketing": "False"},
            {"user_type": "lead"},
            {"spent_to": "0"},
            {"orders_from": 0},
        ]:
            assert ada.email in found(dashboard_client, **query), query

    def test_tag_filter_matches_whole_tags(self, dashboard_client):
        make_user(tags=["vip-2", 'a"vip"'])

        assert found(dashboard_client, tag="vip") == []

    def test_tag_filter_links_the_most_common_tags(self, dashboard_client):
        make_users(3, tags=["newsletter"])
        make_users(1, tags=["vip & more"])

        content = page(dashboard_client, language="th")

        assert content.index("?language=th&amp;tag=newsletter") < content.index("?language=th&amp;tag=vip+%26+more")

    def test_address_filter_matches_parts_of_any_single_address(self, dashboard_client, ada, grace):
        make_address(ada, country="GB", line2="Flat 4B", line4="London", state="Greater London", postcode="SW1Y 4JH")
        make_address(ada, country="SE", line4="Malmö")

        for query, is_found in [
            ({"country": "GB"}, True),
            ({"city": "london"}, True),
            ({"state": "GREATER LONDON"}, True),
            ({"postcode": "sw1y 4jh", "country": "GB"}, True),
            ({"country": "SE"}, True),
            ({"country": "DE"}, False),
            ({"city": "ond"}, True),
            ({"city": "lo"}, True),
            ({"city": "on"}, False),  # one or two letters only start a word
            ({"state": "lon"}, True),
            ({"postcode": "w1y"}, True),
            ({"street": "JAMESS"}, True),
            ({"street": "james’s sq"}, True),
            ({"street": "12 st"}, True),
            ({"street": "2 st"}, False),
            ({"street": "flat 4b"}, True),
            ({"street": "london"}, False),  # the city
            ({"city": "gb"}, False),
            ({"street": "'"}, False),
            ({"street": "flat", "country": "SE"}, False),
            ({"country": "SE", "city": "London"}, False),
        ]:
            assert found(dashboard_client, **query) == ([ada.email] if is_found else []), (query, is_found)

    def test_joined_filter_uses_whole_days_in_the_store_time_zone(self, dashboard_client):
        make_user(email="night@example.com", date_joined="2026-01-01T23:30:00Z")

        for query, is_found in [
            ({"joined_from": "2026-01-02", "joined_to": "2026-01-02"}, True),
            ({"joined_from": "2026-01-02"}, True),
            ({"joined_to": "2026-01-02"}, True),
            ({"joined_to": "2026-01-01"}, False),
            ({"joined_from": "2026-01-03"}, False),
            ({"joined_from": "0001-01-01", "joined_to": "9999-12-31"}, True),
        ]:
            with override_settings(TIME_ZONE="Europe/Berlin"):
                assert found(dashboard_client, **query) == (["night@example.com"] if is_found else []), (
                    query,
                    is_found,
                )

    def test_invalid_filter_values_are_marked_and_ignored(self, dashboard_client, ada):
        for query in [
            {"joined_from": "yesterday"},
            {"joined_to": "2026-02-31"},
            {"spent_from": "much"},
            {"spent_to": "NaN"},
            {"spent_from": "-1"},
            {"spent_from": "1e400"},
            {"orders_from": "9" * 40},
            {"orders_to": "1.5"},
            {"country": "XX"},
            {"city": "\0"},
            {"tag": "x" * 300},
        ]:
            assert found(dashboard_client, **query) == [ada.email], query
            assert "errorlist" in page(dashboard_client, **query), query

    def test_unknown_filter_choices_are_ignored(self, dashboard_client, ada):
        for query in [{"user_type": "dashboard"}, {"language": "xx"}, {"is_blocked": "maybe"}, {"city": ""}]:
            assert found(dashboard_client, **query) == [ada.email], query

    def test_filters_keep_other_filters_search_and_order(self, dashboard_client, ada):
        content = page(dashboard_client, q="ada", o="-1", tag="vip", language="en", p="1")

        (form,) = re.findall(r"<form method=\"get\">(?:(?!</form>).)*spent_from.*?</form>", content, re.DOTALL)
        kept = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))
        assert kept == {"q": "ada", "o": "-1", "tag": "vip", "language": "en"}

    def test_filter_fields_have_labels(self, dashboard_client):
        content = page(dashboard_client)

        for name in ("tag", "joined_from", "spent_to", "orders_from", "country", "street", "city", "state", "postcode"):
            assert f'for="filter_{name}"' in content
            assert f'id="filter_{name}"' in content

    def test_list_refuses_lookups_of_other_columns(self, dashboard_client):
        for lookup in ["password__startswith", "first_name", "addresses__country", "is_superuser__exact"]:
            assert dashboard_client.get(CUSTOMERS, {lookup: "x"}).status_code == 400, lookup


class TestOrder:
    @pytest.fixture
    def people(self):
        names = {"b": ("Ben", 2, "10"), "a": ("", 0, "0"), "c": ("ada", 1, "30.5")}
        for email, (name, orders, spent) in names.items():
            person = make_user(email=f"{email}@example.com", first_name=name)
            User.objects.filter(pk=person.pk).update(
                orders_count=orders, total_spent=spent, user_type=UserType.CUSTOMER if orders else UserType.LEAD
            )

    def test_list_orders_by_column_both_ways(self, dashboard_client, people):
        for column, emails in [
            ("name", "cba"),  # those without a name are last
            ("mail", "abc"),
            ("order_count", "acb"),
            ("spent", "abc"),
            ("joined", "bac"),
        ]:
            number = dashboard_client.get(CUSTOMERS).context_data["cl"].list_display.index(column)

            assert "".join(email[0] for email in found(dashboard_client, o=str(number))) == emails, (column, emails)
            assert "".join(email[0] for email in found(dashboard_client, o=f"-{number}")) == emails[::-1], (
                column,
                emails,
            )

    def test_list_is_newest_first_by_default(self, dashboard_client, people):
        assert [email[0] for email in found(dashboard_client)] == ["c", "a", "b"]

    def test_list_survives_invalid_orders(self, dashboard_client, people):
        for wanted in ["99", "x", "-", "1.x", "3", "..", "-1.2.3"]:
            assert len(found(dashboard_client, o=wanted)) == 3, wanted


class TestPages:
    @pytest.fixture
    def small(self, monkeypatch):
        monkeypatch.setattr(customer_list, "MAX_LISTED", 6)
        monkeypatch.setattr(customer_list.CustomerListAdmin, "list_per_page", 2)

    @pytest.mark.parametrize(("quantity", "text"), [(0, "0 customers"), (1, "1 customer"), (6, "6 customers")])
    def test_list_shows_the_exact_number_of_customers(self, dashboard_client, small, quantity, text):
        make_users(quantity)

        assert re.search(rf"\b{text}\b", page(dashboard_client))

    def test_list_says_when_more_customers_exist_than_it_shows(self, dashboard_client, small):
        make_users(7, language="fr")

        assert "more than 6 customers" in page(dashboard_client, language="fr")
        assert "Showing the first 6;" in page(dashboard_client, language="fr")

    def test_pages_list_each_customer_once(self, dashboard_client, small):
        people = make_users(6, date_joined="2026-01-01T00:00:00Z")

        emails = [email for number in (1, 2, 3) for email in found(dashboard_client, p=number)]

        assert emails == [person.email for person in reversed(people)]

    def test_page_number_beyond_the_end_shows_the_last_page(self, dashboard_client, small):
        make_users(8)

        for number in ["0", "-1", "4", "9" * 30, "x", ""]:
            assert len(found(dashboard_client, p=number)) == 2, number

    def test_list_query_count_is_constant(self, dashboard_client, ada, django_assert_num_queries):
        make_address(ada)
        with CaptureQueriesContext(connection) as few:
            dashboard_client.get(CUSTOMERS)
        for _ in range(30):
            make_user(addresses=[address(), address()], tags=["vip"])

        with django_assert_num_queries(len(few)):
            dashboard_client.get(CUSTOMERS)


class TestRows:
    def test_row_shows_the_customer(self, dashboard_client, ada):
        make_address(ada, country="SE", line4="Malmö")
        record_order(user_id=ada.pk, document=order(total_incl_tax="1234.50"))

        content = page(dashboard_client)

        for text in ("Ada Lovelace", "ada@lovelace.example", "+442079460018", "SE", "Customer", "1", "1234.50"):
            assert f">{text}</" in content
        assert customer_url(ada) in content

    def test_row_shows_a_dash_for_missing_values(self, dashboard_client):
        User.objects.create(email=None, phone_number=None)

        content = page(dashboard_client)

        for column in ("name", "mail", "phone", "country"):
            assert re.search(rf"field-{column}[^>]*>(<a [^>]*>)?—<", content)

    def test_list_never_shows_staff(self, dashboard_client, owner, as_role):
        as_role("Staff")

        assert found(dashboard_client) == []
        assert found(dashboard_client, q="store.example") == []


class TestWhoMayLook:
    @pytest.mark.parametrize("role", ["Owner", "Staff", "Viewer"])
    def test_staff_see_the_list(self, as_role, ada, role):
        assert found(as_role(role)) == [ada.email]

    def test_list_sends_customers_and_strangers_to_sign_in(self, client, ada):
        for browser in (client, browser_of(ada)):
            response = browser.get(CUSTOMERS)

            assert response.status_code == 302
            assert "/login/" in response.url

    def test_staff_without_a_role_do_not(self, db):
        nobody = User.objects.create(email="new@store.example", user_type=UserType.DASHBOARD)

        assert browser_of(nobody).get(CUSTOMERS).status_code == 403
