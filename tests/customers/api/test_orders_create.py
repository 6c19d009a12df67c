"""Creating orders by HTTP: the customer, the lines, the test gateway, and what a store without a catalogue refuses."""

from functools import partial

import pytest
from django.db import connection

from customers import limits
from customers.models import Event, User
from customers.orders.models import Cart, Order
from oauth.models import ApiVersion
from oauth.scopes import Scope
from tests.support.cases import each
from tests.support.clients import ADMIN_API, USERS, ApiClient, user_url
from tests.support.concurrency import at_once
from tests.support.factories import make_address, make_owner, make_user
from tests.support.order_documents import published
from tests.support.orders import ADDRESS, CARTS, ORDERS, PAID, cart_body, line, order_body, order_url


@pytest.fixture
def client(api) -> ApiClient:
    return api(Scope.ORDERS_READ, Scope.ORDERS_WRITE, Scope.CARTS_WRITE, Scope.USERS_READ)


def create(client, **fields) -> dict:
    answer = client.post(ORDERS, order_body(**fields))
    assert answer.status_code == 201, answer.content
    return answer.json()


def test_a_paid_order_turns_a_new_person_into_a_customer(client):
    order = create(client, lines=[line(price="12.50", quantity=2)], shipping_price="4.99")

    user = client.get(user_url(order["user"]["id"])).json()
    assert (user["user_type"], user["orders_count"], user["total_spent"]) == ("customer", 1, "29.99")
    assert (order["payment_status"], order["total_incl_tax"], order["total_outstanding"]) == ("paid", "29.99", "0.00")
    assert [(each["amount"], each["status"]) for each in order["transactions"]] == [("29.99", "succeeded")]


def test_an_order_reads_the_same_by_its_number_and_in_the_list_of_its_customer(client):
    order = create(client)

    assert client.get(order_url(order["number"])).json() == order
    [listed] = client.get(f"{user_url(order['user']['id'])}orders/").json()
    assert {**listed, "user": order["user"]} == order


@each("version", ApiVersion.values)
def test_an_answer_matches_the_document_of_its_version(client, version):
    headers = {"X-29next-API-Version": version}
    body = order_body(
        shipping_address=ADDRESS, billing_same_as_shipping_address=True, tags=["vip"],
        metadata={"a": 1}, attribution={"utm_source": "mail"}, date_placed="2026-10-01T10:00:00Z",
        lines=[line(properties={"engraving": "Ada"}, metadata={"x": None})],
    )  # fmt: skip

    order = client.post(ORDERS, body, headers=headers).json()

    published("Order", version).validate(order)
    published("OrderList", version).validate(client.get(ORDERS, headers=headers).json()["results"][0])
    published("CartDetail", version).validate(client.post(CARTS, cart_body(), headers=headers).json())
    assert ("total_outstanding" in order) is (version != ApiVersion.V2023_02_10)


def test_a_declined_card_leaves_a_lead_and_a_cart_and_no_order(client):
    answer = client.post(ORDERS, order_body(card="tok_declined", lines=[line(price="7.00")]))

    assert (answer.status_code, answer.json()) == (
        400,
        {"payment_details": {"card_token": ["The card was declined."]}},
    )
    user = User.objects.get(email="ada@example.com")
    assert (user.user_type, user.orders_count, Order.objects.count()) == ("lead", 0, 0)
    assert [str(cart.total) for cart in user.carts.all()] == ["7.00"]


def test_a_declined_card_is_answered_once_for_an_idempotency_key(client):
    send = partial(client.post, ORDERS, order_body(card="tok_declined"), headers={"Idempotency-Key": "one"})

    answers = [send(), send()]

    assert [answer.status_code for answer in answers] == [400, 400]
    assert "Idempotency-Replayed" in answers[1].headers
    assert Cart.objects.count() == 1


def test_an_idempotency_key_makes_one_order(client):
    send = partial(client.post, ORDERS, order_body(), headers={"Idempotency-Key": "one"})

    first, second = send(), send()

    assert first.json() == second.json()
    assert Order.objects.count() == 1


