"""Which changes cause which events, with which payload."""

import pytest
from django.core.management import call_command
from django.db import transaction

from customers import services
from customers.groups.services import add_customers, create_group
from customers.orders.models import Order
from customers.orders.services import record_order, record_subscription
from customers.privacy import erasure
from customers.webhooks.models import Delivery
from oauth import partner_apps
from oauth.actor import SYSTEM, Actor
from oauth.errors import ServiceError
from oauth.models import ApiVersion
from oauth.scopes import Scope
from tests.support.clients import USERS, addresses_url, user_url
from tests.support.dashboard import CUSTOMERS, browser_of
from tests.support.exports import ALL_CUSTOMERS, EXPORTS, export_url, make_exports
from tests.support.factories import address, make_address, make_note, make_user
from tests.support.order_documents import order, subscription
from tests.support.orders import ORDERS, SUBSCRIPTIONS, order_body, subscription_body
from tests.support.webhook_receiver import SECRET
from tests.support.webhooks import EVENT_NAMES, WEBHOOKS, enqueued, installed_partner

CHANGES = [
    {"first_name": "Augusta"},
    {"metadata": {"a": 2}},
    {"tags": ["vip"]},
    {"is_blocked": True},
    {"email": "b@c.de"},
]


@pytest.fixture
def ada(db):
    return make_user(email="ada@lovelace.example", first_name="Ada", phone_number="+442079460018", metadata={"a": 1.5})


class TestCustomerCreated:
    def test_customer_created_has_the_payload_of_the_api(self, admin_client, subscribe, receiver, deliver):
        webhook = subscribe("customer.created", api_version="2023-02-10")

        created = admin_client.post(USERS, {"email": "ada@example.com", "metadata": {"é": [1.5, None]}, "tags": ["ü"],
                                      "addresses": [address(line1="Straße 1")]}).json()  # fmt: skip
        deliver()

        [received] = receiver.received
        assert received.event == {
            "object": "customer",
            "data": created,
            "event_id": str(Delivery.objects.get().event_id),
            "event_type": "customer.created",
            "webhook": {
                "id": webhook.pk, "store": "testserver", "events": ["customer.created"], "target": webhook.target,
            },
            "api_version": "2023-02-10",
        }  # fmt: skip
        assert received.is_signed(SECRET)
        assert not received.is_signed("another")

    def test_customer_created_is_sent_to_each_active_subscribed_webhook(
        self, admin_client, subscribe, receiver, deliver
    ):
        subscribe("customer.created", path="first")
        subscribe("customer.created", "customer.updated", path="second")
        subscribe("customer.updated", path="third")
        subscribe("customer.created", path="fourth", active=False)

        admin_client.post(USERS, {"email": "ada@example.com"})
        deliver()

        assert {each.path for each in receiver.received} == {"/first", "/second"}

    def test_rejected_request_enqueues_no_event(self, admin_client, subscribe, ada):
        subscribe(*EVENT_NAMES)

        assert admin_client.post(USERS, {"email": ada.email}).status_code == 400
        assert admin_client.patch(user_url(ada), {"language": "xx"}).status_code == 400

        assert enqueued() == []

    def test_rolled_back_change_enqueues_no_event(self, subscribe):
        subscribe(*EVENT_NAMES)

        with transaction.atomic():
            make_user()
            transaction.set_rollback(True)

        assert enqueued() == []

    def test_import_enqueues_customer_created_for_each_row(self, subscribe, tmp_path):
        subscribe(*EVENT_NAMES)
        (tmp_path / "some.csv").write_text("email\nada@example.com\ngrace@example.com\n")

        call_command("import_customers", str(tmp_path / "some.csv"))

        assert enqueued() == ["customer.created"] * 2


