"""The story of `docs/orders.md`: a partner's app brings a customer to life, by HTTP alone."""

from django.test import Client

from tests.support.clients import USERS, ApiClient, user_url
from tests.support.dashboard import CUSTOMERS, browser_of, customer_url
from tests.support.database import dump
from tests.support.exports import ALL_CUSTOMERS, EXPORTS, downloaded, make_exports
from tests.support.medusa import CUSTOMERS as MEDUSA_CUSTOMERS
from tests.support.orders import ADDRESS, CARTS, ORDERS, SUBSCRIPTIONS, line, order_body, order_url
from tests.support.partner import register_partner
from tests.support.webhook_receiver import SECRET
from tests.support.webhooks import WEBHOOKS

SCOPES = (
    "users:read users:write carts:write orders:read orders:write subscriptions:read subscriptions:write "
    "webhooks:write exports:read exports:write"
)
EVENTS = [
    "customer.created", "customer.updated", "customer.redacted", "order.created", "order.updated",
    "subscription.created",
]  # fmt: skip
PERSONAL = ("zenobia", "palmyra", "colonnade", "12025550140")
ZENOBIA = {"email": "zenobia@palmyra.example"}


def test_an_app_brings_a_lead_to_life_and_nothing_of_them_is_left_after_erasure(owner, receiver, deliver, files):
    browser = browser_of(owner)
    partner = register_partner(owner, allowed_scopes=[], rate_limit=0)
    app = ApiClient(partner.install(browser, scope=SCOPES)["access_token"])
    hook = {"target": f"{receiver.url}/", "events": EVENTS, "secret_key": SECRET}
    assert app.post(WEBHOOKS, hook).status_code == 201

    # A lead, their cart, and a card that is declined.
    person = {**ZENOBIA, "first_name": "Zenobia", "last_name": "Septimia", "accepts_marketing": True}
    user = app.post(USERS, person).json()
    lines = [line(sku="TULIP-50", price="12.50", quantity=2, properties={"engraving": "For Zenobia"})]
    cart = app.post(CARTS, {"user": ZENOBIA, "lines": lines, "attribution": {"funnel": "autumn"}}).json()
    address = {**ADDRESS, "first_name": "Zenobia", "line1": "1 Great Colonnade"}
    order = order_body(user=ZENOBIA, lines=lines, shipping_address=address, shipping_price="5.00")
    declined = app.post(ORDERS, {**order, "payment_details": {"card_token": "tok_declined"}})
    assert (declined.status_code, list(declined.json())) == (400, ["payment_details"])
    lead = app.get(user_url(user["id"])).json()
    assert (cart["user"]["id"], lead["user_type"], lead["orders_count"]) == (user["id"], "lead", 0)

    # The next card is accepted: the lead is a customer.
    paid = app.post(ORDERS, order, headers={"Idempotency-Key": "zenobia's order"}).json()
    subscription = app.post(
        SUBSCRIPTIONS,
        {**order, "interval": "month", "interval_count": 1, "next_renewal_date": "2027-01-03T09:00:00Z"},
    ).json()
    customer = app.get(user_url(user["id"])).json()
    assert (customer["user_type"], customer["orders_count"], customer["total_spent"]) == ("customer", 1, "30.00")
    assert (customer["subscriptions_count"], customer["phone_number"]) == (1, "+12025550140")

    # Everything else shows it.
    assert app.get(order_url(paid["number"])).json() == paid
    assert [each["number"] for each in app.get(ORDERS, {"limit": 1}).json()["results"]] == [paid["number"]]
    found = app.get(SUBSCRIPTIONS, {"customer_email": ZENOBIA["email"]}).json()["results"]
    assert [each["id"] for each in found] == [subscription["id"]]
    deliver()
    sent = [(each.event["event_type"], each.event["data"]["user"]["id"] if "user" in each.event["data"] else None)
            for each in receiver.received]  # fmt: skip
    assert ("order.created", user["id"]) in sent
    assert ("subscription.created", user["id"]) in sent
    assert {"customer.created", "customer.updated"} <= {name for name, _ in sent}
    page = browser.get(customer_url(user["id"])).content.decode()
    assert all(text in page for text in (paid["number"], str(subscription["id"]), "Cart", "30.00"))
    [known] = app.get(MEDUSA_CUSTOMERS, {"q": ZENOBIA["email"]}).json()["customers"]
    medusa = app.get(f"{MEDUSA_CUSTOMERS}/{known['id']}").json()["customer"]
    assert [each["external_id"] for each in medusa["orders"]] == [paid["number"]]
    export = app.post(EXPORTS, ALL_CUSTOMERS).json()
    make_exports()
    assert ZENOBIA["email"] in downloaded(app, export, by=Client())

    # The owner erases the person. The app gets `customer.redacted`, and no table has personal data any more.
    assert [text for text in PERSONAL if text not in dump().lower()] == []
    browser.post(f"{CUSTOMERS}{user['id']}/erase/", {"confirmation": "erase"})
    deliver()
    [redacted] = [each.event["data"] for each in receiver.received if each.event["event_type"] == "customer.redacted"]
    assert redacted == {
        "id": user["id"],
        "email": ZENOBIA["email"],
        "phone_number": "+12025550140",
        "orders": [int(paid["number"])],
        "subscriptions": [subscription["id"]],
    }
    assert [text for text in PERSONAL if text in dump().lower()] == []
    assert app.get(user_url(user["id"])).json()["orders_count"] == 1
