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
def test_api_error_for_an_unknown_host_has_the_headers_even_before_a_redirect_to_https(db, client, settings):
    settings.SECURE_SSL_REDIRECT = True
    for path in ("/api/admin/users/", "/admin/customers"):
        response = client.get(path, headers={"Host": "evil.example"})

        assert response.status_code == 400, path
        assert "json" in response.headers["Content-Type"], path
        assert response.headers["X-Content-Type-Options"] == "nosniff", path
        assert response.headers["Cache-Control"] == "no-store", path


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


@pytest.mark.once
def test_every_page_has_a_policy_without_inline_code(db, client, dashboard_client):
    client.raise_request_exception = False
    for browser, path, status in [
        (client, "/", 200),
        (client, "/dashboard/login/", 200),
        (client, "/dashboard/password_reset/", 200),
        (client, "/api/docs/admin/", 200),
        (client, "/nothing/", 404),
        (client, "/webhooks/none/", 404),
        (client, "/oauth2/token/none/", 404),
        (client, "/?q=%FF", 400),
        (dashboard_client, "/dashboard/nothing/", 404),
        (dashboard_client, "/dashboard/account/", 200),
        (dashboard_client, "/dashboard/customers/customer/", 200),
    ]:
        response = browser.get(path)

        assert (response.status_code, response.headers["Content-Type"]) == (status, "text/html; charset=utf-8"), path
        policy = dict(part.split(" ", 1) for part in response.headers["Content-Security-Policy"].split("; "))
        assert policy["default-src"] == "'none'", path
        assert (policy["script-src"], policy["form-action"]) == ("'self'", "'self'"), path
        assert "unsafe" not in " ".join(policy.values()), path


@pytest.mark.once
def test_page_of_a_failure_has_a_policy(db, client, monkeypatch):
    client.raise_request_exception = False
    monkeypatch.setattr("oauth.accounts.login.SignIn.get", None)

    response = client.get("/dashboard/login/")

    assert response.status_code == 500
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]


@pytest.mark.once
def test_page_for_an_unknown_host_has_a_policy(db, client):
    response = client.get("/", headers={"Host": "evil.example"})

    assert response.status_code == 400
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]


@pytest.mark.once
@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_checks_are_not_sniffed(db, client, path):
    headers = client.get(path).headers

    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
