"""Whatever comes in, the answer is Medusa's JSON and never a 500, and what was let in can be read again."""

import json

import pytest

from customers.models import User
from tests.customers.api.test_hostile_input import CHARSETS, HOSTILE_VALUES, QUERY_VALUES
from tests.customers.medusa.conftest import AUTH, CUSTOMERS, GROUPS, NEW, TOKEN, group_url, url_of
from tests.support.clients import USERS, user_url

CUSTOMER_FIELDS = ["email", "first_name", "last_name", "password", "phone", "metadata", "groups", "id", "unknown", ""]
FILTERS = [
    "q", "has_account", "groups", "groups[]", "groups[0]", "groups[a]", "order", "created_at", "created_at[gt]",
    "updated_at[lte]", "created_at[]", "created_at[gt][lt]", "limit", "offset", "expand", "expand[a]", "fields", "id",
    "name[]", "unknown", "", "[", "[]", "a[", "__proto__[x]",
]  # fmt: skip
HEADERS = [
    ("Accept", ";;;,/"), ("Authorization", "Bearer"), ("Authorization", "Bearer \xff\xfe"),
    ("Authorization", "Bearer a.b.c"), ("Authorization", "Bearer eyJhbGciOiJub25lIn0.e30."),
    ("Authorization", "Bearer " + "x" * 20_000), ("Authorization", "Bearer .."), ("x-medusa-access-token", "\xff"),
    ("x-medusa-access-token", ""), ("Idempotency-Key", "\xff"), ("Idempotency-Key", "\0"),
    ("Cookie", "connect.sid=\xff"), ("Cookie", "connect.sid="), ("Cookie", "connect.sid=" + "x" * 5_000),
    ("Cookie", "connect.sid=a\0b"), ("Origin", "\xff"), ("Host", "evil.example"), ("Content-Length", "x"),
    ("Content-Length", "-1"), ("Content-Encoding", "gzip"), ("Content-Type", "\xff"),
    ("X-HTTP-Method-Override", "DELETE"), ("Sec-Fetch-Site", "\xff"),
]  # fmt: skip


def assert_is_answered(response, context) -> None:
    assert response.status_code < 500, context
    if response.status_code == 401:
        assert response.content == b"Unauthorized", context
        return
    assert response.headers["Content-Type"].startswith("application/json"), context
    body = json.loads(response.content)
    if response.status_code >= 400:
        assert set(body) <= {"code", "type", "message"}, context


def assert_everybody_can_still_be_read(client) -> None:
    assert client.get(CUSTOMERS, {"limit": "1000", "expand": "groups,orders,shipping_addresses"}).status_code == 200
    assert client.get(USERS, {"page_size": 250}).status_code == 200
    for user in User.objects.exclude(user_type="dashboard"):
        assert client.get(url_of(user)).status_code == 200
        assert client.get(user_url(user)).status_code == 200