@each(
    "fields, outcome",
    {
        "a pending token": ({"card": "tok_pending"}, ("pending", False, "lead", 0)),
        "no payment": (
            {"payment_method": None, "payment_details": None},
            ("pending", False, "lead", 0),
        ),
        "nothing to pay": (
            {"payment_method": None, "payment_details": None, "lines": [line(price="0")]},
            ("paid", False, "customer", 1),
        ),
        "paid elsewhere": ({"payment_method": "external", "payment_details": None}, ("paid", False, "customer", 1)),
        "the platform's test card": ({"card": "test_card"}, ("paid", True, "lead", 0)),
        "the platform's 3DS test card": ({"card": "test_3ds_card"}, ("pending", True, "lead", 0)),
    },
)
def test_the_test_gateway_decides_by_method_and_token(client, fields, outcome):
    order = create(client, **fields)

    user = User.objects.get(pk=order["user"]["id"])
    assert (order["payment_status"], order["is_test"], user.user_type, user.orders_count) == outcome


NO_CARD = {"payment_method": None, "payment_details": None}


@each(
    "fields, path",
    {
        "an unknown card": ({"card": "tok_visa"}, "payment_details.card_token"),
        "no card": ({"payment_details": {}}, "payment_details.card_token"),
        "a card without its method": ({"payment_method": None}, "payment_method"),
        "another method": ({"payment_method": "paypal", "payment_details": None}, "payment_method"),
        "a gateway": ({"payment_details": {**PAID, "payment_gateway": 3}}, "payment_details.payment_gateway"),
        "a part": ({"payment_details": {**PAID, "authorize_value": "1.00"}}, "payment_details.authorize_value"),
        "vouchers": ({"vouchers": ["WELCOME5"]}, "vouchers"),
        "offers": ({"offers": [1]}, "offers"),
        "a shipping rate": ({"shipping_code": "default"}, "shipping_price"),
        "no lines": ({"lines": []}, "lines"),
        "too many lines": ({"lines": [line()] * (limits.MAX_ORDER_LINES + 1)}, "lines"),
        "very many lines": ({"lines": [{}] * 20_000}, "lines"),
        "no price": ({"lines": [line(price=None)]}, "lines.0.price"),
        "a negative price": ({"lines": [line(price="-1.00")]}, "lines.0.price"),
        "a price with three decimals": ({"lines": [line(price="1.005")]}, "lines.0.price"),
        "yen with decimals": ({"currency": "JPY", "lines": [line(price="1.50")]}, "lines.0.price"),
        "a currency that the store does not have": ({"currency": "THB"}, "currency"),
        "two currencies": ({"currency": "USD", "lines": [line(currency="EUR")]}, "lines.0.currency"),
        "a quantity of nothing": ({"lines": [line(quantity=0)]}, "lines.0.quantity"),
        "an enormous quantity": ({"lines": [line(quantity=limits.MAX_LINE_QUANTITY + 1)]}, "lines.0.quantity"),
        "an enormous total": ({"lines": [line(price="9999999999.99", quantity=2)]}, "lines"),
        "an enormous total with the shipping": (
            {"lines": [line(price="9999999999.99")], "shipping_price": "0.01"},
            "shipping_price",
        ),
        "neither product nor SKU": ({"lines": [line(product_id=None)]}, "lines.0.product_id"),
        "a subscription in a line": (
            {"lines": [line(subscription={"interval": "day", "interval_count": 1})]},
            "lines.0.subscription",
        ),
        "properties that are no object": ({"lines": [line(properties="x")]}, "lines.0.properties"),
        "metadata that is no object": ({"metadata": 5}, "metadata"),
        "an agent": ({"attribution": {"agent": 7}}, "attribution.agent"),
        "a long attribution": ({"attribution": {"funnel": "x" * 256}}, "attribution.funnel"),
        "a bad country": ({"shipping_address": {**ADDRESS, "country": "XX"}}, "shipping_address.country"),
        "an address without a phone number": (
            {"shipping_address": {k: v for k, v in ADDRESS.items() if k != "phone_number"}},
            "shipping_address.phone_number",
        ),
        "no default address": ({"use_default_shipping_address": True}, "use_default_shipping_address"),
        "two shipping addresses": (
            {"shipping_address": ADDRESS, "use_default_shipping_address": True},
            "shipping_address",
        ),
        "two billing addresses": (
            {"billing_address": ADDRESS, "billing_same_as_shipping_address": True},
            "billing_address",
        ),
        "a default address and that of the shipping": (
            {"use_default_billing_address": True, "billing_same_as_shipping_address": True},
            "use_default_billing_address",
        ),
        "an external method with a card": (
            {"payment_details": {**PAID, "external_payment_method": "cash"}},
            "payment_details.external_payment_method",
        ),
        "nobody": ({"user": {}}, "user.email"),
        "a bad email": ({"user": {"email": "ada@"}}, "user.email"),
        "an unknown id": ({"user": {"id": 987_654_321}}, "user.id"),
        "a bad phone number": ({"user": {"email": "new@example.com", "phone_number": "1"}}, "user.phone_number"),
        "bad tags": ({"user": {"email": "new@example.com", "tags": ["x" * 256]}}, "user.tags.0"),
        "NUL": ({"tags": ["\0"]}, "tags.0"),
        "the first year": ({"date_placed": "0001-01-01T00:00:00Z"}, "date_placed"),
    },
)  # fmt: skip
def test_a_refused_order_names_the_field_and_writes_nothing(client, store_currencies, fields, path):
    answer = client.post(ORDERS, order_body(**fields))

    errors = answer.json()
    assert answer.status_code == 400, errors
    assert path in {".".join(steps) for steps in paths(errors)}, errors
    assert [model.objects.filter(**of).count() for model, of in WRITTEN] == [0, 0, 0]


