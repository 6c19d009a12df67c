"""What webhooks are told, and what they are not."""

import pytest
from django.core.management import call_command
from django.db import transaction

from customers import services
from customers.groups.services import add_customers, create_group
from customers.orders.services import record_order
from customers.privacy import erasure
from customers.webhooks.models import Delivery
from oauth import partner_apps
from oauth.actor import SYSTEM, Actor
from oauth.models import AccessToken
from oauth.scopes import Scope
from oauth.tokens import NEVER, generate_access_token
from tests.customers.dashboard.conftest import CUSTOMERS, browser_of
from tests.customers.webhooks.conftest import WEBHOOKS
from tests.oauth.conftest import register_partner
from tests.support.clients import USERS, ApiClient, addresses_url, user_url
from tests.support.exports import EVERYBODY, EXPORTS, export_url, work
from tests.support.factories import address, make_address, make_note, make_user
from tests.support.order_documents import order
from tests.support.webhook_receiver import SECRET

EVERYTHING = ("customer.created", "customer.updated", "customer.deleted", "customer.redacted", "app.uninstalled")


@pytest.fixture
def ada(db):
    return make_user(email="ada@lovelace.example", first_name="Ada", phone_number="+442079460018", metadata={"a": 1.5})


def told() -> list[str]:
    return list(Delivery.objects.order_by("id").values_list("event_type", flat=True))


class TestACustomerWhoIsCreated:
    def test_is_told_with_what_the_api_shows(self, client, subscribe, receiver, deliver):
        webhook = subscribe("customer.created", api_version="2023-02-10")

        created = client.post(USERS, {"email": "ada@example.com", "metadata": {"é": [1.5, None]}, "tags": ["ü"],
                                      "addresses": [address(line1="Straße 1")]}).json()  # fmt: skip
        deliver()

        [received] = receiver.received
        assert received.event == {
            "object": "customer",
            "data": created,
            "event_id": str(Delivery.objects.get().event_id),
            "event_type": "customer.created",
            "webhook": {
                "id": webhook.pk, "store": None, "events": ["customer.created"], "target": webhook.target,
            },
            "api_version": "2023-02-10",
        }  # fmt: skip
        assert received.is_signed(SECRET)
        assert not received.is_signed("another")

    def test_is_told_for_each_webhook_that_subscribed(self, client, subscribe, receiver, deliver):
        subscribe("customer.created", path="first")
        subscribe("customer.created", "customer.updated", path="second")
        subscribe("customer.updated", path="third")
        subscribe("customer.created", path="fourth", active=False)

        client.post(USERS, {"email": "ada@example.com"})
        deliver()

        assert {each.path for each in receiver.received} == {"/first", "/second"}

    def test_is_not_told_where_the_request_fails(self, client, subscribe, ada):
        subscribe(*EVERYTHING)

        assert client.post(USERS, {"email": ada.email}).status_code == 400
        assert client.patch(user_url(ada), {"language": "xx"}).status_code == 400

        assert told() == []

    def test_is_not_told_where_the_change_is_rolled_back(self, subscribe):
        subscribe(*EVERYTHING)

        with transaction.atomic():
            make_user()
            transaction.set_rollback(True)

        assert told() == []

    def test_is_told_of_an_import(self, subscribe, tmp_path):
        subscribe(*EVERYTHING)
        (tmp_path / "some.csv").write_text("email\nada@example.com\ngrace@example.com\n")

        call_command("import_customers", str(tmp_path / "some.csv"))

        assert told() == ["customer.created"] * 2


class TestAChange:
    @pytest.mark.parametrize(
        "changes",
        [
            {"first_name": "Augusta"},
            {"metadata": {"a": 2}},
            {"tags": ["vip"]},
            {"is_blocked": True},
            {"email": "b@c.de"},
        ],
        ids=lambda changes: next(iter(changes)),
    )
    def test_is_told_once_with_the_customer_as_it_is_then(self, client, ada, subscribe, receiver, deliver, changes):
        subscribe(*EVERYTHING)

        changed = client.patch(user_url(ada), changes).json()
        deliver()

        assert receiver.events == ["customer.updated"]
        assert receiver.received[0].event["data"] == changed

    def test_of_several_fields_is_told_once(self, client, ada, subscribe):
        subscribe(*EVERYTHING)

        client.patch(user_url(ada), {"first_name": "Augusta", "is_blocked": True})

        assert told() == ["customer.updated"]

    def test_that_changes_nothing_is_not_told(self, client, ada, subscribe):
        subscribe(*EVERYTHING)

        client.patch(user_url(ada), {"first_name": "Ada"})

        assert told() == []

    def test_of_addresses_is_told(self, client, ada, subscribe):
        make_address(ada)
        subscribe(*EVERYTHING)

        id = client.post(addresses_url(ada), address(line1="2 High St")).json()["id"]
        client.put(f"{addresses_url(ada)}{id}/", address(line1="3 High St"))
        client.delete(f"{addresses_url(ada)}{id}/")

        assert told() == ["customer.updated"] * 3

    def test_of_many_is_told_for_each(self, subscribe, ada, owner):
        others = [make_user(), make_user(is_blocked=True)]
        subscribe(*EVERYTHING)

        services.change_users(
            [ada.pk, *(each.pk for each in others)], by=SYSTEM, values=lambda user: {"is_blocked": True}
        )

        assert set(Delivery.objects.values_list("event_type", "object_id")) == {
            ("customer.updated", ada.pk),
            ("customer.updated", others[0].pk),
        }

    def test_from_lead_to_customer_is_told_and_further_orders_are_not(self, ada, subscribe):
        subscribe(*EVERYTHING)

        record_order(user_id=ada.pk, document=order(number="1"))
        record_order(user_id=ada.pk, document=order(number="2"))

        assert told() == ["customer.updated"]

    def test_of_what_the_api_does_not_show_is_not_told(self, ada, owner, subscribe):
        subscribe(*EVERYTHING)

        make_note(ada, author=owner)
        services.update_user(ada.pk, by=SYSTEM, password="correct horse battery")
        add_customers(create_group(name="VIP").pk, [ada.pk], by=SYSTEM)

        assert told() == []


