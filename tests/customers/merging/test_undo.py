"""Undoing a merge by the API, and what is left of the merged customer meanwhile."""

from datetime import timedelta

import pytest
from django.contrib.auth.hashers import make_password
from django.core.management import call_command
from django.utils import timezone

from customers import services
from customers.groups.services import create_group, delete_group, update_customer
from customers.merging.models import Merge
from customers.models import Address, Event, Note, User
from customers.orders.models import Order
from customers.orders.services import record_order
from customers.privacy.erasure import erase
from customers.privacy.personal_data import personal_data
from customers.webhooks.models import Delivery
from oauth.actor import SYSTEM
from tests.support.clients import USERS, user_url
from tests.support.database import dump
from tests.support.factories import address, make_note, make_user
from tests.support.order_documents import order
from tests.support.webhooks import WEBHOOKS

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada():
    return make_user(email="ada@lovelace.example", tags=["vip"], addresses=[address(line1="1 Same St")])


@pytest.fixture
def zoe():
    return make_user(
        email="zoe@palmyra.example",
        last_name="Palmyra",
        phone_number="+442079460018",
        tags=["aurelian"],
        metadata={"consul": "odaenathus"},
        addresses=[address(line1="1 Same St"), address(line1="9 Colonnade")],
    )


def representations(client, *people) -> list[dict]:
    return [client.get(user_url(person)).json() for person in people]


def undo_refused(client, kept) -> str:
    response = client.post(f"{user_url(kept)}merge/undo/")
    assert response.status_code == 409, response.content
    return response.json()["detail"]


class TestUndo:
    def test_undo_gives_back_both_customers_as_they_were(self, client, merge, undo, owner, ada, zoe):
        both, hers, gone = (create_group(name=name).pk for name in ("Both", "Hers", "Gone"))
        update_customer(ada.pk, by=SYSTEM, group_ids=[both])
        update_customer(zoe.pk, by=SYSTEM, group_ids=[both, hers, gone])
        record_order(user_id=ada.pk, document=order())
        record_order(user_id=zoe.pk, document=order())
        make_note(zoe, author=owner)
        User.objects.filter(pk=zoe.pk).update(password=(password := make_password("hers")))
        owners = {model: set(model.objects.values_list("pk", "user_id")) for model in (Address, Note, Order)}
        before = representations(client, ada, zoe)

        merge(ada, zoe, email="other")
        delete_group(gone, by=SYSTEM)
        undone = undo(ada)

        assert representations(client, ada, zoe) == before == [undone["kept"], undone["restored"]]
        assert {model: set(model.objects.values_list("pk", "user_id")) for model in owners} == owners
        assert set(zoe.customer_groups.values_list("pk", flat=True)) == {both, hers}
        assert list(ada.customer_groups.values_list("pk", flat=True)) == [both]
        assert User.objects.get(pk=zoe.pk).password == password
        assert Event.objects.filter(user=ada, kind="merge_undone").exists()
        assert Event.objects.filter(user=zoe, kind="restored").exists()

    def test_undo_keeps_what_happened_since_then(self, client, merge, undo, owner, ada, zoe):
        merge(ada, zoe)
        record_order(user_id=ada.pk, document=order())
        make_note(ada, author=owner)
        client.patch(user_url(ada), {"first_name": "Ada"})  # the merge did not change it
        services.delete_address(ada.pk, Address.objects.get(line1="9 Colonnade").pk, by=SYSTEM)

        kept, restored = undo(ada).values()

        assert (kept["first_name"], kept["orders_count"], kept["total_spent"]) == ("Ada", 1, "20.00")
        assert (restored["orders_count"], restored["total_spent"]) == (0, "0.00")
        assert Note.objects.get().user_id == ada.pk
        assert [each["line1"] for each in restored["addresses"]] == ["1 Same St"]

    def test_undo_goes_back_through_several_merges(self, client, merge, undo, ada, zoe):
        third = make_user(addresses=[address(line1="1 Same St"), address(line1="9 Colonnade")], tags=["third"])
        before = representations(client, ada, zoe, third)
        merge(ada, zoe)
        merge(ada, third)

        undo(ada)
        undo(ada)

        assert representations(client, ada, zoe, third) == before
        assert undo_refused(client, ada) == "There is no merge of the last 30 days to undo."

    def test_undo_moves_a_default_that_was_chosen_since_then(self, client, merge, undo, ada, zoe):
        merge(ada, zoe)
        moved = Address.objects.get(line1="9 Colonnade")
        services.update_address(ada.pk, moved.pk, by=SYSTEM, is_default_for_billing=True)

        kept, restored = undo(ada).values()

        for person in (kept, restored):
            assert [each["is_default_for_billing"] for each in person["addresses"]].count(True) == 1

    def test_undo_is_refused_if_a_merged_value_was_changed_since_then(self, client, merge, ada, zoe):
        merge(ada, zoe)
        client.patch(user_url(ada), {"last_name": "King", "tags": []})

        assert undo_refused(client, ada) == "Changed since the merge: last_name, tags."
        assert User.objects.get(pk=ada.pk).last_name == "King"

    def test_undo_is_refused_if_somebody_has_the_email_by_now(self, client, merge, ada, zoe):
        merge(ada, zoe)
        assert client.post(USERS, {"email": "ZOE@palmyra.example"}).status_code == 201

        assert undo_refused(client, ada) == "Another customer has the email address now."
        assert not User.objects.filter(pk=zoe.pk).exists()
        assert Address.objects.filter(user=ada).count() == 2

    def test_undo_enqueues_events_of_both_customers(self, client, merge, undo, ada, zoe):
        merge(ada, zoe)
        client.post(WEBHOOKS, {"target": "https://8.8.8.8/", "events": ["customer.created", "customer.updated"]})

        undo(ada)

        enqueued = set(Delivery.objects.values_list("event_type", "object_id"))
        assert enqueued == {("customer.updated", ada.pk), ("customer.created", zoe.pk)}


