"""The search over the whole dashboard."""

import html
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from customers.groups.services import create_group
from customers.orders.services import record_order, record_subscription
from customers.segments.services import create_segment
from tests.support.crowd import A_PART, explained, insert_crowd, needs, rows_read
from tests.support.dashboard import DASHBOARD, customer_url
from tests.support.factories import make_user, make_users
from tests.support.order_documents import order, subscription
from tests.support.partner import register_partner

SEARCH = f"{DASHBOARD}search/"


def found(browser, text: str, **query) -> dict[str, str]:
    """The addresses of the results, by name."""
    page = browser.get(SEARCH, {"q": text, **query})
    assert page.status_code == 200
    text = page.content.decode()
    results = text if "part" in query else text[text.index('<div id="content"') :]
    return {
        html.unescape(name).strip(): url for url, name in re.findall(r'<a[^>]*href="([^"]*)"[^>]*>([^<]+)', results)
    }


@pytest.fixture
def everything(ada):
    record_order(user_id=ada.pk, document=order(number="D10333"))
    record_subscription(user_id=ada.pk, document=subscription(id=77123))
    register_partner(name="Rocket Mailer")
    segment = create_segment(name="Regulars", filters={"search": "x"})
    return {"group": create_group(name="Wholesale buyers"), "segment": segment}


class TestSearch:
    def test_search_finds_each_kind(self, dashboard_client, ada, everything):
        cases = {
            "ada love": customer_url(ada),
            ada.email: customer_url(ada),
            str(ada.pk): customer_url(ada),
            "wholesale": f"{DASHBOARD}groups/customergroup/{everything['group'].pk}/change/",
            "regul": f"{DASHBOARD}segments/segment/{everything['segment'].pk}/change/",
            "security": f"{DASHBOARD}audit/auditevent/",
            "add webh": f"{DASHBOARD}webhooks/webhook/add/",
            "block list": f"{DASHBOARD}customers/blockedcustomer/",
        }
        for text, url in cases.items():
            assert url in found(dashboard_client, text).values(), text
        for text, name in {"D103": "D10333", "#d10333": "D10333", "77123": "77123", "rocket": "Rocket Mailer"}.items():
            assert name in found(dashboard_client, text), text

    def test_search_takes_any_apostrophe(self, dashboard_client):
        for name in ("O'Connor", "D’Arcy"):
            make_user(first_name="Sinead", last_name=name)

        for text in ("O’Connor", "O'Connor", "oconnor"):
            assert list(found(dashboard_client, text)) == ["Sinead O'Connor"], text
        for text in ("D’Arcy", "D'Arcy", "darcy"):
            assert list(found(dashboard_client, text)) == ["Sinead D’Arcy"], text

    def test_search_finds_only_what_the_role_may_view(self, as_role, everything):
        viewer = as_role("Viewer")

        assert found(viewer, "D10333") == {"D10333": found(viewer, "D10333")["D10333"]}
        for text in ("rocket", "security", "add customer", "staff"):
            assert "Rocket Mailer" not in found(viewer, text)
            assert not {"Security log", "Add customer", "Staff"} & set(found(viewer, text)), text

    def test_search_without_a_usable_text_finds_nothing(self, dashboard_client, ada):
        for text in ("", " ", "a", "'’", "\0", "x" * 2000):
            assert set(found(dashboard_client, text)) <= {"Customers"}, text

    def test_search_as_options_escapes_what_people_typed(self, dashboard_client):
        make_user(first_name="<b>", last_name="Bold")

        assert "<b> Bold" in found(dashboard_client, "bold", part="1")
        assert "<i>" not in dashboard_client.get(SEARCH, {"q": "<i>zz", "part": "1"}).content.decode()

    def test_search_takes_a_bounded_number_of_statements_and_results(self, dashboard_client, everything):
        def statements() -> int:
            with CaptureQueriesContext(connection) as queries:
                names = found(dashboard_client, "ada", part="1")
            assert len(names) <= 13
            return len(queries)

        few = statements()
        make_users(60, first_name="Ada")

        assert statements() == few
        assert few <= 16

    def test_search_needs_a_session(self, client, db):
        assert "/login/" in client.get(SEARCH, {"q": "ada"}).headers["Location"]


@pytest.mark.skipif(connection.vendor != "postgresql", reason="looks at PostgreSQL's plans")
def test_search_of_a_crowd_reads_only_a_part_of_the_table(as_role):
    needs("pg_trgm")
    insert_crowd()
    viewer = as_role("Viewer")

    for text in ("c4ca4238", "no such name", "c4ca c81e", "example", "c4", "zz", "020 7000 0777", "person-777@", "777"):
        with CaptureQueriesContext(connection) as queries:
            found(viewer, text, part="1")
        statements = [each["sql"] for each in queries if 'FROM "customers_user"' in each["sql"]]
        assert len(statements) >= 3, text  # the person's own row, who is found, and the newest of them
        assert [plan for plan in map(explained, statements) if rows_read(plan) > A_PART] == [], text


def test_search_box_leads_to_the_list_of_customers(dashboard_client, db):
    options = found(dashboard_client, "vip & co", part="1")

    assert options == {"Search the list of customers for “vip & co”": "/dashboard/customers/customer/?q=vip+%26+co"}
