import pytest

from tests.support.clients import USERS
from tests.support.factories import address


class TestNames:
    @pytest.mark.parametrize(
        ("given", "kept"),
        [
            ("Ada 🚀", "Ada"),
            ("🚀Ada🚀 Lovelace", "Ada Lovelace"),
            ("👩‍👩‍👧‍👦 Family", "Family"),
            ("👍🏽", ""),
            ("🇹🇭 สมชาย", "สมชาย"),
            ("A1️⃣", "A"),
            ("Ada ❤️ Charles", "Ada Charles"),
            ("Acme© ®Ada™", "Acme© ®Ada™"),
            ("Łukasz Żółć", "Łukasz Żółć"),
            ("山田 太郎", "山田 太郎"),
            ("محمد", "محمد"),
            ("Ñandú #1 *", "Ñandú #1 *"),
            ("Anne-Marie O’Neill", "Anne-Marie O’Neill"),
        ],
    )
    def test_names_lose_emoji_and_nothing_else(self, admin_client, given, kept):
        book = [address(first_name=given, line2=given, line4=f"X {given}".strip())]
        body = {"email": "ada@example.com", "first_name": given, "last_name": given, "addresses": book}

        answer = admin_client.post(USERS, body).json()

        assert (answer["first_name"], answer["last_name"]) == (kept, kept)
        assert answer["addresses"][0]["first_name"] == kept
        assert answer["addresses"][0]["line2"] == kept
        assert answer["addresses"][0]["line4"] == f"X {kept}".strip()

    def test_names_of_emoji_only_are_filled_from_the_first_address(self, admin_client):
        body = {"email": "ada@example.com", "first_name": "👩", "addresses": [address(first_name="Ada")]}

        assert admin_client.post(USERS, body).json()["first_name"] == "Ada"

    @pytest.mark.parametrize("line", ["line1", "line4"])
    def test_street_and_city_of_emoji_only_are_rejected(self, admin_client, line):
        response = admin_client.post(USERS, {"email": "ada@example.com", "addresses": [address(**{line: "🏠"})]})

        assert response.status_code == 400
        assert list(response.json()["addresses"]["0"]) == [line]
