import pytest

from tests.support.clients import USERS, user_url
from tests.support.factories import address


class TestNestedAddresses:
    def test_first_nested_address_becomes_both_defaults(self, admin_client):
        body = {"email": "ada@example.com", "addresses": [address(line1="first"), address(line1="second")]}

        first, second = admin_client.post(USERS, body).json()["addresses"]

        assert (first["line1"], first["is_default_for_shipping"], first["is_default_for_billing"]) == (
            "first",
            True,
            True,
        )
        assert (second["is_default_for_shipping"], second["is_default_for_billing"]) == (False, False)

    def test_last_nested_address_marked_as_default_wins(self, admin_client):
        asked = [
            address(is_default_for_billing=True),
            address(is_default_for_shipping=True),
            address(is_default_for_shipping=True, is_default_for_billing=False),
        ]

        book = admin_client.post(USERS, {"email": "ada@example.com", "addresses": asked}).json()["addresses"]

        assert [each["is_default_for_shipping"] for each in book] == [False, False, True]
        assert [each["is_default_for_billing"] for each in book] == [True, False, False]

    def test_nested_addresses_keep_their_order(self, admin_client):
        asked = [address(line1=str(number)) for number in range(30)]

        created = admin_client.post(USERS, {"email": "ada@example.com", "addresses": asked}).json()

        assert [each["line1"] for each in created["addresses"]] == [str(number) for number in range(30)]
        assert admin_client.get(user_url(created["id"])).json()["addresses"] == created["addresses"]

    def test_first_nested_address_fills_empty_name_and_phone(self, admin_client):
        first = address(first_name="Ada", last_name="Lovelace", phone_number="020 7946 0958")

        answer = admin_client.post(
            USERS, {"email": "a@example.com", "addresses": [first, address(first_name="No")]}
        ).json()

        assert (answer["first_name"], answer["last_name"], answer["phone_number"]) == (
            "Ada",
            "Lovelace",
            "+442079460958",
        )

    def test_nested_address_keeps_given_name_and_phone(self, admin_client):
        body = {"email": "a@example.com", "first_name": "Augusta", "last_name": "Byron", "phone_number": "+12125552368"}
        first = address(first_name="Ada", last_name="Lovelace", phone_number="020 7946 0958")

        answer = admin_client.post(USERS, {**body, "addresses": [first]}).json()

        assert {name: answer[name] for name in body} == body

    def test_errors_of_nested_addresses_have_their_position(self, admin_client):
        asked = [address(), address(phone_number="garbage"), address(country="XX")]

        response = admin_client.post(USERS, {"email": "ada@example.com", "addresses": asked})

        assert response.status_code == 400
        assert response.json() == {"addresses": {"1": {"phone_number": ["Enter a valid phone number."]}}}

    @pytest.mark.parametrize("wrong", [{"line1": ""}, {"country": "XX"}, {"phone_number": "garbage"}, {"line4": "🏠"}])
    def test_errors_of_nested_addresses_have_one_format(self, admin_client, wrong):
        """The serializer finds some mistakes, the rules find others: a client can't tell which."""
        response = admin_client.post(USERS, {"email": "ada@example.com", "addresses": [address(), address(**wrong)]})

        assert list(response.json()["addresses"]) == ["1"]
        assert list(response.json()["addresses"]["1"]) == list(wrong)
