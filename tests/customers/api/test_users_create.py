import pytest

from customers.models import Tag, User
from tests.support.clients import USERS, user_url
from tests.support.database import by_database
from tests.support.factories import address, make_user

EVERY_FIELD = {
    "email": "Ada.Lovelace@Example.com",
    "first_name": "Ada",
    "last_name": "King, comtesse de Lovelace",
    "phone_number": "+442079460958",
    "language": "fr",
    "accepts_marketing": True,
    "is_blocked": True,
    "ip": "203.0.113.7",
    "user_agent": "Mozilla/5.0 (Analytical Engine)",
    "tags": ["vip", "founder", "Émigré"],
    "metadata": {"shoe size": 37.5, "a": {"nested": [1, None, True, "é", -(2**53)]}, "": ""},
    "addresses": [
        {
            "is_default_for_shipping": False,
            "is_default_for_billing": True,
            "first_name": "Augusta",
            "last_name": "Byron",
            "line1": "12 St James's Square",
            "line2": "Second floor",
            "line3": "Room 3",
            "line4": "London",
            "state": "Greater London",
            "postcode": "SW1Y 4JH",
            "phone_number": "+442079460111",
            "notes": "Ring twice.\nMind the dog.",
            "country": "GB",
        },
        {
            "is_default_for_shipping": True,
            "is_default_for_billing": False,
            "first_name": "エイダ",
            "last_name": "",
            "line1": "1-1 千代田",
            "line2": "",
            "line3": "",
            "line4": "東京都",
            "state": "",
            "postcode": "100-8111",
            "phone_number": "",
            "notes": "",
            "country": "JP",
        },
    ],
}
SET_BY_THE_STORE = {
    "user_type": "lead",
    "orders_count": 0,
    "subscriptions_count": 0,
    "total_spent": "0.00",
}


