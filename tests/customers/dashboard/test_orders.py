"""Orders, subscriptions and carts in the dashboard: what their pages show, and how their lists find them."""

import re
from collections.abc import Iterable
from datetime import timedelta
from html import unescape
from urllib.parse import parse_qsl

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from customers.orders.checkout import create_cart
from customers.orders.models import Order
from customers.orders.services import record_order, record_subscription
from oauth.actor import SYSTEM
from tests.support.cases import each
from tests.support.dashboard import DASHBOARD, customer_url
from tests.support.factories import make_user
from tests.support.order_documents import full, order, spoiled, subscription
from tests.support.orders import cart_body, line

ORDERS = f"{DASHBOARD}orders/order/"
SUBSCRIPTIONS = f"{DASHBOARD}orders/subscription/"
LINE = {**line(), "price": 10}


def change_url(row) -> str:
    return f"{DASHBOARD}orders/{row._meta.model_name}/{row.pk}/change/"


def shown(client, url, query=None) -> str:
    """The page as text: without tags, and with one space between words."""
    response = client.get(url, query or {})
    assert response.status_code == 200, response.content.decode()
    page = response.content.decode()
    return " ".join(re.sub("<[^>]+>", " ", page[page.index('id="content"') :]).split())


def missing(page: str, expected: Iterable[str]) -> list[str]:
    return [text for text in expected if text not in page]


def listed(client, url, query=None) -> list[str]:
    """The links of the rows, in their order."""
    return re.findall(r'<th class="field-name"><a href="([^"?]+)', client.get(url, query or {}).content.decode())


class TestAnOrder:
    def test_order_page_shows_lines_totals_addresses_and_both_currencies(self, dashboard_client, ada):
        weekly = record_subscription(user_id=ada.pk, document=full("subscription"))
        row = record_order(user_id=ada.pk, document=full("order"))

        text = shown(dashboard_client, change_url(row))

        expected = (
            "Order 10023 Partially refunded Fulfilled",
            "Tulip mix, 50 bulbs, Red and white TULIP-50 · engraving: For Grace",
            "2 101.70 CAD 74.55 USD",
            "Total 117.52 CAD 86.15 USD",
            "Refunded -24.86 CAD -18.23 USD",
            "240 Queen St W Unit 5 Toronto, ON M5V 1Z7 Canada +14165550123",
            "Arrived a week late.",
            "Bankcard ending in 4242, Stripe CAD",
            "Canada Post Expedited",
            "Subscription 6001",
        )
        assert missing(text, expected) == [], text
        page = dashboard_client.get(change_url(row)).content.decode()
        for link in (customer_url(ada), change_url(weekly), ORDERS, "https://track.example/7023210039414604"):
            assert f'href="{link}"' in page, link

    def test_order_page_shows_one_address_and_one_currency_once(self, dashboard_client, ada):
        address = {"line1": "1 High Street", "line4": "Leeds", "country": "GB"}
        values = {"currency": "EUR", "total_incl_tax": "20.00"}
        document = order(shipping_address=address, billing_address=address, report_values=values, **values)

        text = shown(dashboard_client, change_url(record_order(user_id=ada.pk, document=document)))

        assert "Shipping and billing address 1 High Street Leeds United Kingdom" in text
        assert "In reports" not in text

    def test_order_page_is_read_only(self, dashboard_client, ada):
        row = record_order(user_id=ada.pk, document=order())

        page = dashboard_client.get(change_url(row)).content.decode()

        assert "<textarea" not in page
        assert "_save" not in page
        assert f"{ORDERS}add/" not in dashboard_client.get(ORDERS).content.decode()
        for url in (change_url(row), f"{ORDERS}add/", change_url(row).replace("change", "delete")):
            assert dashboard_client.post(url, {"post": "yes"}).status_code == 403, url
        assert Order.objects.get().document == row.document

    def test_test_order_is_marked_without_alarm(self, dashboard_client, ada):
        row = record_order(user_id=ada.pk, document=order(is_test=True))

        for url in (ORDERS, change_url(row)):
            page = dashboard_client.get(url).content.decode()
            assert re.search(r'class="chip is-neutral">Test<', page), url
            assert "icon-no" not in page

    def test_page_opens_whatever_the_document_has(self, dashboard_client, ada):
        """Each change is a document of its own; a sample of all of them keeps the test short."""
        row = record_order(user_id=ada.pk, document=full("order"))
        weekly = record_subscription(user_id=ada.pk, document=full("subscription"))

        for kept, name in ((row, "order"), (weekly, "subscription")):
            for number, (change, kept.document) in enumerate(spoiled(full(name))):
                if number % 97 == 0:  # junk and places take turns
                    kept.save(update_fields=["document"])
                    assert dashboard_client.get(change_url(kept)).status_code == 200, change

    @each("link", ["javascript:alert(1)", "//evil.example", "http://[", "data:text/html,x"])
    def test_tracking_link_leads_to_the_web_only(self, dashboard_client, ada, link):
        document = order(fulfillments=[{"tracking_code": "T1", "tracking_link": link}])
        row = record_order(user_id=ada.pk, document=document)

        page = dashboard_client.get(change_url(row)).content.decode()

        assert "T1" in page
        assert f'href="{link}"' not in page


