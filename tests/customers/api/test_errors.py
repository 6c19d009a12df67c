"""Every failure under /api/admin/ is JSON."""

import pytest
from django.db import OperationalError

from customers import services
from customers.models import User
from tests.support.clients import ADMIN_API, USERS, address_url, addresses_url, notes_url, user_url
from tests.support.factories import make_user
from tests.support.operations import NOBODY, OPERATIONS, each_operation, of_one_user, with_a_body


def assert_is_a_json_error(response, status):
    assert response.status_code == status
    assert response.headers["Content-Type"] == "application/json"
    assert list(response.json()) == ["detail"]


class TestNotFound:
    @each_operation(of_one_user())
    def test_is_an_unknown_user(self, client, ada_address, operation):
        assert_is_a_json_error(operation(client, user=NOBODY, address=ada_address), 404)

    @each_operation([operation for operation in OPERATIONS if "{address}" in operation.path])
    def test_is_an_unknown_address(self, client, ada, operation):
        assert_is_a_json_error(operation(client, user=ada, address=NOBODY), 404)

    @pytest.mark.parametrize(
        "path", ["", "nothing", "nothing/", "user/", "users/x/", "users/1/notes/1/", "users/1/orders/1/"]
    )
    @pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
    def test_is_an_unknown_path_whoever_asks(self, anonymous, client, path, method):
        for caller in (anonymous, client):
            assert_is_a_json_error(getattr(caller, method)(ADMIN_API + path), 404)

    @each_operation()
    def test_is_a_path_without_its_last_slash_and_never_a_redirect(self, client, ada, ada_address, operation):
        url = operation.url(user=ada, address=ada_address)

        response = getattr(client, operation.method)(url.removesuffix("/"), operation.body)

        assert_is_a_json_error(response, 404)


class TestWrongMethod:
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
    def test_is_405_and_names_the_right_ones(self, client, ada_address, url, methods, allowed):
        for method in (*methods, "options", "trace"):
            response = getattr(client, method)(url(ada_address))

            assert_is_a_json_error(response, 405)
            assert set(response.headers["Allow"].split(", ")) == allowed

    def test_needs_a_token_to_be_told(self, anonymous):
        assert_is_a_json_error(anonymous.delete(USERS), 401)


class TestRepresentation:
    @each_operation()
    @pytest.mark.parametrize("accept", ["text/html", "application/xml, image/*"])
    def test_other_than_json_is_406(self, client, ada, ada_address, operation, accept):
        response = operation(client, user=ada, address=ada_address, headers={"Accept": accept})

        assert_is_a_json_error(response, 406)

    @pytest.mark.parametrize("accept", ["application/json", "application/*", "text/html, */*;q=0.1", None])
    def test_is_json_for_those_who_take_it(self, client, accept):
        headers = {} if accept is None else {"Accept": accept}

        assert client.get(USERS, headers=headers).status_code == 200

    @each_operation(with_a_body())
    @pytest.mark.parametrize("media_type", ["text/plain", "application/xml", "application/octet-stream", "x"])
    def test_of_a_body_in_another_media_type_is_415(self, client, ada, ada_address, operation, media_type):
        url = operation.url(user=ada, address=ada_address)

        assert_is_a_json_error(client.generic(operation.method.upper(), url, b"email=a", media_type), 415)


