import pytest

from tests.support.clients import USERS
from tests.support.factories import address


class TestPhoneNumber:
    @pytest.mark.parametrize(
        ("country", "local", "e164"),
        [
            ("GB", "020 7946 0958", "+442079460958"),
            ("US", "(201) 555-0123", "+12015550123"),
            ("CA", "416.555.0123", "+14165550123"),
            ("FR", "01 23 45 67 89", "+33123456789"),
            ("TH", "02-123-4567", "+6621234567"),
            ("DE", "030/123456", "+4930123456"),
            ("SE", "08-123 456 78", "+46812345678"),
            ("IT", "06 698 12345", "+390669812345"),
            ("JP", "03-1234-5678", "+81312345678"),
            ("AU", "(02) 9876 5432", "+61298765432"),
            ("gb", "00 33 1 23 45 67 89", "+33123456789"),
        ],
    )
    def test_phone_number_of_a_country_becomes_e164(self, admin_client, country, local, e164):
        body = {"email": "ada@example.com", "phone_number": local, "addresses": [address(country=country)]}

        answer = admin_client.post(USERS, body).json()

        assert answer["phone_number"] == e164

    def test_phone_number_is_parsed_in_the_country_of_the_first_address(self, admin_client):
        body = {"email": "ada@example.com", "phone_number": "01 23 45 67 89"}

        answer = admin_client.post(USERS, {**body, "addresses": [address(country="FR"), address(country="US")]}).json()

        assert answer["phone_number"] == "+33123456789"

    @pytest.mark.parametrize(
        "text", ["+44 20 7946 0958", "+44-(0)20-7946-0958", "＋４４２０７９４６０９５８", "tel:+44-20-7946-0958"]
    )
    def test_phone_number_with_any_punctuation_becomes_e164(self, admin_client, text):
        assert (
            admin_client.post(USERS, {"email": "a@example.com", "phone_number": text}).json()["phone_number"]
            == "+442079460958"
        )

    def test_local_phone_number_without_a_country_is_rejected(self, admin_client):
        response = admin_client.post(USERS, {"email": "ada@example.com", "phone_number": "020 7946 0958"})

        assert response.status_code == 400
        assert list(response.json()) == ["phone_number"]

    @pytest.mark.parametrize(
        "text",
        ["garbage", "+", "+0", "++44", "123", "+999 123456", "+44", "\u200b", "☎", "1" * 129, "1" * 5_000,
        "+1" + "5" * 100,
         "tel:", ";phone-context=x", "+1;ext=" + "9" * 50, "٠٠٠"],
    )  # fmt: skip
    def test_invalid_phone_number_is_400(self, admin_client, text):
        for addresses in ([], [address(country="AQ")], [address(country="US")]):
            body = {"email": "ada@example.com", "phone_number": text, "addresses": addresses}

            response = admin_client.post(USERS, body)

            assert response.status_code == 400, addresses
            assert list(response.json()) == ["phone_number"]

    def test_phone_number_has_at_most_128_characters(self, admin_client):
        padded = "+44 20 7946 0958".replace(" ", " " * 38)

        def answer(text):
            return admin_client.post(USERS, {"email": f"{len(text)}@example.com", "phone_number": text}).status_code

        assert answer(padded[:3] + " " * (128 - len(padded)) + padded[3:]) == 201
        assert answer(padded[:3] + " " * (129 - len(padded)) + padded[3:]) == 400

    @pytest.mark.parametrize(("given", "kept"), [(None, None), ("", ""), ("  ", "")])
    def test_phone_number_may_be_null_or_empty(self, admin_client, given, kept):
        assert (
            admin_client.post(USERS, {"email": "a@example.com", "phone_number": given}).json()["phone_number"] == kept
        )
