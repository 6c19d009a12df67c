"""Merging two customers by the API: what the kept one gets, and what is refused."""

import pytest
from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, connection, transaction

from customers import ownership
from customers.core.stored_rows import stored_fields
from customers.groups.services import create_group, update_customer
from customers.limits import MAX_ADDRESSES, MAX_TAGS
from customers.merging import plan
from customers.merging import services as merging
from customers.merging.models import Merge
from customers.mirror.models import MirroredCustomer, MirroredStore
from customers.models import Event, Note, User
from customers.orders.models import Order, Subscription
from customers.orders.services import record_order, record_subscription
from customers.privacy.erasure import erase
from customers.webhooks.models import Delivery
from oauth.actor import SYSTEM
from oauth.models import App
from oauth.scopes import Scope
from tests.support.cases import each
from tests.support.clients import USERS, addresses_url, notes_url, user_url
from tests.support.factories import address, fill_address_book, make_address, make_note, make_owner, make_user
from tests.support.order_documents import order, subscription
from tests.support.orders import ORDERS, order_body
from tests.support.webhooks import WEBHOOKS

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada():
    return make_user(email="ada@lovelace.example", first_name="Ada", addresses=[address(line1="1 Same St")])


@pytest.fixture
def twin():
    return make_user(
        email="twin@lovelace.example", first_name="Augusta", last_name="King", addresses=[address(line1="1 SAME st")]
    )


class TestMergedFields:
    def test_merge_keeps_values_and_fills_empty_ones(self, merge, ada, twin):
        merged = merge(ada, twin)

        assert (merged["id"], merged["email"]) == (ada.pk, "ada@lovelace.example")
        assert (merged["first_name"], merged["last_name"]) == ("Ada", "King")

    def test_merge_takes_the_value_that_was_chosen(self, merge, ada, twin):
        merged = merge(ada, twin, email="other", first_name="other", last_name="kept")

        assert (merged["email"], merged["first_name"], merged["last_name"]) == ("twin@lovelace.example", "Augusta", "")

    def test_merge_invents_no_consent_and_lifts_no_block(self, merge, ada, twin):
        User.objects.filter(pk=twin.pk).update(accepts_marketing=True, is_blocked=True)

        merged = merge(ada, twin)

        assert (merged["accepts_marketing"], merged["is_blocked"]) == (False, True)

    def test_merge_unites_tags_and_metadata_by_key(self, merge):
        ada = make_user(tags=["vip", "eu"], metadata={"size": "M", "color": "red"})
        twin = make_user(tags=["eu", "mail"], metadata={"size": "L", "pet": {"cat": 1}, "color": "blue"})

        merged = merge(ada, twin, **{"metadata.color": "other"})

        assert merged["tags"] == ["vip", "eu", "mail"]
        assert merged["metadata"] == {"size": "M", "color": "blue", "pet": {"cat": 1}}

    def test_merge_keeps_the_password_of_the_kept_customer(self, merge, ada, twin):
        User.objects.filter(pk=ada.pk).update(password=(kept := make_password("a secret of hers")))
        User.objects.filter(pk=twin.pk).update(password=make_password("another one"))

        merge(ada, twin)

        assert User.objects.get(pk=ada.pk).password == kept

    def test_merge_decides_every_column_of_a_customer(self):
        chosen = [column for columns in plan.CHOICES.values() for column in columns]
        decided = [*chosen, *plan.UNITED, *plan.SUMMED, *plan.UNCHANGED, "user_type"]

        assert sorted(decided) == sorted(field.attname for field in stored_fields(User))