class TestCustomerUpdated:
    def test_customer_updated_is_sent_once_per_change_with_the_payload_of_the_api(
        self, admin_client, ada, subscribe, receiver, deliver
    ):
        subscribe(*EVENT_NAMES)

        for changes in CHANGES:
            changed = admin_client.patch(user_url(ada), changes).json()
            receiver.received.clear()
            deliver()
            assert receiver.events == ["customer.updated"], changes
            assert receiver.received[0].event["data"] == changed

    def test_change_of_several_fields_enqueues_one_event(self, admin_client, ada, subscribe):
        subscribe(*EVENT_NAMES)

        admin_client.patch(user_url(ada), {"first_name": "Augusta", "is_blocked": True})

        assert enqueued() == ["customer.updated"]

    def test_update_without_a_difference_enqueues_no_event(self, admin_client, ada, subscribe):
        subscribe(*EVENT_NAMES)

        admin_client.patch(user_url(ada), {"first_name": "Ada"})

        assert enqueued() == []

    def test_address_changes_enqueue_customer_updated(self, admin_client, ada, subscribe):
        make_address(ada)
        subscribe(*EVENT_NAMES)

        id = admin_client.post(addresses_url(ada), address(line1="2 High St")).json()["id"]
        admin_client.put(f"{addresses_url(ada)}{id}/", address(line1="3 High St"))
        admin_client.delete(f"{addresses_url(ada)}{id}/")

        assert enqueued() == ["customer.updated"] * 3

    def test_bulk_edit_enqueues_customer_updated_for_each_changed_customer(self, subscribe, ada, owner):
        others = [make_user(), make_user(is_blocked=True)]
        subscribe(*EVENT_NAMES)

        services.change_users(
            [ada.pk, *(each.pk for each in others)], by=SYSTEM, values=lambda user: {"is_blocked": True}
        )

        assert set(Delivery.objects.values_list("event_type", "object_id")) == {
            ("customer.updated", ada.pk),
            ("customer.updated", others[0].pk),
        }

    def test_first_order_enqueues_customer_updated_and_later_ones_do_not(self, ada, subscribe):
        subscribe(*EVENT_NAMES)

        record_order(user_id=ada.pk, document=order(number="1"))
        record_order(user_id=ada.pk, document=order(number="2"))

        assert enqueued() == ["customer.updated"]

    def test_order_by_http_is_sent_with_the_payload_of_the_api(self, api, subscribe, receiver, deliver):
        subscribe("order.created", "order.updated", "customer.created", "customer.updated", api_version="2023-02-10")
        client = api(Scope.ORDERS_WRITE, headers={"X-29next-API-Version": "2023-02-10"})

        created = client.post(ORDERS, order_body()).json()
        record_order(user_id=created["user"]["id"], document=Order.objects.get().document)
        assert enqueued() == ["customer.created", "order.created", "customer.updated"]
        deliver()

        assert [each.event["data"] for each in receiver.received if each.event["object"] == "order"] == [created]
        record_order(user_id=created["user"]["id"], document=order(number=created["number"]))
        assert enqueued()[3:] == ["order.updated"]

    def test_subscription_by_http_is_sent_with_the_payload_of_the_api(self, api, subscribe, receiver, deliver):
        subscribe("subscription.created")

        created = api(Scope.SUBSCRIPTIONS_WRITE).post(SUBSCRIPTIONS, subscription_body()).json()
        deliver()

        assert [each.event["data"] for each in receiver.received] == [created]

    def test_erasure_deletes_deliveries_about_orders(self, api, ada, subscribe, receiver, deliver):
        subscribe("order.created", "subscription.created", "customer.redacted")
        client = api(Scope.ORDERS_WRITE, Scope.SUBSCRIPTIONS_WRITE)
        client.post(ORDERS, order_body(user={"id": ada.pk}))
        client.post(ORDERS, order_body(user={"email": "grace@example.com"}))
        deliver()
        client.post(SUBSCRIPTIONS, subscription_body(user={"id": ada.pk}))

        erasure.erase(ada.pk, by=SYSTEM)

        assert enqueued() == ["order.created", "customer.redacted"]

    def test_notes_passwords_and_groups_enqueue_no_event(self, ada, owner, subscribe):
        subscribe(*EVENT_NAMES)

        make_note(ada, author=owner)
        services.update_user(ada.pk, by=SYSTEM, password="correct horse battery")
        add_customers(create_group(name="VIP").pk, [ada.pk], by=SYSTEM)

        assert enqueued() == []


