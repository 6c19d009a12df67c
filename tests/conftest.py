"""The actors: a store owner, and programs that call the Admin API with a token of theirs."""

from itertools import count

import pytest
from django.db import connection
from django.test.utils import override_settings
from django.utils import timezone

from oauth import api_usage
from oauth.fields import digest
from oauth.models import AccessToken
from oauth.tokens import issue_personal_token
from tests.support.clients import ApiClient
from tests.support.factories import make_owner

_app_number = count(1)


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
