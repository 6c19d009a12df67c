"""Whatever comes in, the answer is JSON and never a 500, and what was let in can be read again."""

import json

import pytest

from customers.models import User
from tests.support.clients import USERS, address_url, addresses_url, notes_url, user_url
from tests.support.factories import address, make_note, make_users
from tests.support.operations import OPERATIONS, each_operation, of_one_user, with_a_body

HUGE = 10**30
HOSTILE_VALUES: list = [
    None, True, "", " ", 0, -1, HUGE, 1e308, float("inf"), [], {}, [None], [[]], [{}], {"a": {"b": []}}, {"a": 1e300},
    "\0", "a\0b", "\ud800", "\udfff tail", {"\ud800": "\0"}, ["\ud800"], "x" * 100_000, "9" * 4_000, "é" * 300,
    "İ" * 255, "👩‍👩‍👧‍👦" * 300, "%s %(x)s {0} {}", "'; DROP TABLE customers_user; --", "1e400",
    "\u202e\u2028\r\n",
]  # fmt: skip
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
FORM_VALUES = ["", "x", "0", "null", "[]", "{", "[" * 2000, "1e999", "\0", '{"a": "\\ud800"}', "9" * 5000]
QUERY_VALUES = [
    "\0", "%", "\\", "%ff", "x" * 5_000, "-1", "0", str(HUGE), "9" * 5_000, "NaN", "null", "true", "٣", "²", "👩‍👧",
    "[]", "2026-02-30", "0000-00-00", "0001-01-01", "9999-12-31", "10000-01-01", "2026-01-01T00:00:00Z", "'", '"',
    "a@b", "+", "\u2028",
]  # fmt: skip
CHARSETS = [
    "utf-7", "utf-16", "hex", "rot13", "zlib", "bz2", "base64", "idna", "punycode", "unicode_escape", "undefined",
    "uu", "nothing", "''",
]  # fmt: skip


def assert_is_json_and_no_crash(response, context):
    assert response.status_code < 500, context
    if response.status_code not in (204, 304):
        assert response.headers["Content-Type"] == "application/json", context
        json.loads(response.content)


def assert_everybody_can_still_be_read(client):
    """A value that breaks a list breaks it for everyone."""
    assert client.get(USERS, {"page_size": 250}).status_code == 200
    for user in User.objects.all():
        assert client.get(user_url(user)).status_code == 200


