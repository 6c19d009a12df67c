"""What one API writes the other shows, under the same rules."""

import pytest

from customers.models import Event, User
from tests.support.clients import USERS, address_url, addresses_url, user_url
from tests.support.factories import address, make_user
from tests.support.medusa import CUSTOMERS, NEW, PASSWORD, id_of, url_of

# Of what both have: a Medusa name, ours, what is sent, and what is shown then.
FIELDS = [
    ("email", "email", "new@example.com", "new@example.com"),
    ("first_name", "first_name", "Gráinne", "Gráinne"),
    ("last_name", "last_name", "O'Malley", "O'Malley"),
    ("first_name", "first_name", "", ""),
    ("first_name", "first_name", "Jo 👋  Ann", "Jo Ann"),
    ("phone", "phone_number", "+44 20 7946 0018", "+442079460018"),
    ("phone", "phone_number", "020 7946 0018", "+442079460018"),
    ("phone", "phone_number", "", ""),
    ("phone", "phone_number", None, None),
    ("metadata", "metadata", {"a": {"b": [1, None, "é"]}}, {"a": {"b": [1, None, "é"]}}),
]
# Of an address.
LINES = [
    ("first_name", "first_name", "Ada"),
    ("last_name", "last_name", "King"),
    ("address_1", "line1", "1 High St"),
    ("city", "line4", "Leeds"),
    ("province", "state", "Yorkshire"),
    ("postal_code", "postcode", "LS1 1AA"),
    ("phone", "phone_number", "+441134960000"),
]


def medusa(medusa_client, user, **query) -> dict:
    return medusa_client.get(url_of(user), query).json()["customer"]


def next_commerce(medusa_client, user) -> dict:
    return medusa_client.get(user_url(user)).json()


class TestAFieldOfACustomer:
    @pytest.mark.parametrize(("name", "ours", "sent", "shown"), FIELDS)
    def test_field_written_by_medusa_is_shown_by_both(self, medusa_client, ada, name, ours, sent, shown):
        assert medusa_client.post(url_of(ada), {name: sent}).status_code == 200

        assert medusa(medusa_client, ada)[name] == shown
        assert next_commerce(medusa_client, ada)[ours] == shown

    @pytest.mark.parametrize(("name", "ours", "sent", "shown"), FIELDS)
    def test_field_written_by_the_admin_api_is_shown_by_both(self, medusa_client, ada, name, ours, sent, shown):
        assert medusa_client.patch(user_url(ada), {ours: sent}).status_code == 200

        assert medusa(medusa_client, ada)[name] == shown
        assert next_commerce(medusa_client, ada)[ours] == shown

    @pytest.mark.parametrize(("name", "ours", "sent", "shown"), FIELDS)
    def test_field_change_leaves_the_same_event_by_either_api(self, medusa_client, name, ours, sent, shown):
        first, second = (
            make_user(addresses=[address()], first_name="X"),
            make_user(addresses=[address()], first_name="X"),
        )

        medusa_client.post(url_of(first), {name: sent})
        medusa_client.patch(user_url(second), {ours: sent if ours != "email" else f"2{sent}"})

        events = [list(user.events.values_list("kind", "changes")) for user in (first, second)]
        if ours != "email":
            assert events[0] == events[1]
        assert [kind for kind, _ in events[0]] == [kind for kind, _ in events[1]]

    def test_customer_created_by_medusa_is_shown_by_both(self, medusa_client):
        body = {**NEW, "phone": "+442079460018", "metadata": {"a": 1}}

        made = medusa_client.post(CUSTOMERS, body).json()["customer"]

        shown = next_commerce(medusa_client, User.objects.get(email=NEW["email"]))
        for name, ours in (("email", "email"), ("first_name", "first_name"), ("last_name", "last_name"),
                           ("phone", "phone_number"), ("metadata", "metadata")):  # fmt: skip
            assert shown[ours] == made[name] == body[name]

    def test_customer_created_by_the_admin_api_is_shown_by_both(self, medusa_client):
        body = {"email": "ada@example.com", "first_name": "Ada", "last_name": "King", "phone_number": "+442079460018",
                "metadata": {"a": 1}}  # fmt: skip

        made = medusa_client.post(USERS, body).json()

        customer = medusa(medusa_client, User.objects.get(pk=made["id"]))
        assert (customer["email"], customer["first_name"], customer["last_name"], customer["phone"]) == (
            "ada@example.com", "Ada", "King", "+442079460018",
        )  # fmt: skip
        assert (customer["metadata"], customer["has_account"]) == ({"a": 1}, False)

    def test_null_names_of_medusa_are_empty_in_the_admin_api(self, medusa_client, ada):
        medusa_client.post(url_of(ada), {"first_name": None, "last_name": None})

        assert medusa(medusa_client, ada)["first_name"] is None
        for shown in (next_commerce(medusa_client, ada), medusa_client.get(USERS).json()["results"][0]):
            assert (shown["first_name"], shown["last_name"]) == ("", "")
        assert medusa_client.get(USERS, {"name": "ada"}).json()["results"] == []

    def test_email_of_the_admin_api_keeps_its_case(self, medusa_client):
        user = make_user(email="Ada@Example.com")

        assert medusa(medusa_client, user)["email"] == "Ada@Example.com"

    def test_updated_at_is_the_same_in_both(self, medusa_client, ada):
        medusa_client.patch(user_url(ada), {"first_name": "Augusta"})

        assert User.objects.get(pk=ada.pk).updated_at > ada.updated_at
        assert medusa(medusa_client, ada)["updated_at"] > medusa(medusa_client, ada)["created_at"]