class TestTheListOfOrders:
    def test_orders_are_listed_by_date_placed_with_customer_and_money(self, dashboard_client, ada):
        newest = record_order(user_id=ada.pk, document=full("order"))
        older = record_order(user_id=ada.pk, document=order(date_placed="2026-09-03T09:12:44Z"))

        page = dashboard_client.get(ORDERS).content.decode()
        text = shown(dashboard_client, ORDERS)

        assert listed(dashboard_client, ORDERS) == [change_url(newest), change_url(older)]
        assert f'href="{customer_url(ada)}">Ada Lovelace</a>' in page
        assert "86.15 USD 117.52 CAD charged 18.23 USD refunded" in text

    def test_orders_are_found_by_number_name_and_email(self, dashboard_client, ada):
        grace = make_user(email="grace@hopper.example", first_name="Grace")
        first = record_order(user_id=ada.pk, document=order(number="first-1"))
        record_order(user_id=grace.pk, document=order(number="second"))

        for text in ("first", "lovelace ada", "ada@lovelace.example", "LOVELACE"):
            assert listed(dashboard_client, ORDERS, {"q": text}) == [change_url(first)], text
        assert listed(dashboard_client, ORDERS, {"q": "nobody"}) == []

    def test_orders_are_filtered_by_status_source_test_and_period(self, dashboard_client, ada):
        now = timezone.now().isoformat()
        found = record_order(
            user_id=ada.pk, document=order(payment_status="voided", source="campaign", is_test=True, date_placed=now)
        )
        record_order(user_id=ada.pk, document=order(source="checkout", date_placed="2020-01-01T00:00:00Z"))
        week_ago = (timezone.now() - timedelta(days=7)).isoformat()

        for query in (
            {"payment_status__exact": "voided"},
            {"source": "campaign"},
            {"is_test__exact": "1"},
            {"date_placed__gte": week_ago},
        ):
            assert listed(dashboard_client, ORDERS, query) == [change_url(found)], query
        page = dashboard_client.get(ORDERS).content.decode()
        assert "?source=campaign" in page
        assert "?source=checkout" in page

    def test_chips_show_the_filters_in_use_and_take_each_away(self, dashboard_client, ada):
        found = record_order(user_id=ada.pk, document=order(payment_status="paid"))
        query = {
            "payment_status__exact": "paid",
            "user__id__exact": ada.pk,
            "date_placed__gte": "2020-01-01 00:00:00+00:00",
        }

        page = dashboard_client.get(ORDERS, query)

        chips = re.findall(r'<a class="chip" href="([^"]+)" aria-label="Remove: ([^"]+)"', page.content.decode())
        assert [text for _, text in chips] == [
            "Payment status Paid", "Date placed 2020-01-01", f"Customer {ada.get_full_name()}"
        ]  # fmt: skip
        for (url, text), gone in zip(
            chips, ("payment_status__exact", "date_placed__gte", "user__id__exact"), strict=True
        ):
            left = dict(parse_qsl(unescape(url)[1:]))
            assert left == {name: str(value) for name, value in query.items() if name != gone}, text
            assert listed(dashboard_client, ORDERS, left) == [change_url(found)]

    def test_list_of_orders_takes_few_statements(self, dashboard_client, ada):
        for number in range(3):
            record_order(user_id=make_user(email=f"p{number}@example.com").pk, document=full("order") | order())

        with CaptureQueriesContext(connection) as few:
            assert len(listed(dashboard_client, ORDERS)) == 3

        of_orders = [query["sql"] for query in few if "orders_order" in query["sql"]]
        assert len(of_orders) == 3, of_orders  # the sources, the count and the page

    def test_source_that_is_no_text_is_unknown(self, ada):
        for source in (None, 7, [], "x" * 65):
            assert record_order(user_id=ada.pk, document=order(source=source)).source == "", source


class TestSubscriptions:
    def test_subscription_page_shows_lines_renewal_and_orders(self, dashboard_client, ada):
        first = record_order(user_id=ada.pk, document=full("order"))
        row = record_subscription(user_id=ada.pk, document=full("subscription"))

        text = shown(dashboard_client, change_url(row))

        expected = (
            "Subscription 6001 Active",
            "Tulip mix, 50 bulbs, Red and white TULIP-50 · engraving: For Grace",
            "2 90.00 CAD",
            "Total 104.00 CAD",
            "Every 3 months",
            "Next renewal",
            "Canada",
        )
        assert missing(text, expected) == [], text
        assert f'href="{change_url(first)}">Order 10023</a>' in dashboard_client.get(change_url(row)).content.decode()

    @pytest.mark.parametrize("text", ["7", "seven", "9" * 40])
    def test_subscriptions_are_found_by_id(self, dashboard_client, ada, text):
        row = record_subscription(user_id=ada.pk, document=subscription(id=7))

        found = listed(dashboard_client, SUBSCRIPTIONS, {"q": text})

        assert found == ([change_url(row)] if text == "7" else [])

    def test_subscriptions_are_found_by_customer(self, dashboard_client, ada):
        row = record_subscription(user_id=ada.pk, document=subscription(id=7))

        assert listed(dashboard_client, SUBSCRIPTIONS, {"q": "love"}) == [change_url(row)]


def test_cart_page_shows_its_lines(dashboard_client):
    cart = create_cart(by=SYSTEM, **cart_body(lines=[LINE]))

    text = shown(dashboard_client, change_url(cart))

    assert f"Cart {cart.pk}" in text
    assert "Total 10.00" in text
