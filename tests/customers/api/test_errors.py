"""Every error under /api/admin/ is JSON. What the base class does is tested with one operation of each viewset."""

import pytest
from django.db import OperationalError

from customers import services
from customers.models import User
from tests.support.clients import ADMIN_API, USERS, address_url, addresses_url, notes_url, user_url
from tests.support.factories import make_user
from tests.support.operations import ADDRESS_OPERATIONS, CREATE_OPERATIONS, NOBODY, OPERATIONS, USER_OPERATIONS


def assert_is_a_json_error(response, status, context=""):
    assert response.status_code == status, context
    assert response.headers["Content-Type"] == "application/json", context
    assert list(response.json()) == ["detail"], context


class TestNotFound:
    def test_unknown_user_is_404_for_every_operation(self, admin_client, ada_address):
        for operation in USER_OPERATIONS:
            response = operation(admin_client, user=NOBODY, address=ada_address)

            assert_is_a_json_error(response, 404, operation.name)

    def test_unknown_address_is_404_for_every_operation(self, admin_client, ada):
        for operation in ADDRESS_OPERATIONS:
            assert_is_a_json_error(operation(admin_client, user=ada, address=NOBODY), 404, operation.name)

    def test_unknown_path_is_404_with_and_without_a_token(self, anonymous, admin_client):
        for path in ("nothing", "nothing/", "user/", "users/x/", "users/1/notes/1/", "users/1/orders/1/"):
            for method in ("get", "post", "put", "patch", "delete"):
                for caller in (anonymous, admin_client):
                    assert_is_a_json_error(getattr(caller, method)(ADMIN_API + path), 404, (method, path))

    def test_path_without_the_last_slash_is_404_and_no_redirect(self, admin_client, ada, ada_address):
        for operation in OPERATIONS:
            url = operation.url(user=ada, address=ada_address).removesuffix("/")

            assert_is_a_json_error(getattr(admin_client, operation.method)(url, operation.body), 404, operation.name)

    @pytest.mark.parametrize("path", ["/api/admin", "/api/other/", "/api/"])
    def test_path_outside_of_the_admin_api_is_404_in_json(self, admin_client, path):
        assert_is_a_json_error(admin_client.get(path), 404)


class TestMethodNotAllowed:
    @pytest.mark.parametrize(
        ("url", "methods", "allowed"),
        [
            (lambda address: USERS, ["put", "patch", "delete"], {"GET", "HEAD", "POST"}),
            (lambda address: user_url(address.user_id), ["post", "delete"], {"GET", "HEAD", "PUT", "PATCH"}),
            (lambda address: addresses_url(address.user_id), ["put", "patch", "delete"], {"GET", "HEAD", "POST"}),
            (address_url, ["post", "patch"], {"GET", "HEAD", "PUT", "DELETE"}),
            (lambda address: notes_url(address.user_id), ["put", "patch", "delete"], {"GET", "HEAD", "POST"}),
        ],
        ids=["users", "user", "addresses", "address", "notes"],
    )
    def test_wrong_method_is_405_and_allow_lists_the_right_ones(self, admin_client, ada_address, url, methods, allowed):
        for method in (*methods, "options", "trace"):
            response = getattr(admin_client, method)(url(ada_address))

            assert_is_a_json_error(response, 405)
            assert set(response.headers["Allow"].split(", ")) == allowed

    def test_wrong_method_without_a_token_is_401(self, anonymous):
        assert_is_a_json_error(anonymous.delete(USERS), 401)


class TestMediaType:
    def test_accept_without_json_is_406(self, admin_client, ada):
        for accept in ("text/html", "application/xml, image/*"):
            for operation in CREATE_OPERATIONS:
                response = operation(admin_client, user=ada, headers={"Accept": accept})

                assert_is_a_json_error(response, 406, (operation.name, accept))

    @pytest.mark.parametrize("accept", ["application/json", "application/*", "text/html, */*;q=0.1", None])
    def test_accept_with_json_is_answered(self, admin_client, accept):
        headers = {} if accept is None else {"Accept": accept}

        assert admin_client.get(USERS, headers=headers).status_code == 200

    @pytest.mark.parametrize("media_type", ["text/plain", "application/xml", "application/octet-stream", "x"])
    def test_body_of_another_media_type_is_415(self, admin_client, ada, media_type):
        for operation in CREATE_OPERATIONS:
            response = admin_client.generic("POST", operation.url(user=ada), b"email=a", media_type)

            assert_is_a_json_error(response, 415, operation.name)


