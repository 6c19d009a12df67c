import pytest

from customers.models import Address
from tests.support.clients import USERS, address_url, addresses_url, user_url
from tests.support.factories import address, make_address, make_user

EVERY_FIELD = {
    "is_default_for_shipping": True,
    "is_default_for_billing": True,
    "first_name": "Augusta",
    "last_name": "Byron",
    "line1": "1 Rue de la Paix",
    "line2": "Bâtiment B",
    "line3": "Étage 3",
    "line4": "Paris",
    "state": "Île-de-France",
    "postcode": "75002",
    "phone_number": "+33123456789",
    "notes": "Code 1234\nSecond floor",
    "country": "FR",
}
WRONG_VALUES = [
    ("line1", None), ("line1", ""), ("line1", "🏠"), ("line1", "x" * 256), ("line4", " "), ("line2", "x" * 256),
    ("postcode", "x" * 65),
    ("country", ""), ("country", "XX"), ("country", "FRA"), ("country", "France"), ("country", None), ("phone_number",
    "garbage"),
    ("phone_number", "1" * 129), ("is_default_for_billing", "maybe"), ("state", None), ("first_name", ["x"]),
]  # fmt: skip


class TestListAddresses:
    def test_list_addresses_newest_first(self, admin_client, ada, ada_address):
        second = make_address(ada, line1="second")
        make_user(addresses=[address()])

        page = admin_client.get(addresses_url(ada)).json()

        assert set(page) == {"next", "previous", "results"}
        assert [each["id"] for each in page["results"]] == [second.pk, ada_address.pk]
        assert page["results"][1] == admin_client.get(user_url(ada)).json()["addresses"][0]

    def test_list_addresses_pages_forwards_and_backwards(self, admin_client, ada):
        for number in range(4):
            make_address(ada, line1=str(number))

        first = admin_client.get(addresses_url(ada), {"page_size": 2}).json()
        second = admin_client.get(first["next"]).json()
        third = admin_client.get(second["next"]).json()

        assert [len(page["results"]) for page in (first, second, third)] == [2, 2, 1]
        assert third["next"] is None
        assert admin_client.get(third["previous"]).json()["results"] == second["results"]
        assert admin_client.get(second["previous"]).json()["results"] == first["results"]

    def test_list_addresses_of_a_user_without_addresses_is_empty(self, admin_client):
        assert admin_client.get(addresses_url(make_user())).json() == {"next": None, "previous": None, "results": []}

    def test_list_addresses_takes_two_queries(self, admin_client, ada, django_assert_num_queries):
        with django_assert_num_queries(2):  # token, addresses
            admin_client.get(addresses_url(ada))


