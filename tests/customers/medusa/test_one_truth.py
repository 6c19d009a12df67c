"""What one API writes the other shows, under the same rules."""

import pytest

from customers.models import Event, User
from tests.customers.medusa.conftest import CUSTOMERS, NEW, PASSWORD, id_of, url_of
from tests.support.clients import USERS, address_url, addresses_url, user_url
from tests.support.factories import address, make_user

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


def medusa(client, user, **query) -> dict:
    return client.get(url_of(user), query).json()["customer"]


def next_commerce(client, user) -> dict:
    return client.get(user_url(user)).json()


class TestAFieldOfACustomer:
    @pytest.mark.parametrize(("name", "ours", "sent", "shown"), FIELDS)
    def test_written_by_medusa_is_shown_by_both(self, client, ada, name, ours, sent, shown):
        assert client.post(url_of(ada), {name: sent}).status_code == 200

        assert medusa(client, ada)[name] == shown
        assert next_commerce(client, ada)[ours] == shown

    @pytest.mark.parametrize(("name", "ours", "sent", "shown"), FIELDS)
    def test_written_by_the_admin_api_is_shown_by_both(self, client, ada, name, ours, sent, shown):
        assert client.patch(user_url(ada), {ours: sent}).status_code == 200

        assert medusa(client, ada)[name] == shown
        assert next_commerce(client, ada)[ours] == shown

    @pytest.mark.parametrize(("name", "ours", "sent", "shown"), FIELDS)
    def test_leaves_the_same_event_by_either(self, client, name, ours, sent, shown):
        first, second = (
            make_user(addresses=[address()], first_name="X"),
            make_user(addresses=[address()], first_name="X"),
        )

        client.post(url_of(first), {name: sent})
        client.patch(user_url(second), {ours: sent if ours != "email" else f"2{sent}"})

        events = [list(user.events.values_list("kind", "changes")) for user in (first, second)]
        if ours != "email":
            assert events[0] == events[1]
        assert [kind for kind, _ in events[0]] == [kind for kind, _ in events[1]]

    def test_of_a_new_one_is_shown_by_both(self, client):
        body = {**NEW, "phone": "+442079460018", "metadata": {"a": 1}}

        made = client.post(CUSTOMERS, body).json()["customer"]

        shown = next_commerce(client, User.objects.get(email=NEW["email"]))
        for name, ours in (("email", "email"), ("first_name", "first_name"), ("last_name", "last_name"),
                           ("phone", "phone_number"), ("metadata", "metadata")):  # fmt: skip
            assert shown[ours] == made[name] == body[name]

    def test_of_a_new_one_of_the_admin_api_is_shown_by_both(self, client):
        body = {"email": "ada@example.com", "first_name": "Ada", "last_name": "King", "phone_number": "+442079460018",
                "metadata": {"a": 1}}  # fmt: skip

        made = client.post(USERS, body).json()

        customer = medusa(client, User.objects.get(pk=made["id"]))
        assert (customer["email"], customer["first_name"], customer["last_name"], customer["phone"]) == (
            "ada@example.com", "Ada", "King", "+442079460018",
        )  # fmt: skip
        assert (customer["metadata"], customer["has_account"]) == ({"a": 1}, False)

    def test_that_is_null_here_is_empty_there(self, client, ada):
        client.post(url_of(ada), {"first_name": None, "last_name": None})

        assert medusa(client, ada)["first_name"] is None
        for shown in (next_commerce(client, ada), client.get(USERS).json()["results"][0]):
            assert (shown["first_name"], shown["last_name"]) == ("", "")
        assert client.get(USERS, {"name": "ada"}).json()["results"] == []

    def test_keeps_its_case_in_an_email_of_the_admin_api(self, client):
        user = make_user(email="Ada@Example.com")

        assert medusa(client, user)["email"] == "Ada@Example.com"

    def test_moves_the_same_updated_at(self, client, ada):
        client.patch(user_url(ada), {"first_name": "Augusta"})

        assert User.objects.get(pk=ada.pk).updated_at > ada.updated_at
        assert medusa(client, ada)["updated_at"] > medusa(client, ada)["created_at"]


