"""Any input is answered in JSON and never with 500, and what was accepted can be read again.

A failure names the input.
"""

import json
from itertools import product

import pytest

from customers.models import User
from tests.support.clients import USERS, address_url, addresses_url, notes_url, user_url
from tests.support.factories import address, make_note, make_users
from tests.support.hostile_values import CHARSETS, HOSTILE_VALUES, HUGE, QUERY_VALUES
from tests.support.operations import ADDRESS_OPERATIONS, OPERATIONS, USER_OPERATIONS

USER_FIELDS = [
    "email", "first_name", "last_name", "phone_number", "language", "accepts_marketing", "is_blocked", "ip",
    "user_agent", "tags", "metadata", "addresses", "id", "user_type", "unknown", "",
]  # fmt: skip
ADDRESS_FIELDS = [
    "first_name", "line1", "line4", "state", "postcode", "phone_number", "notes", "country",
    "is_default_for_shipping", "id", "user",
]  # fmt: skip
FILTERS = [
    "email", "name", "phone_number", "language", "user_type", "date_joined_from", "date_joined_to", "is_blocked",
    "accepts_marketing", "cursor", "page_size", "limit", "unknown", "format", "",
]  # fmt: skip
FORM_NAMES = [
    "[]", ".", "[", "a[", "addresses", "addresses[]", "addresses[0]", "addresses[x]", "addresses[0][0]",
    "addresses[0][line1][x]", "addresses[99999999999]", "addresses[-1]", "addresses[٣]", "addresses[²]", "tags[0]",
    "tags[a]", "tags[0][0]", "tags[][]", "metadata", "metadata[a]", "metadata[]", "email[0]", "email[]", "ip",
    "language", "accepts_marketing[]", "\0", "\0[\0]", "[" * 500, "a[b]" * 500,
]  # fmt: skip
FORM_VALUES = ["x", "[]", "[" * 2000, "\0", "9" * 5000]
HEADERS = [
    ("Accept", "application/json; q=x"), ("Accept", "\xff"), ("Accept", ";;;,/"), ("Accept-Language", "\xff"),
    ("Authorization", "Bearer"), ("Authorization", "Bearer \xff\xfe"), ("Authorization", "Bearer " + "x" * 20_000),
    ("X-29next-API-Version", "\xff"), ("X-Request-Id", "\xff\r\n"), ("If-None-Match", '"'), ("If-None-Match", "\xff"),
    ("If-Modified-Since", "yesterday"), ("If-Match", "W/"), ("If-Match", '"other"'),
    ("If-Unmodified-Since", "Sat, 29 Oct 1994 19:43:31 GMT"), ("Idempotency-Key", ""), ("Idempotency-Key", "\xff"),
    ("Idempotency-Key", "\0"), ("Idempotency-Key", "x" * 256), ("Range", "bytes=0-1"), ("Host", "evil.example"),
    ("Host", "\xff"), ("X-HTTP-Method-Override", "TRACE"), ("Cookie", "sessionid=\xff"), ("Content-Length", "x"),
    ("Content-Length", "-1"), ("Content-Type", "\xff"), ("Content-Type", ""), ("Content-Encoding", "gzip"),
]  # fmt: skip


def assert_is_json_and_no_crash(response, context):
    assert response.status_code < 500, context
    if response.status_code not in (204, 304):
        assert response.headers["Content-Type"] == "application/json", context
        json.loads(response.content)


def assert_everybody_can_still_be_read(admin_client):
    """A value that breaks a list breaks it for everyone."""
    assert admin_client.get(USERS, {"page_size": 250}).status_code == 200
    for user in User.objects.all():
        assert admin_client.get(user_url(user)).status_code == 200