class TestCreateAddress:
    def test_create_address_returns_201_with_all_fields(self, admin_client, ada):
        response = admin_client.post(addresses_url(ada), EVERY_FIELD)

        assert response.status_code == 201
        answer = response.json()
        assert {name: answer[name] for name in EVERY_FIELD} == EVERY_FIELD
        assert set(answer) == {"id", *EVERY_FIELD}
        assert admin_client.get(f"{addresses_url(ada)}{answer['id']}/").content == response.content

    def test_create_first_address_sets_both_defaults(self, admin_client):
        user = make_user()

        answer = admin_client.post(addresses_url(user), address(is_default_for_billing=False)).json()

        assert (answer["is_default_for_shipping"], answer["is_default_for_billing"]) == (True, True)

    def test_create_first_address_fills_empty_name_and_phone_of_the_user(self, admin_client):
        user = make_user(last_name="Kept")

        admin_client.post(addresses_url(user), address(first_name="Ada", last_name="No", phone_number="020 7946 0958"))
        admin_client.post(addresses_url(user), address(first_name="Later"))

        user.refresh_from_db()
        assert (user.first_name, user.last_name, user.phone_number) == ("Ada", "Kept", "+442079460958")

    @pytest.mark.parametrize("flag", ["is_default_for_shipping", "is_default_for_billing"])
    def test_create_default_address_unsets_the_former_default(self, admin_client, ada, ada_address, flag):
        later = admin_client.post(addresses_url(ada), address(**{flag: True})).json()

        assert [each.pk for each in Address.objects.filter(user=ada, **{flag: True})] == [later["id"]]
        other = {"is_default_for_shipping", "is_default_for_billing"} - {flag}
        assert later[other.pop()] is False

    def test_create_default_address_keeps_defaults_of_other_users(self, admin_client, ada, ada_address):
        admin_client.post(addresses_url(make_user()), address(is_default_for_shipping=True))

        ada_address.refresh_from_db()
        assert ada_address.is_default_for_shipping

    def test_create_address_without_flags_keeps_the_default(self, admin_client, ada, ada_address):
        admin_client.post(addresses_url(ada), address())

        ada_address.refresh_from_db()
        assert ada_address.is_default_for_shipping
        assert ada_address.is_default_for_billing

    def test_create_address_parses_local_phone_in_its_country(self, admin_client, ada):
        answer = admin_client.post(addresses_url(ada), address(country="FR", phone_number="01 23 45 67 89")).json()

        assert answer["phone_number"] == "+33123456789"

    def test_create_address_accepts_country_in_lower_case(self, admin_client, ada):
        assert admin_client.post(addresses_url(ada), address(country="fr")).json()["country"] == "FR"

    def test_create_address_strips_emoji_and_keeps_line_breaks(self, admin_client, ada):
        body = address(line1="1 High Street 🏠", notes="Ring 🔔 twice\nthen wait")

        answer = admin_client.post(addresses_url(ada), body).json()

        assert (answer["line1"], answer["notes"]) == ("1 High Street", "Ring twice\nthen wait")

    def test_create_address_rejects_invalid_value_of_a_field(self, admin_client, ada):
        for field, value in WRONG_VALUES:
            response = admin_client.post(addresses_url(ada), address(**{field: value}))

            assert response.status_code == 400, (field, value)
            assert list(response.json()) == [field], (field, value)
            assert ada.addresses.count() == 1, (field, value)

    def test_create_address_rejects_missing_required_field(self, admin_client, ada):
        for field in ["line1", "line4", "country"]:
            fields = address()
            del fields[field]

            assert admin_client.post(addresses_url(ada), fields).json() == {field: ["This field is required."]}, field

    def test_create_address_takes_few_queries(self, admin_client, ada, django_assert_num_queries):
        admin_client.post(addresses_url(ada), address())

        # Token, lock, is it the first, insert, webhooks, within a savepoint; a default takes two updates more.
        with django_assert_num_queries(8):
            admin_client.post(addresses_url(ada), address())
        with django_assert_num_queries(10):
            admin_client.post(addresses_url(ada), address(is_default_for_shipping=True, is_default_for_billing=True))


class TestRetrieveAddress:
    def test_retrieve_address_returns_all_fields(self, admin_client, ada_address):
        response = admin_client.get(address_url(ada_address))

        assert response.status_code == 200
        assert response.json()["line1"] == ada_address.line1

    def test_retrieve_address_of_another_user_is_404(self, admin_client, ada_address):
        assert admin_client.get(address_url(ada_address, make_user())).status_code == 404

    def test_retrieve_address_takes_two_queries(self, admin_client, ada_address, django_assert_num_queries):
        with django_assert_num_queries(2):  # token, address
            admin_client.get(address_url(ada_address))


