"""The actors: a store owner, and programs that call the Admin API with a token of theirs."""

import os
from hashlib import sha256
from itertools import count
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import override_settings
from django.utils import timezone

from customers.models import User
from oauth import api_usage
from oauth.fields import digest
from oauth.models import AccessToken
from oauth.tokens import issue_personal_token
from tests.support.clients import ApiClient
from tests.support.dashboard import browser_of, browser_of_role
from tests.support.factories import make_owner

pytest_plugins = ["tests.support.fixtures_files"]

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
def dashboard_client(owner) -> Client:
    """The owner's browser, signed in to the dashboard."""
    return browser_of(owner)


@pytest.fixture
def as_role(db):
    """`as_role("Viewer")`: the browser of a new member of staff with this role."""
    return browser_of_role


def storages_in(folder: Path) -> dict:
    """The settings of storages below a folder: `folder` itself has files of jobs, and `folder`-erasures the log."""
    storages = dict(settings.STORAGES)
    for name, location in (("default", folder), ("erasures", folder.with_name(f"{folder.name}-erasures"))):
        storages[name] = {**storages[name], "OPTIONS": {**storages[name]["OPTIONS"], "location": location}}
    return storages


@pytest.fixture(scope="session", autouse=True)
def files_of_worker(tmp_path_factory):
    """Each worker has a database of its own, and deletes the files that its database does not know."""
    with override_settings(STORAGES=storages_in(tmp_path_factory.mktemp("files"))):
        yield


@pytest.fixture
def files(settings, tmp_path):
    """Where imports and exports are kept: a folder of the test's own."""
    folder = tmp_path / "files"
    settings.STORAGES = storages_in(folder)
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
    api_usage.discard()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(request, django_db_modify_db_settings_parallel_suffix):
    """SQLite in a file instead of in memory: as in use, and several threads see the same data.

    The next run uses the file again. Its name has a digest of the migrations, so that new ones make a new file.
    """
    if connection.vendor == "sqlite":
        folder = request.config.cache.mkdir("databases")
        worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
        connection.settings_dict["TEST"]["NAME"] = str(folder / f"{digest_of_migrations()}-{worker}.sqlite3")


def digest_of_migrations() -> str:
    sources = [path for app in apps.get_app_configs() for path in Path(app.path).glob("migrations/*.py")]
    return sha256(b"".join(path.read_bytes() for path in sorted(sources))).hexdigest()[:12]


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """Empties a database that a killed run has left full."""
    with django_db_blocker.unblock():
        if User.objects.exists():
            call_command("flush", interactive=False, verbosity=0)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config):
    """Live tests wait nearly half of the time, for programs that start: three workers on two cores."""
    return (os.cpu_count() or 1) * 3 // 2 if config.option.markexpr.startswith("live") else None


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items):
    """Sets the markers that follow from where a test is and which fixtures it uses.

    A live module whose tests share a store runs on one worker, so that it starts once; so do all tests of the shared
    browser. What takes longest is the first, so that the other workers do not wait for it in the end.
    """
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if "tests/live/" in item.path.as_posix():
            item.add_marker(pytest.mark.live)
            if "store" not in fixtures:  # one of the test's own
                item.add_marker(pytest.mark.xdist_group("chrome" if "chrome" in fixtures else item.path.stem))
        if fixtures & {"browser", "chrome"}:
            item.add_marker(pytest.mark.browser)
    items.sort(key=lambda item: ("chrome" not in getattr(item, "fixturenames", ()), item.path.stem != "test_mirror"))


def pytest_collection_finish(session):
    """Without its groups xdist would start a store for each module on each worker: all would pass, and take longer."""
    if session.config.getoption("loadgroup", default=False):
        lost = [
            item.nodeid for item in session.items if item.get_closest_marker("xdist_group") and "@" not in item.nodeid
        ]
        assert not lost, f"xdist does not know the group of {lost[0]}."