class TestMergedRows:
    def test_merge_moves_all_that_belongs_to_the_other_customer(self, merge, owner, ada, twin):
        both, hers = create_group(name="Both").pk, create_group(name="Hers").pk
        update_customer(ada.pk, by=SYSTEM, group_ids=[both])
        update_customer(twin.pk, by=SYSTEM, group_ids=[both, hers])
        for person in (ada, twin):
            record_order(user_id=person.pk, document=order())
            record_subscription(user_id=person.pk, document=subscription())
            make_note(person, author=owner)
        make_address(twin, line1="2 Other St")
        timeline = set(Event.objects.values_list("pk", flat=True))

        merged = merge(ada, twin)

        assert (merged["orders_count"], merged["total_spent"], merged["subscriptions_count"]) == (2, "40.00", 2)
        assert merged["user_type"] == "customer"
        assert [each["line1"] for each in merged["addresses"]] == ["1 Same St", "2 Other St"]
        assert [each["is_default_for_billing"] for each in merged["addresses"]] == [True, False]
        for model, number in ((Note, 2), (Order, 2), (Subscription, 2)):
            assert list(model.objects.values_list("user_id", flat=True)) == [ada.pk] * number
        assert sorted(ada.customer_groups.values_list("name", flat=True)) == ["Both", "Hers"]
        assert timeline < set(Event.objects.filter(user=ada).values_list("pk", flat=True))
        assert not User.objects.filter(pk=twin.pk).exists()

    def test_merge_handles_every_table_that_refers_to_a_customer(self):
        """A new foreign key to a customer needs a decision: see `customers.ownership`."""
        relations = {
            f"{field.related_model._meta.label_lower}.{field.field.attname}"
            for field in User._meta.get_fields(include_hidden=True)
            if field.auto_created and not field.concrete and not field.many_to_many
        }

        assert relations - {rows.name for rows in ownership.all_rows()} == set()

    def test_merge_fails_as_a_whole_rather_than_lose_rows_of_a_kind_it_does_not_know(self, monkeypatch, ada, twin):
        record_order(user_id=twin.pk, document=order())
        monkeypatch.setattr(ownership, "_rows", [rows for rows in ownership.all_rows() if rows.model is not Order])

        def merge_and_commit():
            merging.merge(ada.pk, twin.pk, by=SYSTEM)
            connection.check_constraints()  # as a commit does

        with pytest.raises(IntegrityError), transaction.atomic():
            merge_and_commit()

        assert Order.objects.get().user_id == twin.pk


class TestTraces:
    def test_merge_is_in_the_timeline_with_who_did_it(self, client, merge, ada, twin):
        merge(ada, twin)

        event = Event.objects.get(kind="merged")
        assert event.user_id == ada.pk
        assert event.app_id == App.objects.get(accesstoken__user=event.actor_id).pk
        assert event.changes["merged_customer"] == [twin.pk, ada.pk]
        assert event.changes["email"] == ["twin@lovelace.example", "ada@lovelace.example"]

    def test_merge_enqueues_one_event_of_each_customer_with_who_did_it(self, client, merge, ada, twin):
        events = ["customer.created", "customer.updated", "customer.deleted"]
        client.post(WEBHOOKS, {"target": "https://8.8.8.8/", "events": events})

        merge(ada, twin)

        enqueued = {each.event_type: each for each in Delivery.objects.all()}
        assert sorted(enqueued) == ["customer.deleted", "customer.updated"]
        assert Delivery.objects.count() == 2
        deleted, updated = enqueued["customer.deleted"], enqueued["customer.updated"]
        assert (deleted.object_id, deleted.snapshot) == (twin.pk, {"id": twin.pk, "merged_into": ada.pk})
        assert (updated.object_id, updated.snapshot) == (ada.pk, None)
        app = App.objects.get()
        by = {"user_id": app.user_id, "client_id": app.client_id}
        assert updated.merge == deleted.merge == {"kept_id": ada.pk, "merged_id": twin.pk, "by": by}

    def test_request_for_a_merged_customer_is_404_and_names_the_last_of_a_chain(self, client, merge, ada, twin):
        last = make_user()
        merge(ada, twin)
        merge(last, ada)

        for url in (user_url(twin), addresses_url(twin), notes_url(twin), f"{user_url(twin)}orders/"):
            response = client.get(url)
            assert response.status_code == 404
            assert response.json() == {"detail": "Not found.", "merged_into": last.pk}
        assert client.patch(user_url(twin), {"first_name": "A"}).json()["merged_into"] == last.pk
        assert client.get(user_url(10**9)).json() == {"detail": "Not found."}

    @each(
        "id, message",
        {
            "merged": ("twin", "This customer was merged into customer {ada}."),
            "never there": (10**9, "No customer has this id."),
            "no id at all": (10**30, "No customer has this id."),
        },
    )
    def test_order_for_a_merged_customer_is_refused_and_names_the_kept_one(self, api, merge, ada, twin, id, message):
        merge(ada, twin)

        answer = api(Scope.ORDERS_WRITE).post(ORDERS, order_body(user={"id": twin.pk if id == "twin" else id}))

        assert (answer.status_code, answer.json()) == (400, {"user": {"id": [message.format(ada=ada.pk)]}})

    def test_request_for_a_customer_does_not_read_merges(self, client, ada, django_assert_max_num_queries):
        client.get(user_url(ada))
        with django_assert_max_num_queries(10) as queries:
            client.get(user_url(ada))

        assert not any(Merge._meta.db_table in query["sql"] for query in queries.captured_queries)