class TestCreateUser:
    def test_create_user_returns_201_with_all_fields(self, admin_client):
        response = admin_client.post(USERS, EVERY_FIELD)

        assert response.status_code == 201
        answer = response.json()
        ids = [answer.pop("id"), *(each.pop("id") for each in answer["addresses"])]
        assert all(isinstance(id, int) for id in ids)
        assert answer.pop("date_joined").endswith("Z")
        assert answer == {**EVERY_FIELD, **SET_BY_THE_STORE}

    def test_create_user_returns_the_bytes_that_retrieve_returns(self, admin_client):
        for body in (EVERY_FIELD, {"email": "least@example.com"}):
            created = admin_client.post(USERS, body)

            retrieved = admin_client.get(user_url(created.json()["id"]))

            assert retrieved.content == created.content

    def test_create_user_returns_what_the_list_returns(self, admin_client):
        created = admin_client.post(USERS, EVERY_FIELD).json()

        listed = admin_client.get(USERS).json()["results"][0]

        assert listed == created

    def test_create_user_needs_an_email_only(self, admin_client):
        answer = admin_client.post(USERS, {"email": "ada@example.com"}).json()

        assert {name: value for name, value in answer.items() if name not in ("id", "date_joined")} == {
            **SET_BY_THE_STORE,
            "email": "ada@example.com",
            "first_name": "",
            "last_name": "",
            "phone_number": None,
            "language": None,
            "accepts_marketing": False,
            "is_blocked": False,
            "ip": None,
            "user_agent": None,
            "tags": [],
            "metadata": None,
            "addresses": [],
        }

    def test_create_user_takes_few_queries(self, admin_client, django_assert_num_queries):
        admin_client.post(USERS, {"email": "warm@example.com"})

        # The token and one statement; on SQLite: definitions of metadata, and email, user, addresses, tags, event and
        # webhooks within one savepoint.
        with django_assert_num_queries(by_database(postgresql=2, sqlite=10)):
            admin_client.post(USERS, EVERY_FIELD)

    def test_create_user_rejects_invalid_value_of_a_field(self, admin_client):
        for field, value in [
            ("email", None),
            ("email", ""),
            ("email", "ada"),
            ("email", "ada@"),
            ("email", ["ada@example.com"]),
            ("email", f"{'a' * 320}@example.com"),
            ("first_name", None),
            ("first_name", "x" * 256),
            ("last_name", "x" * 256),
            ("language", "xx"),
            ("language", "EN"),
            ("accepts_marketing", "maybe"),
            ("accepts_marketing", None),
            ("is_blocked", []),
            ("tags", "vip"),
            ("tags", None),
            ("tags", [["vip"]]),
            ("tags", ["x" * 256]),
            ("metadata", "text"),
            ("metadata", [1]),
            ("metadata", 5),
            ("metadata", {"a": "\0"}),
            ("metadata", {"\0": 1}),
            ("addresses", {}),
            ("addresses", None),
            ("addresses", [None]),
            ("addresses", [{}]),
        ]:
            response = admin_client.post(USERS, {"email": "ada@example.com", field: value})

            assert response.status_code == 400, (field, value)
            assert list(response.json()) == [field], (field, value)
            assert not User.objects.filter(user_type="lead").exists(), (field, value)

    def test_create_user_rejects_missing_email(self, admin_client):
        assert admin_client.post(USERS, {}).json() == {"email": ["This field is required."]}

    def test_create_user_rejects_body_that_is_no_object(self, admin_client):
        for body, message in [
            ("null", "No data provided"),
            ("[]", "Invalid data. Expected a dictionary, but got list."),
            ("3", "Invalid data. Expected a dictionary, but got int."),
        ]:
            response = admin_client.generic("POST", USERS, body, content_type="application/json")

            assert (response.status_code, response.json()) == (400, {"non_field_errors": [message]}), body

    def test_create_user_reports_all_invalid_fields(self, admin_client):
        response = admin_client.post(USERS, {"language": "xx", "ip": "x", "tags": ["ok", []]})

        assert set(response.json()) == {"email", "language", "ip", "tags"}

    def test_create_user_keeps_order_and_text_of_metadata(self, admin_client):
        metadata = {"z": 1, "a": [3, 1, 2], "e\u0301": "\u202e", "deep": {"x": {"y": {"z": [[[]]]}}}}

        user = admin_client.post(USERS, {"email": "ada@example.com", "metadata": metadata}).json()

        assert admin_client.get(user_url(user["id"])).json()["metadata"] == metadata

    @pytest.mark.parametrize("number", [2**63 - 1, -(2**63 - 1), 2**53 + 1, 1e-308, 0.1, -0.0, 1e16, 1e18])
    def test_create_user_keeps_numbers_of_metadata(self, admin_client, number):
        created = admin_client.post(USERS, {"email": "ada@example.com", "metadata": {"number": number}})

        assert created.status_code == 201
        kept = admin_client.get(user_url(created.json()["id"])).json()["metadata"]["number"]
        assert float(kept) == float(number)
        assert isinstance(number, float) or kept == number

    @pytest.mark.parametrize("number", [1e19, 1e20, 1e308, -1e308])
    def test_create_user_accepts_numbers_of_metadata_that_it_returned(self, admin_client, number):
        """Refused at once, or shown as something that may be sent again."""
        created = admin_client.post(USERS, {"email": "ada@example.com", "metadata": {"number": number}})

        if created.status_code == 201:
            url = user_url(created.json()["id"])
            metadata = admin_client.get(url).json()["metadata"]
            assert float(metadata["number"]) == number
            assert admin_client.put(url, {"metadata": metadata}).status_code == 200
        else:
            assert list(created.json()) == ["metadata"]

    def test_create_user_rejects_out_of_range_numbers_in_metadata(self, admin_client):
        for number in [str(2**63), str(-(2**64)), "1" + "0" * 400]:
            response = admin_client.post(USERS, f'{{"email": "ada@example.com", "metadata": {{"number": {number}}}}}')

            assert response.status_code == 400, number
            assert "metadata" in response.json(), number

    def test_create_user_rejects_metadata_of_more_than_32_levels(self, admin_client):
        def nested(levels):
            return {"a": nested(levels - 1)} if levels else 1

        assert admin_client.post(USERS, {"email": "a@example.com", "metadata": nested(33)}).status_code == 400
        assert admin_client.post(USERS, {"email": "a@example.com", "metadata": nested(32)}).status_code == 201


class TestEmail:
    def test_create_user_rejects_duplicate_email_ignoring_case(self, admin_client):
        make_user(email="Ada@Example.com")
        for other in ["ada@example.com", "ADA@example.com", "Ada@EXAMPLE.COM"]:
            response = admin_client.post(USERS, {"email": other, "addresses": [address()], "tags": ["new"]})

            assert response.status_code == 400, other
            assert list(response.json()) == ["email"], other
            assert User.objects.with_email("ada@example.com").count() == 1, other
            assert not Tag.objects.exists(), other

    def test_create_user_rejects_duplicate_email_ignoring_case_beyond_ascii(self, admin_client):
        assert admin_client.post(USERS, {"email": "ada@BÜCHER.example"}).status_code == 201
        assert admin_client.post(USERS, {"email": "ada@bücher.example"}).status_code == 400

    def test_create_user_keeps_the_case_of_the_email(self, admin_client):
        assert admin_client.post(USERS, {"email": " Ada@Example.com "}).json()["email"] == "Ada@Example.com"

    def test_create_user_rejects_email_too_long_in_lower_case(self, admin_client):
        domain = ".".join(["İ" * 60] * 5) + ".com"

        response = admin_client.post(USERS, {"email": f"a@{domain}"})

        assert response.status_code == 400
        assert "email" in response.json()


