"""The list of customers: search, filters, rows and the export."""

import re

import pytest
from django.test.utils import override_settings

from customers.groups.services import add_customers, create_group
from customers.jobs.models import Job
from customers.models import Tag, User, UserType
from customers.orders.services import record_order
from customers.privacy.erasure import erase
from customers.segments.services import create_segment
from oauth.actor import SYSTEM
from tests.support.cases import each
from tests.support.customer_list import found, page
from tests.support.dashboard import CUSTOMERS, browser_of, customer_url
from tests.support.factories import make_address, make_user, make_users
from tests.support.order_documents import order
from tests.support.pages import fields_of


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

    def test_search_finds_the_id_the_number_of_an_order_and_a_tag(self, dashboard_client, ada, grace):
        record_order(user_id=grace.pk, document=order(number="N-10023"))
        User.objects.filter(pk=grace.pk).update(tags=["navy"])
        Tag.objects.create(name="navy")

        for text, customer in [
            (str(ada.pk), ada),
            (f"#{grace.pk}", grace),
            ("N-10023", grace),
            (" navy ", grace),
        ]:
            assert customer.email in found(dashboard_client, q=text), text
        for text in ["N-1002", "nav", "9" * 30, "#", "#x"]:
            assert found(dashboard_client, q=text) == [], text

    def test_search_without_a_match_leads_to_the_filters_of_addresses(self, dashboard_client, ada):
        content = page(dashboard_client, q="Leeds")

        assert content.count("No customers match") == 1
        assert 'href="?city=Leeds"' in content

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
            ({"tags": ["new", "vip"]}, {"tag": ["vip", "other"]}),
            ({"language": "th"}, {"language": ["th", "fr"]}),
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

    def test_filters_of_several_values_find_customers_with_one_of_them(self, dashboard_client, ada, grace):
        make_user(email="third@example.com")
        make_address(ada, country="GB")
        make_address(grace, country="US")
        groups = [create_group(name=name) for name in ("Club", "Friends")]
        for group, customer in zip(groups, (ada, grace), strict=True):
            add_customers(group.pk, [customer.pk], by=SYSTEM)

        for query in [
            {"country": ["GB", "US"]},
            {"group": [group.pk for group in groups]},
            {"country": ["GB", "US"], "group": [group.pk for group in groups], "user_type": ["lead", "customer"]},
        ]:
            assert found(dashboard_client, **query) == [grace.email, ada.email], query
        assert found(dashboard_client, country="GB", group=groups[1].pk) == []

    @each("group", ["9" * 20, "9" * 5_000, "-1", "x", "\0"])
    def test_group_filter_ignores_what_is_no_id(self, dashboard_client, ada, group):
        assert found(dashboard_client, group=group) == [ada.email]

    def test_tag_filter_offers_the_most_common_tags(self, dashboard_client):
        make_users(3, tags=["newsletter"])
        make_users(1, tags=["vip & more"])

        content = page(dashboard_client, language="th")

        assert content.index('value="newsletter"') < content.index('value="vip &amp; more"')

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

    def test_chips_take_away_one_value_each(self, dashboard_client, ada):
        content = page(dashboard_client, q="ada", o="-name", tag=["vip", "a&b"], language="en", after="1")

        links = dict(re.findall(r'href="([^"]*)" aria-label="Remove: ([^"]*)"', content))
        assert {text: url.replace("&amp;", "&") for url, text in links.items()} == {
            "search ada": "?o=-name&tag=vip&tag=a%26b&language=en",
            "Tag vip": "?q=ada&o=-name&tag=a%26b&language=en",
            "Tag a&amp;b": "?q=ada&o=-name&tag=vip&language=en",
            "Language English": "?q=ada&o=-name&tag=vip&tag=a%26b",
        }

    def test_filters_keep_search_order_and_segment(self, dashboard_client, ada):
        segment = create_segment(name="Ada", filters={"search": "ada"})

        fields = fields_of(dashboard_client.get(CUSTOMERS, {"q": "a", "o": "-name", "segment": segment.pk}), "filters")

        assert {name: fields[name] for name in ("q", "o", "segment")} == {
            "q": "a", "o": "-name", "segment": str(segment.pk),
        }  # fmt: skip

    def test_segments_are_tabs(self, dashboard_client, ada, grace):
        segments = [create_segment(name=f"S{number}", filters={"search": "ada"}) for number in range(8)]

        content = page(dashboard_client, segment=segments[-1].pk)

        assert f'<a href="?segment={segments[-1].pk}" aria-current="page">S7 (1)</a>' in content
        assert content.index("S7 (1)") < content.index("S0 (1)") < content.index("More segments")
        assert found(dashboard_client, segment=segments[-1].pk) == [ada.email]

    def test_list_refuses_lookups_of_other_columns(self, dashboard_client):
        for lookup in ["password__startswith", "first_name", "addresses__country", "is_superuser__exact"]:
            assert dashboard_client.get(CUSTOMERS, {lookup: "x"}).status_code == 400, lookup