class TestHostileBodies:
    def test_hostile_value_in_any_user_field_is_no_500(self, admin_client, ada):
        for field in USER_FIELDS:
            for number, value in enumerate(HOSTILE_VALUES):
                body = json.dumps({"email": f"eve-{number}@example.com", "addresses": [address()], field: value})

                for response in (
                    admin_client.post(USERS, body),
                    admin_client.post(USERS, body, headers={"Idempotency-Key": f"{field} {number}"}),
                    admin_client.patch(user_url(ada), json.dumps({field: value})),
                ):
                    assert_is_json_and_no_crash(response, (field, value))
        assert_everybody_can_still_be_read(admin_client)

    def test_hostile_value_in_any_address_field_is_no_500(self, admin_client, ada, ada_address):
        for field in ADDRESS_FIELDS:
            for number, value in enumerate(HOSTILE_VALUES):
                body = json.dumps(address(**{field: value}))
                nested = json.dumps(
                    {"email": f"eve-{field}-{number}@example.com", "addresses": [address(**{field: value})]}
                )

                for response in (
                    admin_client.post(addresses_url(ada), body),
                    admin_client.put(address_url(ada_address), body),
                    admin_client.post(USERS, nested),
                ):
                    assert_is_json_and_no_crash(response, (field, value))
        assert_everybody_can_still_be_read(admin_client)

    def test_hostile_message_of_a_note_is_no_500(self, admin_client, ada):
        for value in HOSTILE_VALUES:
            assert_is_json_and_no_crash(admin_client.post(notes_url(ada), json.dumps({"message": value})), value)
        assert admin_client.get(notes_url(ada)).status_code == 200

    def test_hostile_value_as_the_whole_body_is_no_500(self, admin_client, ada, ada_address):
        for operation in OPERATIONS:
            if operation.body is not None:
                for value in HOSTILE_VALUES:
                    response = admin_client.generic(
                        operation.method.upper(),
                        operation.url(user=ada, address=ada_address),
                        json.dumps(value),
                        "application/json",
                    )

                    assert_is_json_and_no_crash(response, (operation.name, value))

    @pytest.mark.parametrize("field", ["metadata", "tags", "addresses", "language", "unknown"])
    def test_json_of_any_depth_is_no_500(self, admin_client, field):
        """From the depth that the validation allows to depths that only the parser reaches."""
        for levels in (31, 32, 33, *range(860, 1_000, 14)):
            for deep in ("[" * levels + "]" * levels, '{"a":' * levels + "1" + "}" * levels):
                body = f'{{"email": "ada-{levels}@example.com", "{field}": {deep}}}'

                assert_is_json_and_no_crash(admin_client.post(USERS, body), (field, levels))

    def test_body_in_any_charset_is_no_500(self, admin_client):
        multipart = b'--x\r\nContent-Disposition: form-data; name="email"\r\n\r\nada@example.com\r\n--x--\r\n'
        bodies = (b'{"email": "ada@example.com"}', b"email=ada%40example.com", b"\xff\x00", b"email=\xff", multipart)
        media_types = ("application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x")
        for charset, media_type, body in product(CHARSETS, media_types, bodies):
            response = admin_client.generic("POST", USERS, body, f"{media_type}; charset={charset}")

            assert_is_json_and_no_crash(response, (charset, media_type, body))

    def test_form_with_any_name_is_no_500(self, admin_client):
        for name, (number, value) in product(FORM_NAMES, enumerate(FORM_VALUES)):
            form = {"email": f"{number}@example.com", name: value}

            assert_is_json_and_no_crash(admin_client.post_form(USERS, form), (name, value))
            assert_is_json_and_no_crash(admin_client.post_multipart(USERS, form), (name, value))
        assert_everybody_can_still_be_read(admin_client)

    def test_broken_multipart_is_no_500(self, admin_client):
        part = b'--x\r\nContent-Disposition: form-data; name="email"; filename="a"\r\n\r\nada\r\n--x--'
        bodies = (b"", b"--x", b"--x--", part, part * 2_000, part.replace(b"email", b"\xff"))
        content_types = ("multipart/form-data; boundary=x", "multipart/form-data", "multipart/form-data; boundary=")
        for body, headers, content_type in product(bodies, ({}, {"Idempotency-Key": "k"}), content_types):
            response = admin_client.generic("POST", USERS, body, content_type, headers=headers)

            assert_is_json_and_no_crash(response, body)


class TestHostileQueries:
    def test_hostile_value_of_any_parameter_is_no_500(self, admin_client, owner, ada):
        make_note(ada, author=owner)
        for url, name, value in product((USERS, addresses_url(ada), notes_url(ada)), FILTERS, QUERY_VALUES):
            assert_is_json_and_no_crash(admin_client.get(url, {name: value}), (url, name, value))

    def test_malformed_query_string_is_no_500(self, admin_client):
        make_users(30)
        queries = (
            "%", "%ff=%ff", "a=%00", "%00=1", "&&=&", "[=]", "email=%ED%A0%80", "?" * 5_000, "a&" * 2_000,
        )  # fmt: skip
        for query in queries:
            assert_is_json_and_no_crash(admin_client.get(f"{USERS}?{query}"), query)

    @pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12"])
    def test_first_and_last_days_of_the_calendar_are_accepted(self, admin_client, settings, ada, zone):
        settings.TIME_ZONE = zone
        days = ("0001-01-01", "0001-01-02", "9999-12-30", "9999-12-31")
        for day, name in product(days, ("date_joined_from", "date_joined_to")):
            assert admin_client.get(USERS, {name: day}).status_code == 200, (day, name)


class TestHostilePaths:
    def test_id_of_any_size_is_404(self, admin_client, ada, ada_address):
        for number in ("0", "9223372036854775807", "9223372036854775808", str(HUGE), "9" * 5_000):
            for operation in USER_OPERATIONS:
                assert operation(admin_client, user=number, address=ada_address).status_code == 404, operation.name
            for operation in ADDRESS_OPERATIONS:
                assert operation(admin_client, user=ada, address=number).status_code == 404, operation.name

    def test_malformed_path_is_no_500(self, admin_client):
        paths = (
            "%00", "%ff", "-1", "1.0", "٣", "a" * 10_000, "..", "//", "%2e%2e/", "1/%00/", "users/%0a/", "\u202e", "?",
            "#", "%",
        )  # fmt: skip
        methods = (admin_client.get, admin_client.post, admin_client.delete, admin_client.options)
        for path, prefix, method in product(paths, ("/api/admin/", USERS), methods):
            assert_is_json_and_no_crash(method(prefix + path), path)


class TestHostileHeaders:
    def test_hostile_header_is_no_500(self, admin_client, ada, ada_address):
        for (header, value), operation in product(HEADERS, OPERATIONS):
            extra = {"content_type": value} if header == "Content-Type" and operation.body is not None else {}
            headers = {} if header == "Content-Type" else {header: value}

            response = operation(admin_client, user=ada, address=ada_address, headers=headers, **extra)

            assert_is_json_and_no_crash(response, (header, value, operation.name))
