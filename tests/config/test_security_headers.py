"""The headers that every answer has, whichever surface it comes from."""

import pytest

from oauth.scopes import Scope

PATHS = [
    "/",
    "/dashboard/login/",
    "/api/admin/users/",
    "/api/admin/nothing",
    "/api/docs/admin/",
    "/api/schema/admin/",
    "/admin/customers",
    "/admin/auth",
    "/oauth2/token/",
    "/.well-known/oauth-authorization-server",
    "/nothing",
]


@pytest.fixture
def answer(db, client, settings):
    """`answer("/path")`: by HTTPS, with the settings of production. The middleware reads them when it is made."""
    settings.SECURE_HSTS_SECONDS, settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = 3600, True
    return lambda path: client.get(path, secure=True)


@pytest.mark.once
@pytest.mark.parametrize("path", PATHS)
def test_answer_has_the_security_headers(answer, path):
    headers = answer(path).headers

    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Strict-Transport-Security"].startswith("max-age=3600; includeSubDomains")
    assert "charset=utf-8" in headers["Content-Type"] or headers["Content-Type"] == "application/json"


@pytest.mark.once
def test_answers_with_personal_data_or_secrets_are_not_stored_by_caches(db, client, api, dashboard_client):
    token = api(Scope.ADMIN_READ)

    for browser, path in [
        *((token, path) for path in ("/api/admin/users/", "/api/admin/webhooks/", "/admin/customers", "/admin/auth")),
        (token, "/api/admin/users/0/"),
        (client, "/admin/auth"),
        (client, "/oauth2/token/"),
        (dashboard_client, "/dashboard/customers/customer/"),
        (dashboard_client, "/dashboard/account/"),
        (client, "/dashboard/nothing/"),
    ]:
        response = browser.get(path)

        assert "no-store" in response.headers["Cache-Control"], path
