"""What an app reads of itself, and the settings it keeps in the store."""

from urllib.parse import urlencode

import pytest
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from oauth.models import App
from oauth.scopes import Scope
from tests.support.clients import ADMIN_API
from tests.support.concurrency import at_once

VERSION = "X-29next-API-Version"
FORM = "application/x-www-form-urlencoded"
DEEP = 33 * '{"a":' + "1" + 33 * "}"
BOTTOMLESS = 5_000 * '{"a":' + "1" + 5_000 * "}"


@pytest.fixture
def admin_client(api):
    """A private app without any permission."""
    return api()


@pytest.fixture
def app(admin_client) -> App:
    return App.objects.get()


@pytest.fixture
def app_url(app) -> str:
    return f"{ADMIN_API}apps/{app.client_id}/"


@pytest.fixture
def settings_url(app_url) -> str:
    return f"{app_url}settings/"


# Each operation, as a method and the end of its path.
OPERATIONS = [("get", ""), ("get", "settings/"), ("put", "settings/"), ("patch", "settings/"), ("delete", "settings/")]


class TestEveryOperation:
    def test_app_endpoint_without_a_token_is_401(self, anonymous, app_url):
        for method, path in OPERATIONS:
            response = getattr(anonymous, method)(app_url + path)

            assert response.status_code == 401
            assert response.headers["WWW-Authenticate"] == 'Bearer realm="admin"'

    def test_app_endpoint_needs_no_scope(self, admin_client, app_url):
        for method, path in OPERATIONS:
            assert getattr(admin_client, method)(app_url + path).status_code in (200, 204)

    def test_app_endpoint_of_another_app_is_403(self, admin_client, api, app_url, settings_url):
        admin_client.put(settings_url, {"theme": "dark"})
        other_client = api(Scope.ADMIN_READ, Scope.ADMIN_WRITE)
        for method, path in OPERATIONS:
            response = getattr(other_client, method)(app_url + path)
            unknown = getattr(other_client, method)(f"{ADMIN_API}apps/unknown/{path}")

            assert response.status_code == unknown.status_code == 403
            assert response.content == unknown.content
            assert admin_client.get(settings_url).json() == {"theme": "dark"}

    @pytest.mark.parametrize("version", ["2023-02-10", "2024-04-01", "unstable"])
    def test_app_endpoint_accepts_every_version(self, admin_client, app_url, version):
        for method, path in OPERATIONS:
            response = getattr(admin_client, method)(app_url + path, headers={VERSION: version})

            assert response.status_code in (200, 204)
            assert response.headers[VERSION] == version

    def test_app_endpoint_with_unknown_version_changes_nothing(self, admin_client, app_url, settings_url):
        admin_client.put(settings_url, {"theme": "dark"})
        for method, path in OPERATIONS:
            response = getattr(admin_client, method)(app_url + path, headers={VERSION: "1999-01-01"})

            assert response.status_code == 400
            assert admin_client.get(settings_url).json() == {"theme": "dark"}

    def test_app_endpoint_counts_towards_the_rate_limit(self, admin_client, app_url):
        App.objects.update(rate_limit=1)

        answers = [getattr(admin_client, method)(app_url + path) for method, path in OPERATIONS]

        assert [answer.status_code for answer in answers] == [200, 429, 429, 429, 429]
        assert answers[1].headers["Retry-After"] == "1"


def test_app_endpoints_reject_post(admin_client, app_url):
    for path in ("", "settings/"):
        assert admin_client.post(app_url + path, {}).status_code == 405


class TestApp:
    def test_retrieve_app_returns_its_own_data(self, admin_client, app, app_url):
        App.objects.update(version="1.2", settings={"theme": "dark"})

        shown = admin_client.get(app_url).json()

        assert set(shown) == {"client_id", "name", "version", "settings", "created_at", "updated_at"}
        assert shown["client_id"] == app.client_id
        assert shown["name"] == app.name
        assert shown["version"] == "1.2"
        assert shown["settings"] == {"theme": "dark"}

    def test_new_app_has_no_version_and_no_settings(self, admin_client, app_url):
        shown = admin_client.get(app_url).json()

        assert (shown["version"], shown["settings"]) == (None, {})

    @pytest.mark.parametrize("method", ["put", "patch", "delete"])
    def test_saving_settings_changes_updated_at_of_the_app(self, admin_client, app_url, settings_url, method):
        before = admin_client.get(app_url).json()

        getattr(admin_client, method)(settings_url)

        after = admin_client.get(app_url).json()
        assert after["updated_at"] > before["updated_at"]
        assert after["created_at"] == before["created_at"]

    def test_retrieve_app_takes_two_queries(self, admin_client, app_url, django_assert_num_queries):
        with django_assert_num_queries(2):  # token, app
            admin_client.get(app_url)