class TestUserType:
    @pytest.mark.parametrize("user_type", ["customer", "dashboard", "nonsense", None])
    def test_create_user_ignores_user_type(self, admin_client, user_type):
        response = admin_client.post(USERS, {"email": "ada@example.com", "user_type": user_type})

        assert response.json()["user_type"] == "lead"
        assert User.objects.get(email="ada@example.com").user_type == "lead"

    def test_create_user_ignores_read_only_fields(self, admin_client, owner):
        forbidden = {
            "id": owner.pk, "orders_count": 5, "subscriptions_count": 5, "total_spent": "99.00", "is_superuser": True,
            "is_staff": True,
            "is_active": False, "password": "secret", "date_joined": "2001-01-01T00:00:00Z", "groups": [1],
        }  # fmt: skip

        response = admin_client.post(USERS, {"email": "eve@example.com", **forbidden})

        user = User.objects.get(email="eve@example.com")
        assert response.status_code == 201
        assert user.pk != owner.pk
        assert (user.orders_count, user.subscriptions_count, user.total_spent) == (0, 0, 0)
        assert (user.is_superuser, user.is_staff, user.is_active) == (False, False, True)
        assert not user.has_usable_password()
        assert user.date_joined.year > 2001


class TestIp:
    @pytest.mark.parametrize(
        ("given", "kept"),
        [
            ("203.0.113.7", "203.0.113.7"),
            ("2001:db8::1", "2001:db8::1"),
            ("2001:0DB8:0:0:0:0:0:1", "2001:db8::1"),
            ("::", "::"),
            ("::ffff:203.0.113.7", "::ffff:203.0.113.7"),
            (None, None),
        ],
    )
    def test_create_user_accepts_ipv4_and_ipv6(self, admin_client, given, kept):
        created = admin_client.post(USERS, {"email": "ada@example.com", "ip": given}).json()

        assert created["ip"] == kept
        assert admin_client.get(user_url(created["id"])).json()["ip"] == kept

    def test_create_user_rejects_invalid_ip(self, admin_client):
        for given in [
            "x",
            "1.2.3",
            "1.2.3.256",
            "01.2.3.4",
            "1.2.3.4/24",
            ":::",
            "12345::",
            "::1%eth0",
            "fe80::1%1",
            5,
            [],
            "1:2",
            "::1/64",
        ]:
            response = admin_client.post(USERS, {"email": "ada@example.com", "ip": given})

            assert response.status_code == 400, given
            assert list(response.json()) == ["ip"], given


class TestUserAgent:
    def test_create_user_rejects_user_agent_above_500_characters(self, admin_client):
        assert (
            admin_client.post(USERS, {"email": "a@example.com", "user_agent": "é" * 500}).json()["user_agent"]
            == "é" * 500
        )
        refused = admin_client.post(USERS, {"email": "b@example.com", "user_agent": "é" * 501})
        assert refused.status_code == 400
        assert list(refused.json()) == ["user_agent"]


class TestLanguage:
    @pytest.mark.parametrize("code", ["en", "fr", "th", "de", "sv", "no", "it", "es", "nl", "pt", "da", "fi", "", None])
    def test_create_user_accepts_twelve_languages_or_none(self, admin_client, code):
        created = admin_client.post(USERS, {"email": "ada@example.com", "language": code})

        assert created.status_code == 201
        assert created.json()["language"] == code


class TestTags:
    def test_create_user_strips_tags_and_drops_duplicates(self, admin_client):
        given = ["vip", " b2b ", None, "vip", "VIP", "b2b"]

        assert admin_client.post(USERS, {"email": "a@example.com", "tags": given}).json()["tags"] == [
            "vip",
            "b2b",
            "VIP",
        ]

    def test_create_user_rejects_a_blank_tag(self, admin_client):
        for blank in ("", "  ", "\n"):
            refused = admin_client.post(USERS, {"email": "a@example.com", "tags": ["vip", blank]})

            assert refused.status_code == 400
            assert refused.json() == {"tags": {"1": ["This field may not be blank."]}}
        assert not User.objects.filter(email="a@example.com").exists()

    def test_create_user_creates_new_tags(self, admin_client):
        admin_client.post(USERS, {"email": "a@example.com", "tags": ["vip", "new"]})
        admin_client.post(USERS, {"email": "b@example.com", "tags": ["vip", "b2b"]})

        assert sorted(Tag.objects.values_list("name", flat=True)) == ["b2b", "new", "vip"]

    def test_create_user_rejects_tag_above_255_characters(self, admin_client):
        assert admin_client.post(USERS, {"email": "a@example.com", "tags": ["x" * 255]}).status_code == 201
        refused = admin_client.post(USERS, {"email": "b@example.com", "tags": ["ok", "x" * 256]})
        assert refused.status_code == 400
        assert list(refused.json()) == ["tags"]
