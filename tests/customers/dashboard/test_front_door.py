"""The page at `/`, and the error pages: in the dashboard's look for people, unchanged answers for programs."""

import pytest
from django.conf import settings
from django.db import OperationalError
from django.test import Client

from customers import store
from customers.api.openapi import DOCUMENTS
from customers.dashboard import home_numbers
from customers.store.services import change_details
from tests.support.dashboard import CUSTOMERS, DASHBOARD

STYLES = "dashboard/dashboard.css"


@pytest.fixture
def visitor():
    """The browser of somebody with a session cookie, in a test without a database."""
    browser = Client(raise_request_exception=False)
    browser.cookies[settings.SESSION_COOKIE_NAME] = "s" * 32
    return browser


@pytest.fixture
def no_database(monkeypatch):
    def fail():
        raise OperationalError("no answer")

    monkeypatch.setattr(store.services, "get_details", fail)


def assert_is_page(response, status: int, heading: str) -> str:
    page = response.content.decode()
    assert response.status_code == status
    assert response.headers["Content-Type"].startswith("text/html")
    assert "script-src 'self'" in response.headers["Content-Security-Policy"]
    assert STYLES in page
    assert f"<h1>{heading}</h1>" in page
    assert " style=" not in page
    assert "<style" not in page
    return page


class TestFrontDoor:
    def test_front_door_links_to_dashboard_and_api_reference_without_a_database(self, visitor, no_database):
        page = assert_is_page(visitor.get("/"), 200, "Welcome to this store")

        for url in (DASHBOARD, "/api/docs/admin/", *(f"/api/schema/admin/?version={name}" for name in DOCUMENTS)):
            assert f'href="{url}"' in page

    def test_front_door_links_lead_somewhere(self, db):
        for url in ("/api/docs/admin/", "/api/schema/admin/?version=unstable", f"{DASHBOARD}login/"):
            assert Client().get(url).status_code == 200

    def test_pages_for_anybody_have_the_name_of_the_store(self, db):
        change_details(name="Beans & Sons")

        door = assert_is_page(Client().get("/"), 200, "Welcome to Beans &amp; Sons")
        assert "<title>Beans &amp; Sons</title>" in door
        assert "<title>Page not found | Beans &amp; Sons</title>" in Client().get("/nope/").content.decode()

    def test_front_door_refuses_post(self, visitor):
        assert visitor.post("/").status_code == 405


class TestErrorPages:
    def test_unknown_address_shows_a_page_with_a_way_back(self, db):
        page = assert_is_page(Client().get("/nope/"), 404, "Page not found")

        assert f'href="{DASHBOARD}"' in page
        assert 'href="/"' in page

    def test_unknown_address_keeps_the_navigation_for_those_signed_in(self, dashboard_client):
        page = assert_is_page(dashboard_client.get(f"{DASHBOARD}nope/nope/"), 404, "Page not found")

        assert f'href="{CUSTOMERS}"' in page
        assert "Sign out" in page

    def test_forbidden_page_keeps_the_navigation(self, as_role):
        page = assert_is_page(as_role("Viewer").get(f"{CUSTOMERS}add/"), 403, "You may not do this")

        assert f'href="{CUSTOMERS}"' in page

    def test_bad_request_shows_a_page(self, dashboard_client):
        response = dashboard_client.get(f"{DASHBOARD}orders/order/?user__password=x")

        assert_is_page(response, 400, "Bad request")

    def test_unknown_host_is_refused_with_a_page(self, db):
        response = Client().get(DASHBOARD, headers={"host": "evil.example"})

        assert response.status_code == 400
        assert STYLES in response.content.decode()

    def test_form_without_csrf_token_shows_a_page(self, owner):
        browser = Client(enforce_csrf_checks=True)
        browser.force_login(owner)

        assert_is_page(browser.post(f"{CUSTOMERS}add/"), 403, "The form has expired")

    def test_crash_shows_a_page(self, dashboard_client, monkeypatch):
        monkeypatch.setattr(home_numbers, "numbers", lambda *_: 1 / 0)

        assert_is_page(dashboard_client.get(DASHBOARD), 500, "Something went wrong")

    def test_crash_without_a_database_shows_a_page(self, visitor):
        assert_is_page(visitor.get(DASHBOARD), 500, "Something went wrong")

    def test_signed_out_page_says_so(self, dashboard_client):
        assert_is_page(dashboard_client.post(f"{DASHBOARD}logout/"), 200, "You are signed out")


NOT_FOR_BROWSERS = [
    "/api/nope/",
    "/api/admin/nope/",
    "/admin/nope",
    "/webhooks/987654321/",
    "/webhooks/x/",
    "/oauth2/token/x/",
]


def test_api_errors_are_not_pages(db):
    for path in NOT_FOR_BROWSERS:
        response = Client(raise_request_exception=False).post(path, "{}", "application/json")

        assert response.status_code >= 400
        assert STYLES not in response.content.decode(), path