class TestETagOfTheApp:
    def test_etag_of_the_app_changes_with_its_settings(self, admin_client, app_url, settings_url):
        etag = admin_client.get(app_url).headers["ETag"]
        assert admin_client.get(app_url).headers["ETag"] == etag

        admin_client.put(settings_url, {"theme": "dark"})

        assert admin_client.get(app_url).headers["ETag"] != etag

    def test_app_with_matching_if_none_match_is_304(self, admin_client, app_url):
        etag = admin_client.get(app_url).headers["ETag"]

        response = admin_client.get(app_url, headers={"If-None-Match": etag})

        assert (response.status_code, response.content) == (304, b"")

    def test_app_with_outdated_if_match_is_412(self, admin_client, app_url):
        etag = admin_client.get(app_url).headers["ETag"]

        assert admin_client.get(app_url, headers={"If-Match": etag}).status_code == 200
        assert admin_client.get(app_url, headers={"If-Match": '"other"'}).status_code == 412


class TestSettings:
    def test_put_replaces_all_settings(self, admin_client, settings_url):
        admin_client.put(settings_url, {"theme": "dark", "columns": [1, 2.5, None, {"deep": True}]})

        response = admin_client.put(settings_url, {"language": "en"})

        assert response.status_code == 200
        assert response.json() == admin_client.get(settings_url).json() == {"language": "en"}

    def test_patch_keeps_omitted_settings(self, admin_client, settings_url):
        admin_client.put(settings_url, {"theme": {"name": "dark", "size": 2}, "language": "en"})

        response = admin_client.patch(settings_url, {"theme": {"name": "light"}, "new": None})

        assert response.status_code == 200
        assert response.json() == {"theme": {"name": "light"}, "language": "en", "new": None}
        assert admin_client.get(settings_url).json() == response.json()

    def test_delete_empties_the_settings(self, admin_client, settings_url):
        admin_client.put(settings_url, {"theme": "dark"})

        response = admin_client.delete(settings_url)

        assert (response.status_code, response.content) == (204, b"")
        assert admin_client.get(settings_url).json() == {}

    @pytest.mark.parametrize("media_type", [FORM, MULTIPART_CONTENT])
    def test_settings_are_accepted_from_forms(self, admin_client, settings_url, media_type):
        form = {"theme[name]": "dark", "columns[0]": "name", "columns[1]": "email"}
        body = urlencode(form) if media_type == FORM else encode_multipart(BOUNDARY, form)

        response = admin_client.put(settings_url, body, media_type)

        assert response.status_code == 200
        assert admin_client.get(settings_url).json() == {"theme": {"name": "dark"}, "columns": ["name", "email"]}

    @pytest.mark.parametrize("method", ["put", "patch"])
    @pytest.mark.parametrize(
        "body",
        ["[]", '[{"a": 1}]', '"a"', "1", "null", "{", '{"a": NaN}', '{"a": 1e999}', '{"a": 9223372036854775808}',
         r'{"a": "\u0000"}', r'{"\u0000": 1}', r'{"a": "\ud800"}', DEEP, BOTTOMLESS],
        ids=lambda body: body[:20],
    )  # fmt: skip
    def test_invalid_settings_are_rejected_and_change_nothing(self, admin_client, settings_url, method, body):
        admin_client.put(settings_url, {"theme": "dark"})

        response = getattr(admin_client, method)(settings_url, body)

        assert response.status_code == 400
        assert isinstance(response.json(), dict)
        assert admin_client.get(settings_url).json() == {"theme": "dark"}

    @pytest.mark.parametrize(("method", "queries"), [("get", 2), ("put", 6), ("patch", 6), ("delete", 3)])
    def test_settings_take_few_queries(self, admin_client, settings_url, django_assert_num_queries, method, queries):
        with django_assert_num_queries(queries):  # token, app; savepoint, app locked, update, release; or one update
            getattr(admin_client, method)(settings_url)

    def test_settings_belong_to_one_app(self, admin_client, api, settings_url):
        stranger = api()
        other = App.objects.latest("pk")

        stranger.put(f"{ADMIN_API}apps/{other.client_id}/settings/", {"theme": "light"})

        assert admin_client.get(settings_url).json() == {}


@pytest.mark.django_db(transaction=True)
class TestTwoAtOnce:
    def test_concurrent_settings_patches_lose_nothing(self, admin_client, settings_url):
        for turn in range(5):
            at_once([lambda key=f"{turn}-{half}": admin_client.patch(settings_url, {key: True}) for half in "ab"])

        assert len(admin_client.get(settings_url).json()) == 10