class TestRows:
    def test_row_shows_the_customer(self, dashboard_client, ada):
        make_address(ada, country="SE", line4="Malmö")
        record_order(user_id=ada.pk, document=order(total_incl_tax="1234.50"))
        User.objects.filter(pk=ada.pk).update(is_blocked=True, tags=["a", "b", "c", "d"])

        content = page(dashboard_client)

        for text in (
            ">AL<", ">Ada Lovelace<", ">ada@lovelace.example<", ">+442079460018<", ">Sweden<", ">Customer<",
            ">Blocked<", ">1<", ">1,234.50 USD<", ">c<", ">+1<",
        ):  # fmt: skip
            assert text in content, text
        assert customer_url(ada) in content
        assert ">d<" not in content
        assert 'field-last_order"><time' in content

    def test_row_shows_a_dash_for_missing_values(self, dashboard_client):
        nobody = User.objects.create(email=None, phone_number=None)

        content = page(dashboard_client)

        assert f">#{nobody.pk}</a>" in content
        for column in ("country", "tags", "orders", "spent", "last_order"):
            assert re.search(rf'field-{column}[^>]*><span class="no-value">', content), column

    def test_columns_are_chosen_per_person_and_reset(self, dashboard_client, ada):
        def shown() -> list[str]:
            return re.findall(r"<td class=\"field-(\w+)", page(dashboard_client))

        default = shown()
        data = {"next": f"{CUSTOMERS}?q=ada", "column": ["phone", "language", "nonsense"]}
        response = dashboard_client.post(f"{CUSTOMERS}columns/", data)
        assert response.headers["Location"] == f"{CUSTOMERS}?q=ada"
        assert shown() == ["phone", "language"]

        response = dashboard_client.post(f"{CUSTOMERS}columns/", {"next": "https://evil.example/", "default": "1"})

        assert response.headers["Location"] == CUSTOMERS
        assert shown() == default

    def test_list_never_shows_erased_customers(self, dashboard_client, ada):
        erase(ada.pk, by=SYSTEM)

        assert found(dashboard_client) == []
        assert found(dashboard_client, q=str(ada.pk)) == []
        assert "No customers yet" in page(dashboard_client)

    def test_list_never_shows_staff(self, dashboard_client, owner, as_role):
        as_role("Staff")

        assert found(dashboard_client) == []
        assert found(dashboard_client, q="store.example") == []


class TestExportButton:
    def test_export_of_the_filters_is_a_file_in_two_clicks(self, dashboard_client, ada):
        make_user(email="grace@hopper.example")

        response = dashboard_client.post(f"{CUSTOMERS}export/?q=ada", {"format": "csv"}, follow=True)

        lines = b"".join(response.streaming_content).decode().splitlines()
        assert [ada.email in line for line in lines] == [False, True]

    def test_export_that_takes_longer_shows_its_progress(self, dashboard_client, ada, monkeypatch):
        monkeypatch.setattr("customers.dashboard.jobs.STEP_SECONDS", -1)

        response = dashboard_client.post(f"{CUSTOMERS}export/", {"format": "excel"})

        assert response.headers["Location"] == f"/dashboard/jobs/job/{Job.objects.get().pk}/change/"

    def test_export_needs_its_permission_and_a_known_format(self, as_role, dashboard_client, ada):
        viewer = as_role("Viewer")
        assert viewer.post(f"{CUSTOMERS}export/", {"format": "csv"}).status_code == 403
        assert "Export" not in page(viewer)
        assert dashboard_client.post(f"{CUSTOMERS}export/", {"format": "exe"}).status_code == 400
        assert not Job.objects.exists()


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
