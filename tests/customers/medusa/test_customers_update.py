"""POST /admin/customers/:id."""

import pytest
from django.db import connection

from customers.models import Event, User
from tests.support.factories import make_user
from tests.support.medusa import CUSTOMERS, PASSWORD, group_id_of, id_of, invalid, not_found, url_of

EMAIL_FIXED = "Email cannot be changed when the user has registered their account"


def changed(medusa_client, user, **body) -> dict:
    response = medusa_client.post(url_of(user), body)
    assert response.status_code == 200, response.content
    return response.json()["customer"]


class TestUpdateCustomer:
    def test_update_requires_authentication(self, anonymous, ada):
        response = anonymous.post(url_of(ada), {"first_name": "Eve"})

        assert (response.status_code, response.content) == (401, b"Unauthorized")

    def test_update_needs_the_write_scope(self, reader, ada):
        response = reader.post(url_of(ada), {"first_name": "Eve"})

        assert (response.status_code, response.json()["type"]) == (403, "not_allowed")
        assert User.objects.get(pk=ada.pk).first_name == "Ada"

    def test_update_of_unknown_id_is_404(self, medusa_client):
        response = medusa_client.post(f"{CUSTOMERS}/cus_nope", {"first_name": "Eve"})

        assert (response.status_code, response.json()) == (404, not_found("Customer with id: cus_nope was not found"))

    def test_update_of_staff_is_404(self, medusa_client, owner):
        assert medusa_client.post(url_of(owner), {"first_name": "Eve"}).status_code == 404

    def test_update_validates_the_body_before_404(self, medusa_client):
        for body, message in (
            ({"foo": 1}, "property foo should not exist"),
            ({"email": None}, "email must be an email"),
        ):
            response = medusa_client.post(f"{CUSTOMERS}/cus_nope", body)

            assert (response.status_code, response.json()) == (400, invalid(message))

    def test_update_changes_every_field(self, medusa_client, ada):
        body = {
            "email": "Countess@Lovelace.example", "first_name": "Augusta", "last_name": "King",
            "phone": "020 7946 0018", "metadata": {"a": 1},
        }  # fmt: skip

        customer = changed(medusa_client, ada, **body)

        assert customer == medusa_client.get(url_of(ada)).json()["customer"]
        assert (customer["email"], customer["first_name"], customer["last_name"], customer["phone"]) == (
            "countess@lovelace.example", "Augusta", "King", "+442079460018",
        )  # fmt: skip
        assert customer["metadata"] == {"a": 1}
        assert list(customer)[11:] == ["orders", "shipping_addresses"]

    def test_update_expands_relations(self, medusa_client, ada):
        customer = medusa_client.post(f"{url_of(ada)}?expand=groups", {"first_name": "Eve"}).json()["customer"]

        assert list(customer)[11:] == ["groups"]

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            ({"foo": 1}, "property foo should not exist"),
            ({"has_account": True}, "property has_account should not exist"),
            ({"email": "x", "phone": 1}, "email must be an email, phone must be a string"),
            ({"email": None}, "email must be an email"),
            ({"email": " x@example.com"}, "email must be an email"),
            ({"first_name": 1}, "first_name must be a string"),
            ({"password": 1}, "password must be a string"),
            ({"metadata": [1]}, "metadata must be an object"),
            ({"groups": "vip"}, "groups must be an array, "
                                "each value in nested property groups must be either object or array"),
            ({"groups": ["vip"]}, "each value in nested property groups must be either object or array"),
            ({"groups": [{}]}, "id must be a string"),
            ({"groups": [{"id": "x", "name": "y"}]}, "property name should not exist"),
            ({"phone": "12"}, "phone: Enter a valid phone number."),
        ],
    )  # fmt: skip
    def test_update_rejects_invalid_bodies(self, medusa_client, ada, body, message):
        response = medusa_client.post(url_of(ada), body)

        assert (response.status_code, response.json()) == (400, invalid(message))

    def test_update_stores_null_names_and_phone(self, medusa_client, ada):
        customer = changed(medusa_client, ada, first_name=None, last_name=None, phone=None)

        assert (customer["first_name"], customer["last_name"], customer["phone"]) == (None, None, None)

    def test_update_ignores_null_for_other_fields(self, medusa_client, ada):
        changed(medusa_client, ada, metadata={"a": 1})

        customer = changed(medusa_client, ada, password=None, groups=None, metadata=None)

        assert customer["metadata"] == {"a": 1}
        assert customer["has_account"] is False

    def test_update_moves_updated_at_only_on_change(self, medusa_client, ada):
        before = changed(medusa_client, ada)["updated_at"]

        assert changed(medusa_client, ada, first_name="Ada", metadata={}, password="")["updated_at"] == before
        assert User.objects.get(pk=ada.pk).updated_at == ada.updated_at
        changed(medusa_client, ada, first_name="Augusta")
        assert User.objects.get(pk=ada.pk).updated_at > ada.updated_at

    def test_update_keeps_the_id(self, medusa_client, ada):
        customer = changed(medusa_client, ada, first_name="Augusta", email="other@example.com", phone="+442079460018")

        assert customer["id"] == id_of(ada)

    def test_update_takes_few_queries(self, medusa_client, ada, django_assert_num_queries):
        # Token; transaction, lock, update with event and webhooks, commit; customer with orders and addresses.
        with django_assert_num_queries(6 if connection.vendor == "postgresql" else 8):
            medusa_client.post(url_of(ada), {"first_name": "Augusta"})