class TestBody:
    @each_operation(with_a_body())
    @pytest.mark.parametrize(
        "body", ["{", '{"email": }', "[1,", "\0", '{"email": NaN}', b'{"email": "\xff"}', "9" * 5000]
    )
    def test_of_broken_json_is_400(self, client, ada, ada_address, operation, body):
        url = operation.url(user=ada, address=ada_address)

        assert_is_a_json_error(client.generic(operation.method.upper(), url, body, "application/json"), 400)

    @each_operation(with_a_body())
    @pytest.mark.parametrize("body", ["[]", '"text"', "1", "true", "[{}]"])
    def test_of_anything_but_an_object_is_400(self, client, ada, ada_address, operation, body):
        url = operation.url(user=ada, address=ada_address)

        response = client.generic(operation.method.upper(), url, body, "application/json")

        assert response.status_code == 400
        assert "non_field_errors" in response.json()

    def test_deeper_than_the_parser_can_go_is_400(self, client):
        for deep in ("[" * 100_000, "[" * 100_000 + "]" * 100_000, '{"a":' * 100_000):
            assert_is_a_json_error(client.post(USERS, deep), 400)

    @each_operation(with_a_body())
    def test_of_more_than_the_limit_is_413(self, client, settings, ada, ada_address, operation):
        settings.MAX_BODY_BYTES = 1_000
        url = operation.url(user=ada, address=ada_address)

        response = client.generic(operation.method.upper(), url, " " * 1_001, "application/json")

        assert_is_a_json_error(response, 413)

    def test_of_just_the_limit_is_read(self, client, settings):
        body = '{"email": "ada@example.com"}'
        settings.MAX_BODY_BYTES = len(body)

        assert client.post(USERS, body).status_code == 201

    def test_of_more_than_the_limit_is_not_read_for_a_stranger(self, anonymous, settings):
        settings.MAX_BODY_BYTES = 10

        assert_is_a_json_error(anonymous.post(USERS, " " * 11), 401)

    def test_that_fails_on_the_way_out_leaves_nothing(self, client):
        """A refused address takes the person with it."""
        body = {"email": "ada@example.com", "addresses": [{"line1": "1", "line4": "Paris", "country": "XX"}]}

        response = client.post(USERS, body)

        assert response.json()["addresses"]["0"] == {"country": ["Enter a two-letter country code of ISO 3166-1."]}
        assert not User.objects.filter(email="ada@example.com").exists()


class TestBeforeTheView:
    def test_an_unknown_host_is_told_in_json(self, client):
        assert_is_a_json_error(client.get(USERS, headers={"Host": "evil.example"}), 400)

    def test_a_busy_database_is_503_with_a_time_to_come_back(self, client, monkeypatch):
        def busy(*args, **kwargs):
            raise OperationalError("database is locked")

        monkeypatch.setattr(services, "create_user", busy)

        response = client.post(USERS, {"email": "ada@example.com"})

        assert_is_a_json_error(response, 503)
        assert response.headers["Retry-After"] == "1"

    def test_a_crash_is_told_in_json_and_tells_nothing(self, client, monkeypatch):
        monkeypatch.setattr(services, "create_user", lambda **fields: 1 / 0)

        response = client.post(USERS, {"email": "ada@example.com"})

        assert_is_a_json_error(response, 500)
        assert "Zero" not in response.content.decode()


class TestIgnored:
    def test_are_unknown_fields_of_the_body(self, client):
        body = {"email": "ada@example.com", "favourite_colour": "blue", "addresses": [], "nested": {"a": [1]}}

        response = client.post(USERS, body)

        assert response.status_code == 201
        assert "favourite_colour" not in response.json()

    @pytest.mark.parametrize(
        "query", ["utm=1", "limit=5", "limit=x", "format=xml", "page=3", "offset=2", "email=", "ordering=-id"]
    )
    def test_are_unknown_parameters(self, client, query):
        make_user()

        response = client.get(f"{USERS}?{query}")

        assert response.status_code == 200
        assert len(response.json()["results"]) == 2  # the owner and the customer

    @each_operation()
    def test_are_unknown_parameters_of_every_operation(self, client, ada, ada_address, operation):
        url = operation.url(user=ada, address=ada_address)

        response = getattr(client, operation.method)(f"{url}?limit=1&format=xml&x=%00", operation.body)

        assert response.status_code in (200, 201, 204)


class TestBodyOfUnknownLength:
    def test_is_411_rather_than_taken_for_empty(self, client, ada):
        response = client.generic("PATCH", user_url(ada), headers={"Transfer-Encoding": "chunked"})

        assert_is_a_json_error(response, 411)


class TestPathsOutsideTheSection:
    @pytest.mark.parametrize("path", ["/api/admin", "/api/other/", "/api/"])
    def test_are_404_in_json(self, client, path):
        assert_is_a_json_error(client.get(path), 404)
