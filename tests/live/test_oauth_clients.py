"""Two public OAuth clients that know nothing of this store, in every way that they can prove who they are."""

import pytest
import requests
from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session as AuthlibSession
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from requests_oauthlib import OAuth2Session as RequestsSession

from tests.live.owner import REDIRECT_URI, Dashboard

SCOPE = ["users:read", "users:write"]

every_client = pytest.mark.parametrize(
    ("auth_method", "pkce"),
    [
        ("client_secret_basic", None),
        ("client_secret_basic", "S256"),
        ("client_secret_post", None),
        ("client_secret_post", "S256"),
        ("none", "S256"),
    ],
)


@pytest.fixture(autouse=True)
def plain_http(monkeypatch):
    """Which the libraries refuse unless told, for a loopback address, too."""
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")


@pytest.fixture(scope="module")
def dashboard(shared_store):
    return Dashboard(shared_store)


@pytest.fixture(scope="module")
def metadata(shared_store) -> dict:
    return requests.get(f"{shared_store.url}/.well-known/oauth-authorization-server").json()


@pytest.fixture
def app(shared_store, auth_method) -> dict[str, str]:
    """A public client where it has no secret to prove who it is."""
    options = ["--public"] if auth_method == "none" else []
    return shared_store.register_app("https://app.example/", REDIRECT_URI, *options)


def test_authlib_finds_no_fault_with_the_metadata(metadata):
    AuthorizationServerMetadata(metadata).validate()


@every_client
def test_authlib_gets_refreshes_and_revokes_a_token(shared_store, dashboard, metadata, app, auth_method, pkce):
    users = f"{shared_store.url}/api/admin/users/"
    client = AuthlibSession(
        app["client_id"],
        app.get("client_secret"),
        token_endpoint_auth_method=auth_method,
        revocation_endpoint_auth_method=auth_method,
        scope=SCOPE,
        redirect_uri=REDIRECT_URI,
        code_challenge_method=pkce,
    )
    verifier = generate_token(48) if pkce else None

    url, state = client.create_authorization_url(metadata["authorization_endpoint"], code_verifier=verifier)
    first = client.fetch_token(
        metadata["token_endpoint"],
        authorization_response=dashboard.consent(url),
        state=state,
        code_verifier=verifier,
    )
    assert client.get(users).status_code == 200

    second = client.refresh_token(metadata["token_endpoint"])
    assert second["access_token"] != first["access_token"]
    assert client.get(users).status_code == 200

    assert client.revoke_token(metadata["revocation_endpoint"]).status_code == 200
    assert client.get(users).status_code == 401


@every_client
def test_requests_oauthlib_gets_and_refreshes_a_token(shared_store, dashboard, metadata, app, auth_method, pkce):
    users = f"{shared_store.url}/api/admin/users/"
    client = RequestsSession(app["client_id"], scope=SCOPE, redirect_uri=REDIRECT_URI, pkce=pkce)
    secret = app.get("client_secret")
    basic = (app["client_id"], secret) if auth_method == "client_secret_basic" else None

    url, _ = client.authorization_url(metadata["authorization_endpoint"])
    first = client.fetch_token(
        metadata["token_endpoint"],
        authorization_response=dashboard.consent(url),
        auth=basic,
        include_client_id=not basic,
        client_secret=secret,
    )
    assert client.get(users).status_code == 200

    in_body = {} if basic else {"client_id": app["client_id"], "client_secret": secret}
    second = client.refresh_token(metadata["token_endpoint"], auth=basic, **in_body)
    assert second["access_token"] != first["access_token"]
    assert client.get(users).status_code == 200