class TestPersonalData:
    def test_snapshot_ends_after_thirty_days(self, client, merge, ada, zoe, capsys):
        merge(ada, zoe)
        Merge.objects.update(merged_at=timezone.now() - timedelta(days=31))

        assert undo_refused(client, ada) == "There is no merge of the last 30 days to undo."
        call_command("clear_expired")

        assert "1 snapshots of merged customers deleted." in capsys.readouterr().out
        assert Merge.objects.get().snapshot is None
        assert client.get(user_url(zoe)).json()["merged_into"] == ada.pk

    def test_personal_data_has_the_merged_customer_too(self, merge, ada, zoe):
        merge(ada, zoe)

        [merged] = personal_data(ada.pk, by=SYSTEM)["merged_customers"]

        assert (merged["id"], merged["person"]["email"]) == (zoe.pk, "zoe@palmyra.example")
        assert "password" not in merged["person"]

    def test_erasure_of_the_kept_customer_leaves_no_trace_of_the_merged_one(self, client, merge, ada, zoe):
        client.post(WEBHOOKS, {"target": "https://8.8.8.8/", "events": ["customer.updated"]})
        client.patch(user_url(zoe), {"first_name": "Zenobia"}, headers={"Idempotency-Key": "x"})
        client.post(f"{user_url(zoe)}addresses/", address(line1="7 Tadmor"), headers={"Idempotency-Key": "address"})
        Delivery.objects.update(body='{"data": {"email": "zoe@palmyra.example"}}')
        last = make_user(email="last@lovelace.example")
        merge(ada, zoe, email="other")
        merge(last, ada)
        call_command("run_worker", until_empty=True)

        erase(last.pk, by=SYSTEM)

        left = dump().casefold()
        for text in ("palmyra", "442079460018", "colonnade", "aurelian", "odaenathus", "zenobia", "tadmor", "ada@"):
            assert text not in left, [line for line in left.splitlines() if text in line]
        assert undo_refused(client, last) == "There is no merge of the last 30 days to undo."