WRITTEN = ((User, {"user_type": "lead"}), (Order, {}), (Cart, {}))


def paths(errors, *above):
    if isinstance(errors, dict):
        for name, part in errors.items():
            yield from paths(part, *above, name)
    else:
        yield above


@pytest.fixture
def store_currencies(db):
    from customers.store.services import change_details

    change_details(currencies=["USD", "EUR", "JPY"])


def test_amounts_have_the_decimals_of_the_currency(client, store_currencies):
    order = create(client, currency="jpy", lines=[line(price="1500", quantity=3)])

    assert (order["currency"], order["total_incl_tax"], order["lines"][0]["currency"]) == ("JPY", "4500.00", "JPY")


def test_the_currency_of_a_line_is_that_of_the_order(client, store_currencies):
    assert create(client, lines=[line(currency="EUR")])["currency"] == "EUR"


def test_a_line_may_name_its_product_by_sku(client):
    [only] = create(client, lines=[line(product_id=None, sku="TULIP-50")])["lines"]

    assert (only["sku"], only["product_id"]) == ("TULIP-50", 0)


class TestCustomer:
    @each("reference", [{"email": "ADA@example.com"}, "id", "both"])
    def test_an_existing_customer_is_found_and_not_changed(self, client, reference):
        ada = make_user(email="ada@example.com", first_name="Ada")
        given = {"id": {"id": ada.pk}, "both": {"id": ada.pk, "email": "ada@EXAMPLE.com"}}.get(
            str(reference), reference
        )

        order = create(client, user={**given, "first_name": "Grace", "tags": ["new"]})

        ada.refresh_from_db()
        assert (order["user"]["id"], ada.first_name, ada.tags) == (ada.pk, "Ada", [])

    def test_an_id_with_the_email_of_somebody_else_is_refused(self, client):
        ada = make_user(email="ada@example.com")

        answer = client.post(ORDERS, order_body(user={"id": ada.pk, "email": "grace@example.com"}))

        assert (answer.status_code, list(answer.json()["user"])) == (400, ["email"])

    def test_staff_do_not_order_through_an_app(self, client):
        make_owner(email="staff@store.example")

        assert client.post(ORDERS, order_body(user={"email": "staff@store.example"})).status_code == 403
        assert not Order.objects.exists()

    def test_the_first_address_is_kept_and_fills_the_name_and_the_phone_number(self, client):
        order = create(client, shipping_address=ADDRESS)

        user = client.get(user_url(order["user"]["id"])).json()
        assert [each["line1"] for each in user["addresses"]] == [ADDRESS["line1"]]
        assert (user["first_name"], user["phone_number"]) == ("Ada", "+12025550140")
        assert order["shipping_address"]["phone_number"] == "+12025550140"

    def test_the_default_address_is_used_where_the_app_asks_for_it(self, client):
        ada = make_user(email="ada@example.com")
        make_address(ada, line1="1 Test Street", first_name="Ada")

        order = create(client, use_default_shipping_address=True, billing_same_as_shipping_address=True)

        assert order["shipping_address"]["line1"] == order["billing_address"]["line1"] == "1 Test Street"


