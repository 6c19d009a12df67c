"""POST /admin/customers/:id."""

import pytest

from customers.models import Event, User
from tests.customers.medusa.conftest import CUSTOMERS, PASSWORD, group_id_of, id_of, invalid, not_found, url_of
from tests.support.factories import make_user

EMAIL_FIXED = "Email cannot be changed when the user has registered their account"


def changed(client, user, **body) -> dict:
    response = client.post(url_of(user), body)
    assert response.status_code == 200, response.content
    return response.json()["customer"]


class TestUpdateCustomer:
    def test_refuses_a_stranger(self, anonymous, ada):
        response = anonymous.post(url_of(ada), {"first_name": "Eve"})

        assert (response.status_code, response.content) == (401, b"Unauthorized")

    def test_refuses_a_token_without_the_write_scope(self, reader, ada):
        response = reader.post(url_of(ada), {"first_name": "Eve"})

        assert (response.status_code, response.json()["type"]) == (403, "not_allowed")
        assert User.objects.get(pk=ada.pk).first_name == "Ada"

    def test_finds_nobody_by_another_id(self, client):
        response = client.post(f"{CUSTOMERS}/cus_nope", {"first_name": "Eve"})

        assert (response.status_code, response.json()) == (404, not_found("Customer with id: cus_nope was not found"))

    def test_finds_no_staff(self, client, owner):
        assert client.post(url_of(owner), {"first_name": "Eve"}).status_code == 404

    def test_validates_the_body_before_it_looks_for_the_customer(self, client):
        for body, message in (
            ({"foo": 1}, "property foo should not exist"),
            ({"email": None}, "email must be an email"),
        ):
            response = client.post(f"{CUSTOMERS}/cus_nope", body)

            assert (response.status_code, response.json()) == (400, invalid(message))

    def test_answers_the_customer_with_every_field_changed(self, client, ada):
        body = {
            "email": "Countess@Lovelace.example", "first_name": "Augusta", "last_name": "King",
            "phone": "020 7946 0018", "metadata": {"a": 1},
        }  # fmt: skip

        customer = changed(client, ada, **body)

        assert customer == client.get(url_of(ada)).json()["customer"]
        assert (customer["email"], customer["first_name"], customer["last_name"], customer["phone"]) == (
            "countess@lovelace.example", "Augusta", "King", "+442079460018",
        )  # fmt: skip
        assert customer["metadata"] == {"a": 1}
        assert list(customer)[11:] == ["orders", "shipping_addresses"]

    def test_embeds_what_expand_names(self, client, ada):
        customer = client.post(f"{url_of(ada)}?expand=groups", {"first_name": "Eve"}).json()["customer"]

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
    def test_refuses_another_body(self, client, ada, body, message):
        response = client.post(url_of(ada), body)

        assert (response.status_code, response.json()) == (400, invalid(message))

    def test_stores_null_for_names_and_phone(self, client, ada):
        customer = changed(client, ada, first_name=None, last_name=None, phone=None)

        assert (customer["first_name"], customer["last_name"], customer["phone"]) == (None, None, None)

    def test_leaves_alone_what_is_null_otherwise(self, client, ada):
        changed(client, ada, metadata={"a": 1})

        customer = changed(client, ada, password=None, groups=None, metadata=None)

        assert customer["metadata"] == {"a": 1}
        assert customer["has_account"] is False

    def test_moves_updated_at_only_when_something_changed(self, client, ada):
        before = changed(client, ada)["updated_at"]

        assert changed(client, ada, first_name="Ada", metadata={}, password="")["updated_at"] == before
        assert User.objects.get(pk=ada.pk).updated_at == ada.updated_at
        changed(client, ada, first_name="Augusta")
        assert User.objects.get(pk=ada.pk).updated_at > ada.updated_at

    def test_keeps_the_id(self, client, ada):
        customer = changed(client, ada, first_name="Augusta", email="other@example.com", phone="+442079460018")

        assert customer["id"] == id_of(ada)

    def test_takes_few_queries(self, client, ada, django_assert_num_queries):
        # Token, customer; transaction, lock, savepoint, update, release, event, webhooks, commit; customer, orders,
        # addresses.
        with django_assert_num_queries(13):
            client.post(url_of(ada), {"first_name": "Augusta"})


