"""Any input is answered in Medusa's JSON and never with 500, and what was accepted can be read again.

The values are those of the Admin API's tests. A failure names the input."""

import json
from itertools import product

import pytest

from customers.models import User
from tests.support.clients import USERS, user_url
from tests.support.hostile_values import CHARSETS, HOSTILE_VALUES, QUERY_VALUES
from tests.support.medusa import AUTH, CUSTOMERS, GROUPS, NEW, TOKEN, group_url, url_of

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
QUERIES = [
    "%", "%ff=%ff", "a=%00", "%00=1", "&&=&", "[=]", "q=%ED%A0%80", "?" * 5_000, "a&" * 2_000,
    "groups[]=&groups=x&groups[a]=y", "created_at[gt]=1&created_at=2", "q=a&q=b", "order[a]=b",
]  # fmt: skip
PATHS = ["%00", "%ff", "-1", "٣", "a" * 10_000, "..", "//", "%2e%2e/", "cus_%00", "%ED%A0%80", "\u202e", "?", "#", "%"]


def assert_is_answered(response, context) -> None:
    assert response.status_code < 500, context
    if response.status_code == 401:
        assert response.content == b"Unauthorized", context
        return
    assert response.headers["Content-Type"].startswith("application/json"), context
    body = json.loads(response.content)
    if response.status_code >= 400:
        assert set(body) <= {"code", "type", "message"}, context


def assert_all_customers_can_be_read(medusa_client) -> None:
    assert (
        medusa_client.get(CUSTOMERS, {"limit": "1000", "expand": "groups,orders,shipping_addresses"}).status_code == 200
    )
    assert medusa_client.get(USERS, {"page_size": 250}).status_code == 200
    for user in User.objects.exclude(user_type="dashboard"):
        assert medusa_client.get(url_of(user)).status_code == 200
        assert medusa_client.get(user_url(user)).status_code == 200


class TestHostileBodies:
    def test_any_value_in_any_customer_field_is_no_500(self, medusa_client, ada):
        for number, (field, value) in enumerate(product(CUSTOMER_FIELDS, HOSTILE_VALUES)):
            body = json.dumps({**NEW, "email": f"eve-{number}@example.com", field: value})
            key = {"Idempotency-Key": str(number)}

            for response in (
                medusa_client.post(CUSTOMERS, body),
                medusa_client.post(CUSTOMERS, body, headers=key),
                medusa_client.post(url_of(ada), json.dumps({field: value})),
            ):
                assert_is_answered(response, (field, value))
        assert_all_customers_can_be_read(medusa_client)

    def test_any_value_in_any_group_field_is_no_500(self, medusa_client, make_group):
        group = make_group()
        for field, value in product(["name", "metadata", "customer_ids"], HOSTILE_VALUES):
            for body in ({field: value}, {"name": "x", field: value}, {field: [{"id": value}]}):
                for path in (GROUPS, group_url(group), f"{group_url(group)}/customers/batch"):
                    assert_is_answered(medusa_client.post(path, json.dumps(body)), (path, body))
        assert medusa_client.get(GROUPS, {"limit": "1000"}).status_code == 200

    @pytest.mark.parametrize("path", [AUTH, TOKEN])
    def test_any_credentials_are_no_500(self, anonymous, settings, path):
        settings.AXES_ENABLED = False
        for value in HOSTILE_VALUES:
            for body in ({"email": value, "password": value}, {"email": "a@example.com", "password": value}):
                assert_is_answered(anonymous.post(path, json.dumps(body)), (path, body))

    @pytest.mark.parametrize("path", [CUSTOMERS, GROUPS, AUTH])
    def test_any_json_body_is_no_500(self, medusa_client, path):
        for value in HOSTILE_VALUES:
            assert_is_answered(medusa_client.generic("POST", path, json.dumps(value), "application/json"), value)

    def test_any_depth_of_json_is_no_500(self, medusa_client, ada):
        # The limits are 32 levels for metadata and 1,024 for the parser.
        for field, levels in product(["metadata", "groups", "unknown"], (32, 33, 34, 1_023, 1_024, 1_025, 100_000)):
            for deep in ("[" * levels + "]" * levels, '{"a":' * levels + "1" + "}" * levels):
                assert_is_answered(medusa_client.post(url_of(ada), f'{{"{field}": {deep}}}'), (field, levels))
        assert_all_customers_can_be_read(medusa_client)

    def test_any_charset_is_no_500(self, medusa_client):
        bodies = [b'{"email": "ada@example.com"}', b"\xff\x00", '{"a": 1}'.encode("utf-16"), b"\xef\xbb\xbf{}", b"\0"]
        media_types = ["application/json", "text/plain", "multipart/form-data; boundary=x", "", ";", "\xff"]
        for charset, media_type, body in product(CHARSETS, media_types, bodies):
            content_type = f"{media_type}; charset={charset}"

            assert_is_answered(medusa_client.generic("POST", CUSTOMERS, body, content_type), (content_type, body))


class TestHostileQueries:
    def test_any_value_in_any_parameter_is_no_500(self, medusa_client, ada):
        for path, name, value in product((CUSTOMERS, url_of(ada), GROUPS), FILTERS, QUERY_VALUES):
            assert_is_answered(medusa_client.get(path, {name: value}), (path, name, value))

    def test_any_shape_of_query_is_no_500(self, medusa_client, ada):
        for query in QUERIES:
            assert_is_answered(medusa_client.get(f"{CUSTOMERS}?{query}"), query)


class TestHostilePathsAndHeaders:
    def test_any_shape_of_path_is_no_500(self, medusa_client):
        methods = (medusa_client.get, medusa_client.post, medusa_client.delete)
        for method, prefix, path in product(methods, ("/admin/", f"{CUSTOMERS}/", f"{GROUPS}/"), PATHS):
            assert_is_answered(method(prefix + path), (prefix, path))

    def test_any_header_value_is_no_500(self, medusa_client, ada):
        for (header, value), path in product(HEADERS, (CUSTOMERS, AUTH)):
            name = "HTTP_" + header.upper().replace("-", "_")
            extra = {name.removeprefix("HTTP_") if header.startswith("Content-") else name: value}

            assert_is_answered(medusa_client.get(path, **extra), (header, value))
            if header != "Content-Type":
                assert_is_answered(medusa_client.post(path, NEW, **extra), (header, value))