@pytest.mark.django_db(transaction=True)
def test_32_orders_of_one_new_email_at_once_make_one_customer(api):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer")
    client = api(Scope.ORDERS_WRITE)
    emails = ["ada@example.com", "ADA@Example.com"]

    answers = at_once(
        [partial(ApiClient(client.token).post, ORDERS, order_body(user={"email": emails[n % 2]})) for n in range(32)]
    )

    assert {answer.status_code for answer in answers} == {201}
    [user] = User.objects.filter(email__iexact="ada@example.com")
    assert (user.orders_count, str(user.total_spent), Order.objects.count()) == (32, "320.00", 32)


@pytest.mark.django_db(transaction=True)
def test_orders_at_once_give_a_customer_without_addresses_one_address(api):
    client = api(Scope.ORDERS_WRITE)
    ada = make_user(email="ada@example.com")
    body = order_body(shipping_address=ADDRESS)

    answers = at_once([partial(ApiClient(client.token).post, ORDERS, body) for _ in range(8)])

    assert {answer.status_code for answer in answers} == {201}
    assert (ada.addresses.count(), ada.orders.count()) == (1, 8)


def test_an_order_is_in_the_timeline_of_its_app(client):
    order = create(client)

    events = Event.objects.filter(user=order["user"]["id"]).order_by("id")
    assert [(event.kind, event.app_id is not None) for event in events] == [("created", True), ("changed", True)]
    assert events[1].changes == {"user_type": ["lead", "customer"]}


def test_carts_are_bounded_for_each_customer(client, monkeypatch):
    monkeypatch.setattr("customers.orders.checkout.MAX_CARTS", 1)
    client.post(CARTS, cart_body())

    assert client.post(CARTS, cart_body()).status_code == 400
    assert list(client.post(ORDERS, order_body(card="tok_declined")).json()) == ["payment_details"]
    assert Cart.objects.count() == 1


def test_a_cart_makes_a_lead(client):
    answer = client.post(CARTS, cart_body(lines=[line(price="2.50", quantity=3, properties={"size": "L"})]))

    cart = answer.json()
    assert (answer.status_code, cart["total_incl_tax"], cart["status"]) == (201, "7.50", "Open")
    assert [each["properties"] for each in cart["lines"]] == [[{"key": "size", "value": "L"}]]
    assert client.get(user_url(cart["user"]["id"])).json()["user_type"] == "lead"


@each(
    "path, body, scope",
    [
        (ORDERS, order_body(), Scope.ORDERS_WRITE),
        (CARTS, cart_body(), Scope.CARTS_WRITE),
        (f"{ADMIN_API}subscriptions/", {}, Scope.SUBSCRIPTIONS_WRITE),
    ],
)
def test_each_create_needs_its_write_scope(api, path, body, scope):
    answer = api(Scope.ADMIN_READ, Scope.USERS_WRITE).post(path, body)

    assert (answer.status_code, scope in answer.json()["detail"]) == (403, True)
    assert api().get(USERS).status_code == 403