class TestRefusals:
    def test_merge_is_refused_for_staff_erased_and_mirrored_customers(self, client, ada):
        store = MirroredStore.objects.create(url="https://live.example", secret_key="x" * 40)
        staff, erased, mirrored = make_owner(), make_user(), make_user()
        erase(erased.pk, by=SYSTEM)
        MirroredCustomer.objects.create(customer_id=mirrored.pk, store=store)
        reasons = ((staff, "member of staff"), (erased, "is erased"), (mirrored, "a copy from https://live.example"))

        for person, reason in reasons:
            for kept, other in ((ada, person), (person, ada)):
                for action in ("merge/", "merge/preview/"):
                    response = client.post(f"{user_url(kept)}{action}", {"other": other.pk})
                    assert (response.status_code, reason in response.json()["detail"]) == (409, True)

        assert User.objects.filter(pk=ada.pk).exists()

    @each(
        "body, path",
        [
            ({}, "other"),
            ({"other": "x"}, "other"),
            ({"other": 0}, "other"),
            ({"other": 2**80}, "other"),
            ({"other": 10**9}, "other"),
            ({"choices": {"email": "mine"}}, "choices"),
            ({"choices": {"password": "other"}}, "choices"),
            ({"choices": {"metadata.size": "other"}}, "choices"),
            ({"choices": "email"}, "choices"),
        ],
    )
    def test_merge_with_invalid_body_is_400(self, client, ada, twin, body, path):
        body = {"other": twin.pk, **body} if "choices" in body else body
        for action in ("merge/", "merge/preview/"):
            response = client.post(f"{user_url(ada)}{action}", body)
            assert (response.status_code, list(response.json())) == (400, [path])

    def test_merge_with_oneself_is_refused(self, client, ada):
        assert client.post(f"{user_url(ada)}merge/", {"other": ada.pk}).status_code == 409

    def test_merge_of_more_than_one_customer_can_have_is_400_and_changes_nothing(self, client, ada, twin):
        fill_address_book(ada)
        make_address(twin, line1="2 Other St")
        full = make_user(tags=[f"tag {number}" for number in range(MAX_TAGS)])
        tagged = make_user(tags=["one more"])

        addresses = client.post(f"{user_url(ada)}merge/", {"other": twin.pk})
        tags = client.post(f"{user_url(full)}merge/", {"other": tagged.pk})

        assert (addresses.status_code, tags.status_code) == (400, 400)
        assert str(MAX_ADDRESSES) in str(addresses.json()).replace(",", "")
        assert str(MAX_TAGS) in str(tags.json())
        assert User.objects.filter(pk__in=[twin.pk, tagged.pk]).count() == 2

    def test_merge_needs_the_write_scope(self, api, ada, twin):
        client = api(Scope.USERS_READ)

        for action in ("merge/", "merge/preview/", "merge/undo/"):
            assert client.post(f"{user_url(ada)}{action}", {"other": twin.pk}).status_code == 403
        assert User.objects.filter(pk=twin.pk).exists()


class TestPreview:
    def test_preview_shows_what_the_merge_then_does(self, client, merge, owner, ada, twin):
        make_note(twin, author=owner)
        make_address(twin, line1="2 Other St")
        record_order(user_id=twin.pk, document=order())
        update_customer(twin.pk, by=SYSTEM, group_ids=[create_group(name="VIP").pk])
        client.patch(user_url(twin), {"language": "en"}, headers={"Idempotency-Key": "not shown"})
        choices = {"first_name": "other"}

        shown = client.post(f"{user_url(ada)}merge/preview/", {"other": twin.pk, "choices": choices}).json()
        assert User.objects.filter(pk=twin.pk).exists()
        merged = merge(ada, twin, **choices)

        for decision in shown["decisions"]:
            assert merged[decision["name"]] == decision[decision["choice"]], decision["name"]
        for name in ("tags", "metadata", "orders_count", "total_spent", "subscriptions_count"):
            assert merged[name] == shown[name]
        assert shown["moved"].pop("timeline entries") > 1
        assert shown["moved"] == {"addresses": 1, "groups": 1, "notes": 1, "orders": 1}
        assert shown["addresses_in_common"] == 1

    def test_preview_names_the_fields_with_two_values(self, client, ada):
        User.objects.filter(pk=ada.pk).update(metadata={"size": "M", "same": 1})
        other = make_user(first_name="Augusta", last_name="King", metadata={"size": "L", "same": 1, "more": 2})

        shown = client.post(f"{user_url(ada)}merge/preview/", {"other": other.pk}).json()

        conflicts = [decision["name"] for decision in shown["decisions"] if decision["is_conflict"]]
        assert conflicts == ["email", "first_name", "metadata.size"]


def test_merged_email_is_free_for_a_new_customer(client, merge, ada, twin):
    merge(ada, twin)

    assert client.post(USERS, {"email": "ada@lovelace.example"}).status_code == 400
    assert client.post(USERS, {"email": "twin@lovelace.example"}).status_code == 201