class TestEmails:
    def test_update_may_change_the_email_of_a_guest(self, medusa_client, ada):
        assert changed(medusa_client, ada, email="NEW@example.com")["email"] == "new@example.com"

    @pytest.mark.parametrize("email", ["new@example.com", "bob@example.com"])
    def test_update_refuses_to_change_the_email_of_an_account(self, medusa_client, account, email):
        response = medusa_client.post(url_of(account), {"email": email, "first_name": "Eve"})

        assert (response.status_code, response.json()) == (400, invalid(EMAIL_FIXED))
        assert User.objects.get(pk=account.pk).first_name == ""

    def test_update_rejects_a_taken_email(self, medusa_client, ada, account):
        response = medusa_client.post(url_of(ada), {"email": "Bob@Example.com"})

        assert response.status_code == 422
        assert response.json() == {
            "code": "invalid_request_error",
            "type": "duplicate_error",
            "message": "Customer with email, has_account bob@example.com, f already exists.",
        }

    def test_update_may_set_email_and_first_password_together(self, medusa_client, ada):
        customer = changed(medusa_client, ada, email="new@example.com", password=PASSWORD)

        assert (customer["email"], customer["has_account"]) == ("new@example.com", True)


class TestPasswords:
    def test_update_with_password_makes_a_guest_an_account(self, medusa_client, ada):
        assert changed(medusa_client, ada, password=PASSWORD)["has_account"] is True
        assert User.objects.get(pk=ada.pk).check_password(PASSWORD)

    def test_update_replaces_the_password(self, medusa_client, account):
        changed(medusa_client, account, password="another password")

        user = User.objects.get(pk=account.pk)
        assert user.check_password("another password")
        assert not user.check_password(PASSWORD)

    def test_password_change_is_in_the_timeline_without_the_password(self, medusa_client, ada):
        changed(medusa_client, ada, password=PASSWORD)

        event = Event.objects.get(user=ada, kind=Event.Kind.PASSWORD_CHANGED)
        assert event.changes == {}
        assert not Event.objects.filter(user=ada, kind=Event.Kind.CHANGED).exists()


class TestMetadata:
    @pytest.mark.parametrize(
        ("former", "given", "merged"),
        [
            (None, {"a": 1}, {"a": 1}),
            ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
            ({"a": 1}, {"a": {"b": 1}}, {"a": {"b": 1}}),
            ({"a": {"b": 1}}, {"a": {"c": 1}}, {"a": {"c": 1}}),
            ({"a": 1, "b": 2}, {"a": ""}, {"b": 2}),
            ({"a": 1}, {"a": ""}, {}),
            ({"a": 1}, {"b": ""}, {"a": 1}),
            ({"a": 1}, {"a": None}, {"a": None}),
            ({"a": 1}, {}, {"a": 1}),
            (None, {}, None),
            ({"a": 1}, {"a": True}, {"a": True}),
        ],
    )
    def test_update_merges_metadata_by_key(self, medusa_client, former, given, merged):
        user = make_user(metadata=former)

        assert changed(medusa_client, user, metadata=given)["metadata"] == merged

    def test_update_rejects_metadata_that_cannot_be_stored(self, medusa_client, ada):
        response = medusa_client.post(url_of(ada), {"metadata": {"a": 2**70}})

        assert (response.status_code, response.json()["type"]) == (400, "invalid_data")


class TestGroupsOfACustomer:
    def test_update_replaces_groups(self, medusa_client, ada, make_group):
        old, kept, new = make_group("Old", [ada]), make_group("Kept", [ada]), make_group("New")

        changed(medusa_client, ada, groups=[{"id": group_id_of(kept)}, {"id": group_id_of(new)}])

        assert set(ada.customer_groups.all()) == {kept, new}
        assert not old.customers.exists()

    def test_update_with_empty_list_removes_all_groups(self, medusa_client, ada, make_group):
        make_group(members=[ada])

        changed(medusa_client, ada, groups=[])

        assert not ada.customer_groups.exists()

    def test_update_with_unknown_group_is_404(self, medusa_client, ada, make_group):
        known = make_group()

        response = medusa_client.post(
            url_of(ada), {"first_name": "Eve", "groups": [{"id": group_id_of(known)}, {"id": "fake-group-0"}]}
        )

        message = "Customer_group with customer_group_id fake-group-0 does not exist."
        assert (response.status_code, response.json()) == (404, not_found(message))
        assert User.objects.get(pk=ada.pk).first_name == "Ada"
        assert not ada.customer_groups.exists()

    def test_group_changes_are_in_the_timeline(self, medusa_client, ada, make_group):
        make_group("Old", [ada])

        changed(medusa_client, ada, groups=[{"id": group_id_of(make_group("New"))}])

        assert Event.objects.get(user=ada, kind=Event.Kind.CHANGED).changes == {"groups": [["Old"], ["New"]]}