class TestBody:
    @pytest.mark.parametrize(
        "body", ["{", '{"email": }', "[1,", "\0", '{"email": NaN}', b'{"email": "\xff"}', "9" * 5000]
    )
    def test_broken_json_is_400(self, admin_client, ada, body):
        for operation in CREATE_OPERATIONS:
            response = admin_client.generic("POST", operation.url(user=ada), body, "application/json")

            assert_is_a_json_error(response, 400, operation.name)

    @pytest.mark.parametrize("body", ["[]", '"text"', "1", "true", "[{}]"])
    def test_json_that_is_not_an_object_is_400(self, admin_client, ada, body):
        for operation in CREATE_OPERATIONS:
            response = admin_client.generic("POST", operation.url(user=ada), body, "application/json")

            assert response.status_code == 400, operation.name
            assert "non_field_errors" in response.json()

    def test_json_deeper_than_the_parser_allows_is_400(self, admin_client):
        for deep in ("[" * 100_000, "[" * 100_000 + "]" * 100_000, '{"a":' * 100_000):
            assert_is_a_json_error(admin_client.post(USERS, deep), 400)

    def test_body_above_the_size_limit_is_413(self, admin_client, settings, ada):
        settings.MAX_BODY_BYTES = 1_000
        for operation in CREATE_OPERATIONS:
            response = admin_client.generic("POST", operation.url(user=ada), " " * 1_001, "application/json")

            assert_is_a_json_error(response, 413, operation.name)

    def test_body_of_the_size_limit_is_accepted(self, admin_client, settings):
        body = '{"email": "ada@example.com"}'
        settings.MAX_BODY_BYTES = len(body)

        assert admin_client.post(USERS, body).status_code == 201

    def test_body_above_the_size_limit_without_a_token_is_413(self, anonymous, settings):
        settings.MAX_BODY_BYTES = 10

        assert_is_a_json_error(anonymous.post(USERS, " " * 11), 413)

    def test_chunked_body_without_content_length_is_411(self, admin_client, ada):
        response = admin_client.generic("PATCH", user_url(ada), headers={"Transfer-Encoding": "chunked"})

        assert_is_a_json_error(response, 411)

    @pytest.mark.parametrize("length", ["x", "-1", "٣"])
    def test_content_length_that_is_not_a_number_is_400(self, admin_client, ada, length):
        response = admin_client.patch(user_url(ada), {}, CONTENT_LENGTH=length)

        assert_is_a_json_error(response, 400)

    def test_invalid_address_leaves_no_customer(self, admin_client):
        body = {"email": "ada@example.com", "addresses": [{"line1": "1", "line4": "Paris", "country": "XX"}]}

        response = admin_client.post(USERS, body)

        assert response.json()["addresses"]["0"] == {"country": ["Enter a two-letter country code of ISO 3166-1."]}
        assert not User.objects.filter(email="ada@example.com").exists()


class TestServerErrors:
    def test_unknown_host_is_400_in_json(self, admin_client):
        assert_is_a_json_error(admin_client.get(USERS, headers={"Host": "evil.example"}), 400)

    def test_busy_database_is_503_with_retry_after(self, admin_client, monkeypatch):
        def busy(*args, **kwargs):
            raise OperationalError("database is locked")

        monkeypatch.setattr(services, "insert_user", busy)

        response = admin_client.post(USERS, {"email": "ada@example.com"})

        assert_is_a_json_error(response, 503)
        assert response.headers["Retry-After"] == "1"

    def test_crash_is_500_in_json_without_details(self, admin_client, monkeypatch):
        monkeypatch.setattr(services, "insert_user", lambda **fields: 1 / 0)

        response = admin_client.post(USERS, {"email": "ada@example.com"})

        assert_is_a_json_error(response, 500)
        assert "Zero" not in response.content.decode()


class TestUnknownInput:
    def test_unknown_fields_of_the_body_are_ignored(self, admin_client):
        body = {"email": "ada@example.com", "favourite_colour": "blue", "addresses": [], "nested": {"a": [1]}}

        response = admin_client.post(USERS, body)

        assert response.status_code == 201
        assert "favourite_colour" not in response.json()

    @pytest.mark.parametrize(
        "query", ["utm=1", "limit=5", "limit=x", "format=xml", "page=3", "offset=2", "email=", "ordering=-id"]
    )
    def test_unknown_and_empty_parameters_of_the_list_are_ignored(self, admin_client, query):
        make_user()

        response = admin_client.get(f"{USERS}?{query}")

        assert response.status_code == 200
        assert len(response.json()["results"]) == 2  # the owner and the customer

    def test_unknown_parameters_of_every_operation_are_ignored(self, admin_client, ada, ada_address):
        for operation in OPERATIONS:
            url = operation.url(user=ada, address=ada_address)

            response = getattr(admin_client, operation.method)(f"{url}?limit=1&format=xml&x=%00", operation.body)

            assert response.status_code in (200, 201, 204), operation.name
