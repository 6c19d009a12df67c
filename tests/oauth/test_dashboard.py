import pytest
from django.test import Client

from oauth.models import App
from oauth.scopes import Scope
from tests.conftest import USERS

APPS = "/dashboard/oauth/app/"


@pytest.fixture
def dashboard(owner) -> Client:
    client = Client()
    client.force_login(owner)
    return client


class TestApps:
    def test_are_listed(self, dashboard, api):
        api(Scope.USERS_READ, app_name="Warehouse")

        assert b"Warehouse" in dashboard.get(APPS).content

    def test_are_switched_off_with_all_their_tokens(self, dashboard, api):
        client = api(Scope.USERS_READ)
        app = App.objects.get()
        assert client.get(USERS).status_code == 200

        dashboard.post(f"{APPS}{app.pk}/change/", {"api_version": app.api_version, "rate_limit": ""})

        assert client.get(USERS).status_code == 401

    def test_have_a_version_and_a_limit_of_their_own(self, dashboard, api):
        client = api(Scope.USERS_READ)
        app = App.objects.get()

        dashboard.post(
            f"{APPS}{app.pk}/change/", {"is_active": "on", "api_version": "2023-02-10", "rate_limit": "1000"}
        )

        answer = client.get(USERS)
        assert answer.headers["X-29next-API-Version"] == "2023-02-10"
        assert answer.headers["RateLimit-Policy"] == '"token";q=1000;w=1'

    def test_take_no_limit_that_could_not_be_counted(self, dashboard, api):
        api(Scope.USERS_READ)
        app = App.objects.get()

        page = dashboard.post(
            f"{APPS}{app.pk}/change/", {"is_active": "on", "api_version": "unstable", "rate_limit": "1001"}
        )

        assert page.status_code == 200
        assert b"errornote" in page.content

    def test_show_no_secret(self, dashboard, api):
        client = api(Scope.USERS_READ)
        app = App.objects.get()

        page = dashboard.get(f"{APPS}{app.pk}/change/").content.decode()

        assert client.token not in page
        assert app.client_secret not in page


@pytest.mark.parametrize("model", ["accesstoken", "refreshtoken", "grant", "idtoken"])
def test_the_tables_of_the_protocol_are_not_shown(dashboard, model):
    assert dashboard.get(f"/dashboard/oauth/{model}/").status_code == 404