class TestAnAddress:
    @pytest.mark.parametrize(("name", "ours", "value"), LINES)
    def test_of_the_admin_api_is_shown_by_medusa(self, client, ada, name, ours, value):
        book = ada.addresses.get()

        client.put(address_url(book), {**address(), ours: value})

        (shown,) = medusa(client, ada)["shipping_addresses"]
        assert shown[name] == value
        assert shown["updated_at"] > shown["created_at"]

    def test_that_is_put_as_it_was_is_not_updated(self, client, ada):
        book = ada.addresses.get()
        before = medusa(client, ada)

        client.put(address_url(book), address())

        assert medusa(client, ada) == before

    def test_added_and_deleted_is_followed(self, client, ada):
        added = client.post(addresses_url(ada), address(line1="2", is_default_for_billing=True)).json()
        customer = medusa(client, ada)
        assert [each["address_1"] for each in customer["shipping_addresses"]] == ["12 St James's Square", "2"]
        assert customer["billing_address_id"] == customer["shipping_addresses"][1]["id"]

        client.delete(f"{addresses_url(ada)}{added['id']}/")

        customer = medusa(client, ada)
        assert len(customer["shipping_addresses"]) == 1
        assert customer["billing_address_id"] is None


class TestTheSameRules:
    @pytest.mark.parametrize("number", ["12", "+1", "not a number", "+44 20", "9" * 200])
    def test_refuse_a_phone_number_by_either(self, client, ada, number):
        here, there = client.post(url_of(ada), {"phone": number}), client.patch(user_url(ada), {"phone_number": number})

        assert (here.status_code, there.status_code) == (400, 400)
        (message,) = there.json()["phone_number"]
        assert here.json() == {"type": "invalid_data", "message": f"phone: {message}"}

    @pytest.mark.parametrize("email", ["x", "a@b", "a b@example.com", "@example.com", "a@example", "ä@"])
    def test_refuse_an_email_by_either(self, client, ada, email):
        here, there = client.post(url_of(ada), {"email": email}), client.patch(user_url(ada), {"email": email})

        assert (here.status_code, there.status_code) == (400, 400)
        assert here.json() == {"type": "invalid_data", "message": "email must be an email"}

    def test_refuse_a_taken_email_by_either(self, client, ada):
        make_user(email="taken@example.com")

        here, there = (
            client.post(url_of(ada), {"email": "TAKEN@example.com"}),
            client.patch(user_url(ada), {"email": "TAKEN@example.com"}),
        )

        assert (here.status_code, there.status_code) == (422, 400)
        assert here.json()["type"] == "duplicate_error"
        assert list(there.json()) == ["email"]

    def test_refuse_metadata_that_can_not_be_kept_by_either(self, client, ada):
        deep = {"a": 1}
        for _ in range(40):
            deep = {"a": deep}

        assert client.post(url_of(ada), {"metadata": deep}).status_code == 400
        assert client.patch(user_url(ada), {"metadata": deep}).status_code == 400

    def test_hold_for_the_password_and_the_dashboard(self, client, ada):
        client.post(url_of(ada), {"password": PASSWORD})

        assert "password" not in next_commerce(client, ada)
        assert Event.objects.filter(user=ada, kind="password_changed").count() == 1


def test_what_the_admin_api_lists_medusa_lists_but_for_staff(client, owner, ada, account):
    there = [user["id"] for user in client.get(USERS).json()["results"] if user["user_type"] != "dashboard"]
    here = [customer["id"] for customer in client.get(CUSTOMERS).json()["customers"]]

    assert here == [id_of(User.objects.get(pk=id)) for id in there]