class TestEmails:
    def test_of_a_guest_may_change(self, client, ada):
        assert changed(client, ada, email="NEW@example.com")["email"] == "new@example.com"

    @pytest.mark.parametrize("email", ["new@example.com", "bob@example.com"])
    def test_of_an_account_are_fixed(self, client, account, email):
        response = client.post(url_of(account), {"email": email, "first_name": "Eve"})

        assert (response.status_code, response.json()) == (400, invalid(EMAIL_FIXED))
        assert User.objects.get(pk=account.pk).first_name == ""

    def test_that_somebody_has_are_told(self, client, ada, account):
        response = client.post(url_of(ada), {"email": "Bob@Example.com"})

        assert response.status_code == 422
        assert response.json() == {
            "code": "invalid_request_error",
            "type": "duplicate_error",
            "message": "Customer with email, has_account bob@example.com, f already exists.",
        }

    def test_may_change_with_the_password_that_makes_the_account(self, client, ada):
        customer = changed(client, ada, email="new@example.com", password=PASSWORD)

        assert (customer["email"], customer["has_account"]) == ("new@example.com", True)


class TestPasswords:
    def test_make_an_account_of_a_guest(self, client, ada):
        assert changed(client, ada, password=PASSWORD)["has_account"] is True
        assert User.objects.get(pk=ada.pk).check_password(PASSWORD)

    def test_replace_a_former_one(self, client, account):
        changed(client, account, password="another password")

        user = User.objects.get(pk=account.pk)
        assert user.check_password("another password")
        assert not user.check_password(PASSWORD)

    def test_are_in_the_timeline_as_a_fact_alone(self, client, ada):
        changed(client, ada, password=PASSWORD)

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
    def test_is_merged_key_by_key(self, client, former, given, merged):
        user = make_user(metadata=former)

        assert changed(client, user, metadata=given)["metadata"] == merged

    def test_with_what_can_not_be_kept_is_refused(self, client, ada):
        response = client.post(url_of(ada), {"metadata": {"a": 2**70}})

        assert (response.status_code, response.json()["type"]) == (400, "invalid_data")


class TestGroupsOfACustomer:
    def test_are_replaced(self, client, ada, make_group):
        old, kept, new = make_group("Old", [ada]), make_group("Kept", [ada]), make_group("New")

        changed(client, ada, groups=[{"id": group_id_of(kept)}, {"id": group_id_of(new)}])

        assert set(ada.customer_groups.all()) == {kept, new}
        assert not old.customers.exists()

    def test_are_taken_away_by_an_empty_list(self, client, ada, make_group):
        make_group(members=[ada])

        changed(client, ada, groups=[])

        assert not ada.customer_groups.exists()

    def test_that_are_unknown_are_not_found(self, client, ada, make_group):
        known = make_group()

        response = client.post(
            url_of(ada), {"first_name": "Eve", "groups": [{"id": group_id_of(known)}, {"id": "fake-group-0"}]}
        )

        message = "Customer_group with customer_group_id fake-group-0 does not exist."
        assert (response.status_code, response.json()) == (404, not_found(message))
        assert User.objects.get(pk=ada.pk).first_name == "Ada"
        assert not ada.customer_groups.exists()

    def test_are_in_the_timeline(self, client, ada, make_group):
        make_group("Old", [ada])

        changed(client, ada, groups=[{"id": group_id_of(make_group("New"))}])

        assert Event.objects.get(user=ada, kind=Event.Kind.CHANGED).changes == {"groups": [["Old"], ["New"]]}