class TestHostileBodies:
    @pytest.mark.parametrize("field", CUSTOMER_FIELDS)
    def test_with_any_value_in_any_field_are_answered(self, client, ada, field):
        for number, value in enumerate(HOSTILE_VALUES):
            body = json.dumps({**NEW, "email": f"eve-{number}@example.com", field: value})
            key = {"Idempotency-Key": str(number)}

            for response in (
                client.post(CUSTOMERS, body),
                client.post(CUSTOMERS, body, headers=key),
                client.post(url_of(ada), json.dumps({field: value})),
            ):
                assert_is_answered(response, (field, value))
        assert_everybody_can_still_be_read(client)

    @pytest.mark.parametrize("field", ["name", "metadata", "customer_ids"])
    def test_with_any_value_in_any_field_of_a_group_are_answered(self, client, make_group, field):
        group = make_group()
        for value in HOSTILE_VALUES:
            for body in ({field: value}, {"name": "x", field: value}, {field: [{"id": value}]}):
                for path in (GROUPS, group_url(group), f"{group_url(group)}/customers/batch"):
                    assert_is_answered(client.post(path, json.dumps(body)), (path, body))
        assert client.get(GROUPS, {"limit": "1000"}).status_code == 200

    @pytest.mark.parametrize("path", [AUTH, TOKEN])
    def test_with_any_credentials_are_answered(self, anonymous, settings, path):
        settings.AXES_ENABLED = False
        for value in HOSTILE_VALUES:
            for body in ({"email": value, "password": value}, {"email": "a@example.com", "password": value}):
                assert_is_answered(anonymous.post(path, json.dumps(body)), (path, body))

    @pytest.mark.parametrize("path", [CUSTOMERS, GROUPS, AUTH])
    def test_of_any_json_are_answered(self, client, path):
        for value in HOSTILE_VALUES:
            assert_is_answered(client.generic("POST", path, json.dumps(value), "application/json"), value)

    @pytest.mark.parametrize("field", ["metadata", "groups", "unknown"])
    def test_of_any_depth_are_answered(self, client, ada, field):
        for levels in (31, 32, 33, 300, 1_000, 1_023, 1_024, 1_025, 100_000):
            for deep in ("[" * levels + "]" * levels, '{"a":' * levels + "1" + "}" * levels):
                assert_is_answered(client.post(url_of(ada), f'{{"{field}": {deep}}}'), (field, levels))
        assert_everybody_can_still_be_read(client)

    @pytest.mark.parametrize("charset", CHARSETS)
    def test_in_any_charset_are_answered(self, client, charset):
        for body in (
            b'{"email": "ada@example.com"}',
            b"\xff\x00",
            '{"a": 1}'.encode("utf-16"),
            b"\xef\xbb\xbf{}",
            b"\0",
        ):
            for media_type in ("application/json", "text/plain", "multipart/form-data; boundary=x", "", ";", "\xff"):
                response = client.generic("POST", CUSTOMERS, body, f"{media_type}; charset={charset}")

                assert_is_answered(response, (media_type, body))


class TestHostileQueries:
    @pytest.mark.parametrize("name", FILTERS)
    def test_of_any_value_in_any_parameter_are_answered(self, client, ada, name):
        for path in (CUSTOMERS, url_of(ada), GROUPS):
            for value in QUERY_VALUES:
                assert_is_answered(client.get(path, {name: value}), (path, name, value))

    @pytest.mark.parametrize(
        "query", ["%", "%ff=%ff", "a=%00", "%00=1", "&&=&", "[=]", "q=%ED%A0%80", "?" * 5_000, "a&" * 2_000,
                  "groups[]=&groups=x&groups[a]=y", "created_at[gt]=1&created_at=2", "q=a&q=b", "order[a]=b"]
    )  # fmt: skip
    def test_of_any_shape_are_answered(self, client, ada, query):
        assert_is_answered(client.get(f"{CUSTOMERS}?{query}"), query)


class TestHostilePathsAndHeaders:
    @pytest.mark.parametrize(
        "path",
        ["%00", "%ff", "-1", "٣", "a" * 10_000, "..", "//", "%2e%2e/", "cus_%00", "%ED%A0%80", "\u202e", "?", "#", "%"],
    )
    def test_of_any_shape_are_answered(self, client, path):
        for prefix in ("/admin/", f"{CUSTOMERS}/", f"{GROUPS}/"):
            for method in (client.get, client.post, client.delete):
                assert_is_answered(method(prefix + path), path)

    @pytest.mark.parametrize(("header", "value"), HEADERS)
    def test_of_any_value_are_answered(self, client, ada, header, value):
        name = "HTTP_" + header.upper().replace("-", "_")
        extra = {name.removeprefix("HTTP_") if header.startswith("Content-") else name: value}

        for path in (CUSTOMERS, AUTH):
            assert_is_answered(client.get(path, **extra), (header, value))
            if header != "Content-Type":
                assert_is_answered(client.post(path, NEW, **extra), (header, value))