class TestErasure:
    def test_is_told_with_who_it_was_and_then_forgotten(self, ada, subscribe, receiver, deliver):
        record_order(user_id=ada.pk, document=order(number="1001"))
        subscribe("customer.redacted")

        erasure.erase(ada.pk, by=SYSTEM)
        deliver()

        assert receiver.received[0].event["data"] == {
            "id": ada.pk,
            "email": "ada@lovelace.example",
            "phone_number": "+442079460018",
            "orders": ["1001"],
            "subscriptions": [],
        }
        assert (Delivery.objects.get().body, Delivery.objects.get().snapshot) == ("", None)

    def test_removes_what_was_told_and_what_was_to_be_told(self, client, ada, subscribe, receiver, deliver):
        subscribe("customer.updated")
        client.patch(user_url(ada), {"first_name": "Augusta"})
        deliver()
        client.patch(user_url(ada), {"first_name": "Ada"})

        erasure.erase(ada.pk, by=SYSTEM)
        deliver()

        assert len(receiver.received) == 1
        assert not Delivery.objects.exists()


class TestUninstalling:
    def test_is_told_to_the_app_alone_which_is_told_of_nothing_else_any_more(
        self, owner, subscribe, receiver, deliver, dashboard_token
    ):
        app, token = dashboard_token
        subscribe(*EVERYTHING, path="store")
        body = {"target": f"{receiver.url}/app", "events": EVERYTHING, "secret_key": SECRET}
        assert ApiClient(token).post(WEBHOOKS, body).status_code == 201

        make_user()
        partner_apps.uninstall(app, Actor())
        make_user()
        deliver()

        of_app = [each.event for each in receiver.received if each.path == "/app"]
        assert [event["event_type"] for event in of_app] == ["app.uninstalled"]
        assert of_app[0]["data"]["client_id"] == app.client_id
        assert [each.event["event_type"] for each in receiver.received if each.path == "/store"] == [
            "customer.created"
        ] * 2


@pytest.fixture
def dashboard_token(owner):
    """A partner app, and a token of it that may do everything with webhooks."""
    app = register_partner(owner).app
    token = generate_access_token()
    scope = f"{Scope.WEBHOOKS_READ} {Scope.WEBHOOKS_WRITE}"
    AccessToken.objects.create(user=owner, application=app, token=token, scope=scope, expires=NEVER)
    return app, token


class TestAnExport:
    @pytest.fixture
    def exporting(self, api, files):
        """A program with a personal token for exports."""
        return api(Scope.EXPORTS_READ, Scope.EXPORTS_WRITE)

    def test_is_told_once_it_is_ready_with_what_the_api_shows(self, exporting, subscribe, receiver, deliver):
        subscribe("export.created")
        export = exporting.post(EXPORTS, EVERYBODY).json()
        assert told() == []

        work()
        deliver()

        [received] = receiver.received
        assert (received.event["object"], received.event["event_type"]) == ("export", "export.created")
        assert received.event["data"] == exporting.get(export_url(export)).json()
        assert received.event["data"]["status"] == "available"
        assert exporting.get(received.event["data"]["url"]).status_code == 200
        assert received.is_signed(SECRET)

    def test_is_told_where_the_dashboard_made_it(self, owner, ada, files, subscribe, receiver, deliver):
        subscribe("export.created")
        dashboard = browser_of(owner)
        page = dashboard.post(CUSTOMERS, {"action": "export", "_selected_action": [ada.pk]}).headers["Location"]

        dashboard.post(page, {"format": "csv"})
        deliver()

        data = receiver.received[0].event["data"]
        assert (data["status"], data["date_from"]) == ("available", None)
        assert data["url"].startswith("http://testserver/")

    def test_is_told_to_the_store_and_to_the_app_that_asked_for_it(self, exporting, owner, subscribe):
        store = subscribe("export.created")
        mine, others = (subscribe("export.created", path=name) for name in ("mine", "others"))
        subscribe("customer.created", path="unconcerned")
        apps = [register_partner(owner).app for _ in range(2)]
        for webhook, app in zip((mine, others), apps, strict=True):
            webhook.app = app
            webhook.save()
        token = generate_access_token()
        AccessToken.objects.create(
            user=owner, application=apps[0], token=token, scope="exports:write", expires=NEVER
        )  # fmt: skip

        ApiClient(token).post(EXPORTS, EVERYBODY)
        work()

        assert set(Delivery.objects.values_list("webhook", flat=True)) == {store.pk, mine.pk}

    def test_is_not_told_where_its_end_is_not_kept(self, exporting, subscribe):
        subscribe("export.created")
        exporting.post(EXPORTS, EVERYBODY)

        with transaction.atomic():
            work()
            transaction.set_rollback(True)

        assert told() == []
        assert exporting.get(EXPORTS).json()["results"][0]["status"] == "pending"

    def test_that_is_gone_before_it_was_told_is_not_sent(self, exporting, ada, subscribe, receiver, deliver):
        subscribe("export.created")
        exporting.post(EXPORTS, EVERYBODY)
        work()
        erasure.erase(ada.pk, by=SYSTEM)

        deliver()

        assert receiver.received == []
        assert Delivery.objects.get().error == "The object no longer exists."
