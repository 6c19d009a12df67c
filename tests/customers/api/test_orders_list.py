"""The lists of all orders and subscriptions, and their filters."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from customers.orders.models import Order, Subscription
from customers.orders.services import record_order, record_subscription
from oauth.models import ApiVersion
from oauth.scopes import Scope
from tests.support.cases import each
from tests.support.clients import ApiClient, user_url
from tests.support.factories import make_user
from tests.support.order_documents import full, published
from tests.support.order_documents import order as document
from tests.support.order_documents import subscription as subscription_document
from tests.support.orders import ORDERS, SUBSCRIPTIONS, line, order_body, order_url, subscription_body


@pytest.fixture
def client(api) -> ApiClient:
    return api(Scope.ADMIN_READ, Scope.ADMIN_WRITE)


@pytest.fixture
def orders(client) -> ApiClient:
    """One that an order system reported in full, a paid and a pending one of an app, and one with odd values."""
    ada = make_user(email="ada@lovelace.example", first_name="Ada", last_name="Lovelace", phone_number="+14165550123")
    record_order(user_id=ada.pk, document=full("order"))
    record_subscription(user_id=ada.pk, document=full("subscription"))
    odd = {"lines": [None, 5, "x", {"sku": 7}], "tags": [None, 5], "transactions": {}, "attribution": 5}
    record_order(user_id=ada.pk, document=document(number="odd", date_placed="2020-01-01T00:00:00Z", **odd))
    record_subscription(user_id=ada.pk, document=subscription_document(id=9, status="paused", **odd))
    grace = {"email": "grace@hopper.example", "first_name": "Grace"}
    body = order_body(
        user=grace, tags=["new"], attribution={"utm_source": "mail"}, lines=[line(sku="BOLT", product_id=5)]
    )
    client.post(ORDERS, {**body, "date_placed": "2026-11-01T12:00:00Z"})
    client.post(ORDERS, order_body("tok_pending", user=grace, date_placed="2026-11-02T12:00:00Z"))
    client.post(SUBSCRIPTIONS, subscription_body(user=grace, lines=[line(sku="BOLT")]))
    return client


def numbers(client, **query) -> list[str]:
    """The numbers of the orders listed; those that an app made are named after their payment."""
    answer = client.get(ORDERS, query)
    assert answer.status_code == 200, answer.content
    return [
        each["payment_status"] if each["source"] == "admin_api" else each["number"] for each in answer.json()["results"]
    ]


@each(
    "query, found",
    [
        ({}, ["pending", "paid", "10023", "odd"]),
        ({"limit": 1}, ["pending"]),
        ({"order_number": "10023"}, ["10023"]),
        ({"product": 10**30}, []),
        ({"currency": "usd", "limit": 1}, ["pending"]),
        ({"search_text": "1002"}, ["10023"]),
        ({"search_text": "hopper"}, ["pending", "paid"]),
        ({"name": "ada love"}, ["10023", "odd"]),
        ({"address": "queen st"}, ["10023"]),
        ({"product": [71, 5]}, ["pending", "paid", "10023"]),
        ({"sku": "BOLT"}, ["paid"]),
        ({"status": ["open", "archived"]}, ["pending", "paid"]),
        ({"payment_method": "bankcard"}, ["paid", "10023"]),
        ({"currency": "CAD"}, ["10023"]),
        ({"fulfillment_status": "fulfilled"}, ["10023"]),
        ({"payment_status": ["pending", "partially_refunded"]}, ["pending", "10023"]),
        ({"subscription_lifecycle": "non-recurring"}, ["pending", "paid"]),
        ({"date_placed_from": "2026-10-03", "date_placed_to": "2026-11-01"}, ["paid", "10023"]),
        ({"tags": ["autumn", "new"]}, ["paid", "10023"]),
        ({"countries": "CA"}, ["10023"]),
        ({"sources": "admin_api"}, ["pending", "paid"]),
        ({"funnels": "autumn-bulbs"}, ["10023"]),
        ({"agents": "mia@store.example"}, ["10023"]),
        ({"utm_source": "mail"}, ["paid"]),
        ({"subaffiliate1": "newsletter"}, ["10023"]),
        ({"is_test": "true"}, []),
        ({"utm_term": "", "unknown": "x"}, ["pending", "paid", "10023", "odd"]),
    ],
)
def test_orders_are_filtered(orders, query, found):
    assert numbers(orders, **query) == found


@each(
    "query, found",
    [
        ({}, 3),
        ({"limit": 1}, 1),
        ({"customer_email": "ADA@lovelace.example"}, 2),
        ({"customer_phone_number": "416-555"}, 2),
        ({"search_text": "6001"}, 1),
        ({"search_text": "grace"}, 1),
        ({"status": ["paused", "canceled"]}, 1),
        ({"sku": ["BOLT", "TULIP-50"]}, 2),
        ({"product": 71}, 2),
        ({"order_number": "10023"}, 1),
        ({"next_renewal_date_from": "2027-01-03", "next_renewal_date_to": "2027-01-03"}, 2),
        ({"next_renewal_date_to": "2027-01-02"}, 0),
        ({"date_from": "2100-01-01"}, 0),
        ({"payment_method": "bankcard"}, 1),
        ({"utm_medium": "ignored", "utm_campaign": "autumn-2026"}, 1),
        ({"address": "toronto"}, 1),
    ],
)
def test_subscriptions_are_filtered(orders, query, found):
    answer = orders.get(SUBSCRIPTIONS, query)

    assert (answer.status_code, len(answer.json().get("results", ()))) == (200, found), answer.content


def test_a_renewal_is_found_by_its_day_in_utc_whatever_the_time_zone_of_the_store(client, settings):
    settings.TIME_ZONE = "America/Los_Angeles"

    created = client.post(SUBSCRIPTIONS, subscription_body(next_renewal_date="2027-01-03T01:00:00Z")).json()

    assert created["next_renewal_date"] == "2027-01-03T01:00:00Z"
    assert client.get(SUBSCRIPTIONS, {"next_renewal_date_from": "2027-01-03"}).json()["results"] == [created]


@each(
    "path, query",
    [
        (ORDERS, {"location_id": 1}),
        (ORDERS, {"is_disputed": "false"}),
        (ORDERS, {"has_outstanding_balance": "true"}),
        (ORDERS, {"status": "completed"}),
        (ORDERS, {"product": "x"}),
        (SUBSCRIPTIONS, {"gateway_status": "active"}),
        (SUBSCRIPTIONS, {"card_type": "visa"}),
        (ORDERS, {"agents": "\0"}),
        (ORDERS, {"sku": "\0"}),
        (SUBSCRIPTIONS, {"customer_email": "\0"}),
    ],
)
def test_a_filter_that_the_store_can_not_answer_is_refused(client, path, query):
    answer = client.get(path, query)

    assert (answer.status_code, list(answer.json())) == (400, list(query))


def test_pages_follow_one_another_in_the_order_of_their_dates(client):
    ada = make_user()
    for day in (3, 1, 2, 2, 2):
        record_order(user_id=ada.pk, document=document(date_placed=f"2026-10-0{day}T00:00:00Z"))
    seen, url = [], f"{ORDERS}?limit=2"
    while url:
        page = client.get(url).json()
        seen += [each["date_placed"][:10] for each in page["results"]]
        url = page["next"]

    assert seen == ["2026-10-03", "2026-10-02", "2026-10-02", "2026-10-02", "2026-10-01"]


def test_a_list_of_orders_takes_two_queries(orders, django_assert_num_queries):
    with django_assert_num_queries(2):  # the token, the page with its customers
        assert len(orders.get(ORDERS).json()["results"]) == 4


def test_an_unknown_number_is_404(client):
    assert client.get(order_url("nothing")).status_code == 404
    assert client.get(order_url("%00")).status_code == 404


@each("path, scope", [(ORDERS, Scope.ORDERS_READ), (SUBSCRIPTIONS, Scope.SUBSCRIPTIONS_READ)])
def test_a_connection_check_is_401_then_403_then_an_empty_page(api, anonymous, path, scope):
    assert anonymous.get(path, {"limit": 1}).status_code == 401
    assert api(Scope.USERS_READ).get(path, {"limit": 1}).status_code == 403
    assert api(scope).get(path, {"limit": 1}).json() == {"next": None, "previous": None, "results": []}


@each("version", ApiVersion.values)
def test_a_created_subscription_matches_the_document_of_its_version(client, version):
    client = ApiClient(client.token, headers={"X-29next-API-Version": version})

    answer = client.post(SUBSCRIPTIONS, subscription_body(lines=[line(price="45.00", quantity=2)], shipping_price="14"))

    subscription = answer.json()
    assert answer.status_code == 201, subscription
    published("SubscriptionDetail", version).validate(subscription)
    assert (subscription["total"], subscription["frequency"], subscription["status"]) == (
        "104.00",
        "Every 3 months",
        "active",
    )
    assert client.get(SUBSCRIPTIONS).json()["results"] == [subscription]
    user = client.get(user_url(subscription["user"]["id"])).json()
    assert (user["subscriptions_count"], user["orders_count"], user["user_type"]) == (1, 0, "lead")


@each(
    "fields, path",
    {
        "a declined card": ({"payment_details": {"card_token": "tok_declined"}}, "payment_details"),
        "a pending card": ({"payment_details": {"card_token": "tok_pending"}}, "payment_details"),
        "no card": ({"payment_details": None}, "payment_details"),
        "no user": ({"user": None}, "user"),
        "a user without an email": ({"user": {}}, "user"),
        "an enormous total with the shipping": (
            {"lines": [line(price="9999999999.99")], "shipping_price": "0.01"},
            "shipping_price",
        ),
        "the first year": ({"next_renewal_date": "0001-01-01T00:00:00Z"}, "next_renewal_date"),
        "no interval": ({"interval": "fortnight"}, "interval"),
        "no lines": ({"lines": []}, "lines"),
    },
)
def test_a_refused_subscription_writes_nothing(client, fields, path):
    answer = client.post(SUBSCRIPTIONS, subscription_body(**fields))

    assert (answer.status_code, list(answer.json())) == (400, [path])
    assert not Subscription.objects.exists()
    assert not Order.objects.exists()


@each("url", [ORDERS, SUBSCRIPTIONS])
def test_lists_read_no_password_and_take_as_many_statements_for_each_number_of_rows(orders, url):
    with CaptureQueriesContext(connection) as of_one:
        orders.get(url, {"limit": 1})
    with CaptureQueriesContext(connection) as of_all:
        orders.get(url)

    assert len(of_all) == len(of_one)
    assert not any("password" in query["sql"] for query in of_all.captured_queries)