class TestCustomerRedacted:
    def test_customer_redacted_has_a_snapshot_that_is_deleted_after_delivery(self, ada, subscribe, receiver, deliver):
        for number in ("1001", "A-7", "007"):
            record_order(user_id=ada.pk, document=order(number=number))
        record_subscription(user_id=ada.pk, document=subscription(id=31))
        for version in ApiVersion.values:
            subscribe("customer.redacted", api_version=version)

        erasure.erase(ada.pk, by=SYSTEM)
        deliver()

        assert {each.event["api_version"] for each in receiver.received} == set(ApiVersion.values)
        for received in receiver.received:
            assert (received.event["object"], received.event["event_type"]) == ("customer", "customer.redacted")
            assert received.event["data"] == {
                "id": ada.pk,
                "email": "ada@lovelace.example",
                "phone_number": "+442079460018",
                "orders": [1001, "A-7", "007"],
                "subscriptions": [31],
            }
        assert set(Delivery.objects.values_list("body", "snapshot")) == {("", None)}

    def test_refused_erasure_sends_no_customer_redacted(self, owner, subscribe):
        subscribe("customer.redacted")

        with pytest.raises(ServiceError):
            erasure.erase(owner.pk, by=SYSTEM)

        assert enqueued() == []

    def test_erasure_deletes_sent_and_pending_deliveries(self, admin_client, ada, subscribe, receiver, deliver):
        subscribe("customer.updated")
        admin_client.patch(user_url(ada), {"first_name": "Augusta"})
        deliver()
        admin_client.patch(user_url(ada), {"first_name": "Ada"})

        erasure.erase(ada.pk, by=SYSTEM)
        deliver()

        assert len(receiver.received) == 1
        assert not Delivery.objects.exists()


class TestAppUninstalled:
    def test_app_uninstalled_is_the_last_event_of_the_app_and_sent_to_it_alone(
        self, owner, subscribe, receiver, deliver
    ):
        app, partner_client = installed_partner(owner, Scope.WEBHOOKS_READ, Scope.WEBHOOKS_WRITE)
        subscribe(*EVENT_NAMES, path="store")
        body = {"target": f"{receiver.url}/app", "events": EVENT_NAMES, "secret_key": SECRET}
        assert partner_client.post(WEBHOOKS, body).status_code == 201

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


class TestExportCreated:
    @pytest.fixture
    def export_client(self, api, files):
        """A client of the Admin API with a personal token for exports."""
        return api(Scope.EXPORTS_READ, Scope.EXPORTS_WRITE)

    def test_export_created_is_sent_when_the_file_is_ready_with_the_payload_of_the_api(
        self, export_client, subscribe, receiver, deliver
    ):
        subscribe("export.created")
        export = export_client.post(EXPORTS, ALL_CUSTOMERS).json()
        assert enqueued() == []

        make_exports()
        deliver()

        [received] = receiver.received
        assert (received.event["object"], received.event["event_type"]) == ("export", "export.created")
        assert received.event["data"] == export_client.get(export_url(export)).json()
        assert received.event["data"]["status"] == "available"
        assert export_client.get(received.event["data"]["url"]).status_code == 200
        assert received.is_signed(SECRET)

    def test_export_created_is_sent_for_exports_of_the_dashboard(self, owner, ada, files, subscribe, receiver, deliver):
        subscribe("export.created")
        dashboard = browser_of(owner)
        page = dashboard.post(CUSTOMERS, {"action": "export", "_selected_action": [ada.pk]}).headers["Location"]

        dashboard.post(page, {"format": "csv"})
        deliver()

        data = receiver.received[0].event["data"]
        assert (data["status"], data["date_from"]) == ("available", None)
        assert data["url"].startswith("http://testserver/")

    def test_export_created_is_sent_to_the_store_and_to_the_app_that_requested_it(
        self, export_client, owner, subscribe
    ):
        store = subscribe("export.created")
        mine, others = (subscribe("export.created", path=name) for name in ("mine", "others"))
        subscribe("customer.created", path="customers")
        (mine.app, partner_client), (others.app, _) = [installed_partner(owner, Scope.EXPORTS_WRITE) for _ in range(2)]
        mine.save()
        others.save()

        partner_client.post(EXPORTS, ALL_CUSTOMERS)
        make_exports()

        assert set(Delivery.objects.values_list("webhook", flat=True)) == {store.pk, mine.pk}

    def test_export_whose_end_is_rolled_back_enqueues_no_event(self, export_client, subscribe):
        subscribe("export.created")
        export_client.post(EXPORTS, ALL_CUSTOMERS)

        with transaction.atomic():
            make_exports()
            transaction.set_rollback(True)

        assert enqueued() == []
        assert export_client.get(EXPORTS).json()["results"][0]["status"] == "pending"

    def test_export_that_is_gone_is_not_sent(self, export_client, ada, subscribe, receiver, deliver):
        subscribe("export.created")
        export_client.post(EXPORTS, ALL_CUSTOMERS)
        make_exports()
        erasure.erase(ada.pk, by=SYSTEM)

        deliver()

        assert receiver.received == []
        assert Delivery.objects.get().error == "The object no longer exists."
