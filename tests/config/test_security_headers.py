"""The headers that every answer has, whichever surface it comes from."""

import pytest

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