class TestAnAddress:
    @pytest.mark.parametrize(("name", "ours", "value"), LINES)
    def test_address_of_the_admin_api_is_shown_by_medusa(self, medusa_client, ada, name, ours, value):
        book = ada.addresses.get()

        medusa_client.put(address_url(book), {**address(), ours: value})

        (shown,) = medusa(medusa_client, ada)["shipping_addresses"]
        assert shown[name] == value
        assert shown["updated_at"] > shown["created_at"]

    def test_address_put_unchanged_is_not_updated(self, medusa_client, ada):
        book = ada.addresses.get()
        before = medusa(medusa_client, ada)

        medusa_client.put(address_url(book), address())

        assert medusa(medusa_client, ada) == before

    def test_address_added_and_deleted_is_shown_by_medusa(self, medusa_client, ada):
        added = medusa_client.post(addresses_url(ada), address(line1="2", is_default_for_billing=True)).json()
        customer = medusa(medusa_client, ada)
        assert [each["address_1"] for each in customer["shipping_addresses"]] == ["12 St James's Square", "2"]
        assert customer["billing_address_id"] == customer["shipping_addresses"][1]["id"]

        medusa_client.delete(f"{addresses_url(ada)}{added['id']}/")

        customer = medusa(medusa_client, ada)
        (remaining,) = customer["shipping_addresses"]
        assert customer["billing_address_id"] == remaining["id"]


class TestTheSameRules:
    @pytest.mark.parametrize("number", ["12", "+1", "not a number", "+44 20", "9" * 200])
    def test_both_reject_the_same_phone_numbers(self, medusa_client, ada, number):
        here, there = (
            medusa_client.post(url_of(ada), {"phone": number}),
            medusa_client.patch(user_url(ada), {"phone_number": number}),
        )

        assert (here.status_code, there.status_code) == (400, 400)
        (message,) = there.json()["phone_number"]
        assert here.json() == {"type": "invalid_data", "message": f"phone: {message}"}

    @pytest.mark.parametrize("email", ["x", "a@b", "a b@example.com", "@example.com", "a@example", "ä@"])
    def test_both_reject_the_same_emails(self, medusa_client, ada, email):
        here, there = (
            medusa_client.post(url_of(ada), {"email": email}),
            medusa_client.patch(user_url(ada), {"email": email}),
        )

        assert (here.status_code, there.status_code) == (400, 400)
        assert here.json() == {"type": "invalid_data", "message": "email must be an email"}

    def test_both_reject_a_taken_email(self, medusa_client, ada):
        make_user(email="taken@example.com")

        here, there = (
            medusa_client.post(url_of(ada), {"email": "TAKEN@example.com"}),
            medusa_client.patch(user_url(ada), {"email": "TAKEN@example.com"}),
        )

        assert (here.status_code, there.status_code) == (422, 400)
        assert here.json()["type"] == "duplicate_error"
        assert list(there.json()) == ["email"]

    def test_both_reject_metadata_that_cannot_be_stored(self, medusa_client, ada):
        deep = {"a": 1}
        for _ in range(40):
            deep = {"a": deep}

        assert medusa_client.post(url_of(ada), {"metadata": deep}).status_code == 400
        assert medusa_client.patch(user_url(ada), {"metadata": deep}).status_code == 400

    def test_password_rules_hold_for_medusa_and_the_dashboard(self, medusa_client, ada):
        medusa_client.post(url_of(ada), {"password": PASSWORD})

        assert "password" not in next_commerce(medusa_client, ada)
        assert Event.objects.filter(user=ada, kind="password_changed").count() == 1


def test_medusa_lists_what_the_admin_api_lists_without_staff(medusa_client, owner, ada, account):
    there = [user["id"] for user in medusa_client.get(USERS).json()["results"] if user["user_type"] != "dashboard"]
    here = [customer["id"] for customer in medusa_client.get(CUSTOMERS).json()["customers"]]

    assert here == [id_of(User.objects.get(pk=id)) for id in there]
