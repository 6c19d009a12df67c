"""The actors: a store owner, and programs that call the Admin API with a token of theirs."""

from itertools import count
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client
from django.test.client import MULTIPART_CONTENT
from django.test.utils import override_settings
from django.utils import timezone

from oauth import api_usage
from oauth.fields import digest
from oauth.models import AccessToken
from oauth.tokens import issue_personal_token
from tests.support.factories import make_owner

ADMIN_API = "/api/admin/"
USERS = f"{ADMIN_API}users/"

JSON = "application/json"

_app_number = count(1)


def user_url(user) -> str:
    """Of a user or an id."""
    return f"{USERS}{getattr(user, 'pk', user)}/"


def addresses_url(user) -> str:
    return f"{user_url(user)}addresses/"


def address_url(address, user=None) -> str:
    """Of an address, as seen from its own user or from another one."""
    return f"{addresses_url(user or address.user_id)}{address.pk}/"


def notes_url(user) -> str:
    return f"{user_url(user)}notes/"


class ApiClient(Client):
    """Sends JSON unless told otherwise, and sees a crash as the 500 that a client would see."""

    def __init__(self, token: str | None = None, *, headers=None, **options):
        bearer = {"Authorization": f"Bearer {token}"} if token else {}
        super().__init__(headers={**bearer, **(headers or {})}, raise_request_exception=False, **options)
        self.token = token

    def post(self, path, data=None, content_type=JSON, **extra):
        return super().post(path, data, content_type, **extra)

    def put(self, path, data=None, content_type=JSON, **extra):
        return super().put(path, {} if data is None else data, content_type, **extra)

    def patch(self, path, data=None, content_type=JSON, **extra):
        return super().patch(path, {} if data is None else data, content_type, **extra)

    def post_form(self, path, data, **extra):
        """`data`: a dictionary, in which a list is a name that comes several times."""
        return self.post(path, urlencode(data, doseq=True), "application/x-www-form-urlencoded", **extra)

    def post_multipart(self, path, data, **extra):
        return self.post(path, data, MULTIPART_CONTENT, **extra)


@pytest.fixture
def owner(db):
    return make_owner(email="owner@store.example", first_name="Olive", last_name="Owner")


@pytest.fixture
def anonymous(db) -> ApiClient:
    return ApiClient()


@pytest.fixture
def api(owner):
    """`api(Scope.USERS_READ)`: a client with a new token of an app of its own, without a rate limit unless one is
    given. What else `issue_personal_token` takes (`expires`, `api_version`, ...) is passed on to it."""

    def make(*scopes, headers=None, rate_limit=0, **token_options) -> ApiClient:
        options = {"owner": owner, "app_name": f"App {next(_app_number)}", "rate_limit": rate_limit, **token_options}
        token = issue_personal_token(scopes=list(scopes), **options)
        # As one in use: the first use of a token is noted.
        AccessToken.objects.filter(token_checksum=digest(token)).update(last_used_at=timezone.now())
        return ApiClient(token, headers=headers)

    return make


@pytest.fixture
def files(settings, tmp_path):
    """Where imports and exports are kept: a folder of the test's own."""
    storage, folder = settings.STORAGES["default"], tmp_path / "files"
    kept = {**storage, "OPTIONS": {**storage["OPTIONS"], "location": folder}}
    settings.STORAGES = {**settings.STORAGES, "default": kept}
    return folder


@pytest.fixture(scope="session", autouse=True)
def quick_hashes():
    """A fifth of a second for each password, saved."""
    hashers = ["django.contrib.auth.hashers.MD5PasswordHasher", "oauth.hashers.ClientSecretHasher"]
    with override_settings(PASSWORD_HASHERS=hashers):
        yield


@pytest.fixture(autouse=True)
def uncounted():
    """API calls are counted in the process, which would note them at its end."""
    yield
    api_usage.forget()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix, tmp_path_factory):
    """SQLite in a file instead of in memory: as in use, and several threads see the same data."""
    if connection.vendor == "sqlite":
        connection.settings_dict["TEST"]["NAME"] = str(tmp_path_factory.mktemp("database") / "test.sqlite3")


def by_database(*, postgresql, sqlite):
    """What differs between the two, such as the number of queries a write takes."""
    return {"postgresql": postgresql, "sqlite": sqlite}[connection.vendor]