class TestHostileBodies:
    @pytest.mark.parametrize("field", USER_FIELDS)
    def test_with_any_value_in_any_field_of_a_user_are_answered(self, client, ada, field):
        for number, value in enumerate(HOSTILE_VALUES):
            body = json.dumps({"email": f"eve-{number}@example.com", "addresses": [address()], field: value})

            for response in (
                client.post(USERS, body),
                client.post(USERS, body, headers={"Idempotency-Key": f"{number}"}),
                client.patch(user_url(ada), json.dumps({field: value})),
            ):
                assert_is_json_and_no_crash(response, (field, value))
        assert_everybody_can_still_be_read(client)

    @pytest.mark.parametrize("field", ADDRESS_FIELDS)
    def test_with_any_value_in_any_field_of_an_address_are_answered(self, client, ada, ada_address, field):
        for number, value in enumerate(HOSTILE_VALUES):
            body = json.dumps(address(**{field: value}))
            nested = json.dumps({"email": f"eve-{number}@example.com", "addresses": [address(**{field: value})]})

            for response in (
                client.post(addresses_url(ada), body),
                client.put(address_url(ada_address), body),
                client.post(USERS, nested),
            ):
                assert_is_json_and_no_crash(response, (field, value))
        assert_everybody_can_still_be_read(client)

    def test_with_any_message_of_a_note_are_answered(self, client, ada):
        for value in HOSTILE_VALUES:
            assert_is_json_and_no_crash(client.post(notes_url(ada), json.dumps({"message": value})), value)
        assert client.get(notes_url(ada)).status_code == 200

    @each_operation(with_a_body())
    def test_of_any_json_are_answered(self, client, ada, ada_address, operation):
        for value in HOSTILE_VALUES:
            response = client.generic(
                operation.method.upper(),
                operation.url(user=ada, address=ada_address),
                json.dumps(value),
                "application/json",
            )

            assert_is_json_and_no_crash(response, value)

    @pytest.mark.parametrize("field", ["metadata", "tags", "addresses", "language", "unknown"])
    def test_of_any_depth_are_answered(self, client, field):
        """Between the depth that the parser can go and the one that the validation can."""
        for levels in (31, 33, 300, *range(850, 1_000, 2)):
            for deep in ("[" * levels + "]" * levels, '{"a":' * levels + "1" + "}" * levels):
                body = f'{{"email": "ada-{levels}@example.com", "{field}": {deep}}}'

                assert_is_json_and_no_crash(client.post(USERS, body), (field, levels))

    @pytest.mark.parametrize("charset", CHARSETS)
    def test_in_any_charset_are_answered(self, client, charset):
        multipart = b'--x\r\nContent-Disposition: form-data; name="email"\r\n\r\nada@example.com\r\n--x--\r\n'
        bodies = (b'{"email": "ada@example.com"}', b"email=ada%40example.com", b"\xff\x00", b"email=\xff", multipart)
        for media_type in ("application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
            for body in bodies:
                response = client.generic("POST", USERS, body, f"{media_type}; charset={charset}")

                assert_is_json_and_no_crash(response, (media_type, body))

    @pytest.mark.parametrize("name", FORM_NAMES)
    def test_from_a_form_with_any_name_are_answered(self, client, name):
        for number, value in enumerate(FORM_VALUES):
            form = {"email": f"{number}@example.com", name: value}

            assert_is_json_and_no_crash(client.post_form(USERS, form), (name, value))
            assert_is_json_and_no_crash(client.post_multipart(USERS, form), (name, value))
        assert_everybody_can_still_be_read(client)

    def test_of_a_broken_multipart_are_answered(self, client):
        part = b'--x\r\nContent-Disposition: form-data; name="email"; filename="a"\r\n\r\nada\r\n--x--'
        for body in (b"", b"--x", b"--x--", part, part * 2_000, part.replace(b"email", b"\xff")):
            for headers in ({}, {"Idempotency-Key": "k"}):
                for content_type in (
                    "multipart/form-data; boundary=x",
                    "multipart/form-data",
                    "multipart/form-data; boundary=",
                ):
                    response = client.generic("POST", USERS, body, content_type, headers=headers)

                    assert_is_json_and_no_crash(response, body)


class TestHostileQueries:
    @pytest.mark.parametrize("name", FILTERS)
    def test_of_any_value_in_any_parameter_are_answered(self, client, owner, ada, name):
        make_note(ada, author=owner)
        for url in (USERS, addresses_url(ada), notes_url(ada)):
            for value in QUERY_VALUES:
                assert_is_json_and_no_crash(client.get(url, {name: value}), (url, value))

    @pytest.mark.parametrize(
        "query", ["%", "%ff=%ff", "a=%00", "%00=1", "&&=&", "[=]", "email=%ED%A0%80", "?" * 5_000, "a&" * 2_000]
    )
    def test_of_any_shape_are_answered(self, client, query):
        make_users(30)

        assert_is_json_and_no_crash(client.get(f"{USERS}?{query}"), query)

    @pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12"])
    @pytest.mark.parametrize("day", ["0001-01-01", "0001-01-02", "9999-12-30", "9999-12-31"])
    def test_for_the_ends_of_the_calendar_are_answered(self, client, settings, ada, zone, day):
        settings.TIME_ZONE = zone

        for name in ("date_joined_from", "date_joined_to"):
            assert client.get(USERS, {name: day}).status_code == 200


class TestHostilePaths:
    @each_operation(of_one_user())
    def test_with_any_number_for_an_id_are_not_found(self, client, ada, ada_address, operation):
        for number in ("0", "9223372036854775807", "9223372036854775808", str(HUGE), "9" * 5_000):
            assert operation(client, user=number, address=ada_address).status_code == 404
            if "{address}" in operation.path:
                assert operation(client, user=ada, address=number).status_code == 404

    @pytest.mark.parametrize(
        "path",
        [
            "%00",
            "%ff",
            "-1",
            "1.0",
            "٣",
            "a" * 10_000,
            "..",
            "//",
            "%2e%2e/",
            "1/%00/",
            "users/%0a/",
            "\u202e",
            "?",
            "#",
            "%",
        ],
    )
    def test_of_any_shape_are_answered(self, client, path):
        for prefix in ("/api/admin/", USERS):
            for method in (client.get, client.post, client.delete, client.options):
                assert_is_json_and_no_crash(method(prefix + path), path)


class TestHostileHeaders:
    @pytest.mark.parametrize(
        ("header", "value"),
        [
            ("Accept", "application/json; q=x"),
            ("Accept", "\xff"),
            ("Accept", ";;;,/"),
            ("Accept-Language", "\xff"),
            ("Authorization", "Bearer"),
            ("Authorization", "Bearer \xff\xfe"),
            ("Authorization", "Bearer " + "x" * 20_000),
            ("X-29next-API-Version", "\xff"),
            ("X-Request-Id", "\xff\r\n"),
            ("If-None-Match", '"'),
            ("If-None-Match", "\xff"),
            ("If-Modified-Since", "yesterday"),
            ("If-Match", "W/"),
            ("If-Match", '"other"'),
            ("If-Unmodified-Since", "Sat, 29 Oct 1994 19:43:31 GMT"),
            ("Idempotency-Key", ""),
            ("Idempotency-Key", "\xff"),
            ("Idempotency-Key", "x" * 256),
            ("Range", "bytes=0-1"),
            ("Host", "evil.example"),
            ("Host", "\xff"),
            ("X-HTTP-Method-Override", "TRACE"),
            ("Cookie", "sessionid=\xff"),
            ("Content-Length", "x"),
            ("Content-Length", "-1"),
            ("Content-Type", "\xff"),
            ("Content-Type", ""),
            ("Content-Encoding", "gzip"),
        ],
    )
    def test_of_any_value_are_answered(self, client, ada, ada_address, header, value):
        for operation in OPERATIONS:
            extra = {"content_type": value} if header == "Content-Type" and operation.body is not None else {}
            headers = {} if header == "Content-Type" else {header: value}

            response = operation(client, user=ada, address=ada_address, headers=headers, **extra)

            assert_is_json_and_no_crash(response, operation.name)