class TestUpdateAddress:
    def test_update_address_changes_all_fields(self, admin_client, ada_address):
        response = admin_client.put(address_url(ada_address), EVERY_FIELD)

        assert response.status_code == 200
        assert response.json() == {"id": ada_address.pk, **EVERY_FIELD}
        assert admin_client.get(address_url(ada_address)).content == response.content

    def test_update_address_to_default_unsets_the_former_default(self, admin_client, ada, ada_address):
        second = make_address(ada)

        admin_client.put(address_url(second), address(is_default_for_billing=True))

        ada_address.refresh_from_db()
        second.refresh_from_db()
        assert (ada_address.is_default_for_billing, second.is_default_for_billing) == (False, True)
        assert (ada_address.is_default_for_shipping, second.is_default_for_shipping) == (True, False)

    def test_update_address_keeps_omitted_fields(self, admin_client, ada_address):
        admin_client.put(address_url(ada_address), EVERY_FIELD)

        answer = admin_client.put(address_url(ada_address), address(line1="Elsewhere", country="FR")).json()

        assert answer == {**EVERY_FIELD, "id": ada_address.pk, "line1": "Elsewhere", "line4": "London"}

    def test_update_address_of_another_user_is_404(self, admin_client, ada_address):
        assert admin_client.put(address_url(ada_address, make_user()), EVERY_FIELD).status_code == 404
        ada_address.refresh_from_db()
        assert ada_address.line1 == "12 St James's Square"

    def test_update_address_rejects_invalid_value_of_a_field(self, admin_client, ada_address):
        for field, value in WRONG_VALUES:
            response = admin_client.put(address_url(ada_address), address(**{"line2": "Changed", field: value}))

            assert response.status_code == 400, (field, value)
            assert list(response.json()) == [field], (field, value)
            ada_address.refresh_from_db()
            assert ada_address.line2 == "", (field, value)

    def test_update_address_takes_few_queries(self, admin_client, ada_address, django_assert_num_queries):
        admin_client.put(address_url(ada_address), EVERY_FIELD)

        # Token, lock, address, two flags, update, event, webhooks and the address again, within a savepoint.
        with django_assert_num_queries(11):
            admin_client.put(address_url(ada_address), {**EVERY_FIELD, "notes": "Ring twice."})


class TestPhoneOfTheCustomer:
    def test_empty_phone_is_filled_from_an_address_that_is_added_or_changed(self, admin_client):
        def phone(user):
            return admin_client.get(user_url(user)).json()["phone_number"]

        for position in range(2):
            nested = [address(), address()]
            nested[position]["phone_number"] = "020 7946 0018"
            created = admin_client.post(USERS, {"email": f"{position}@example.com", "addresses": nested}).json()
            assert created["phone_number"] == "+442079460018"
        user = make_user(addresses=[address()])
        added = admin_client.post(addresses_url(user), address(line1="2")).json()
        assert phone(user) is None
        admin_client.put(f"{addresses_url(user)}{added['id']}/", address(phone_number="020 7946 0018"))
        assert phone(user) == "+442079460018"
        admin_client.post(addresses_url(user), address(phone_number="020 7946 0999"))
        assert phone(user) == "+442079460018"


class TestDeleteAddress:
    def test_delete_address_returns_204_without_a_body(self, admin_client, ada, ada_address):
        response = admin_client.delete(address_url(ada_address))

        assert response.status_code == 204
        assert response.content == b""
        assert not ada.addresses.exists()
        assert admin_client.delete(address_url(ada_address)).status_code == 404

    def test_delete_address_of_another_user_is_404(self, admin_client, ada, ada_address):
        assert admin_client.delete(address_url(ada_address, make_user())).status_code == 404
        assert ada.addresses.exists()

    def test_delete_last_address_makes_the_next_one_both_defaults(self, admin_client, ada, ada_address):
        admin_client.delete(address_url(ada_address))

        answer = admin_client.post(addresses_url(ada), address()).json()

        assert answer["is_default_for_shipping"] is True

    def test_delete_default_address_makes_the_newest_of_the_others_the_default(self, admin_client, ada, ada_address):
        added = [address(line1="second"), address(line1="third", is_default_for_billing=True), address(line1="fourth")]
        for each in added:
            admin_client.post(addresses_url(ada), each)
        second, third, fourth = ada.addresses.exclude(pk=ada_address.pk).order_by("pk")

        def defaults():
            return [ada.addresses.get(is_default_for_shipping=True), ada.addresses.get(is_default_for_billing=True)]

        admin_client.delete(address_url(ada_address))
        assert defaults() == [fourth, third]
        admin_client.delete(address_url(third))
        assert defaults() == [fourth, fourth]
        admin_client.delete(address_url(second))
        assert defaults() == [fourth, fourth]
        changed = ada.events.filter(kind="address_changed").order_by("pk")
        assert [event.changes for event in changed] == [
            {"is_default_for_shipping": [False, True]},
            {"is_default_for_billing": [False, True]},
        ]

    def test_delete_address_takes_few_queries(self, admin_client, ada_address, django_assert_num_queries):
        # Token, lock, address, delete, the newest of the others, event and webhooks, within a savepoint.
        with django_assert_num_queries(9):
            admin_client.delete(address_url(ada_address))
