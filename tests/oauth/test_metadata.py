"""The authorization server metadata (RFC 8414), which is what clients rely on against downgrades and mix-ups."""

import pytest

from oauth.scopes import Scope
from tests.support.cases import each

METADATA = "/.well-known/oauth-authorization-server"


@pytest.fixture
def metadata(client, db) -> dict:
    return client.get(METADATA).json()


def test_metadata_promises_what_the_server_does_and_no_more(metadata):
    methods = ["client_secret_basic", "client_secret_post"]

    assert metadata["response_types_supported"] == ["code"]
    assert metadata["grant_types_supported"] == ["authorization_code", "refresh_token"]
    assert metadata["code_challenge_methods_supported"] == ["S256"]
    assert metadata["authorization_response_iss_parameter_supported"] is True
    assert metadata["scopes_supported"] == sorted(Scope)
    assert sorted(metadata["token_endpoint_auth_methods_supported"]) == [*methods, "none"]
    assert sorted(metadata["revocation_endpoint_auth_methods_supported"]) == [*methods, "none"]
    assert sorted(metadata["introspection_endpoint_auth_methods_supported"]) == methods


def test_metadata_names_endpoints_below_the_issuer(metadata):
    endpoints = {name: url for name, url in metadata.items() if name.endswith("_endpoint")}

    assert endpoints == {
        "authorization_endpoint": f"{metadata['issuer']}/oauth2/authorize/",
        "token_endpoint": f"{metadata['issuer']}/oauth2/token/",
        "revocation_endpoint": f"{metadata['issuer']}/oauth2/revoke_token/",
        "introspection_endpoint": f"{metadata['issuer']}/oauth2/introspect/",
    }


def test_metadata_names_the_domain_of_the_store_whatever_the_host(client, db, settings):
    settings.STORE_DOMAIN, settings.DEVELOPMENT = "shop.example", False

    metadata = client.get(METADATA).json()

    assert metadata["issuer"] == "https://shop.example"
    assert metadata["token_endpoint"] == "https://shop.example/oauth2/token/"


def test_metadata_offers_no_registration(metadata):
    assert "registration_endpoint" not in metadata
    assert metadata["client_id_metadata_document_supported"] is False


def test_metadata_is_the_same_each_time(client, metadata):
    assert client.get(METADATA).json() == metadata


@pytest.mark.django_db  # the page shows the name of the store
def test_metadata_with_a_forged_host_is_refused(client):
    assert client.get(METADATA, headers={"Host": "evil.example"}).status_code == 400


@each("method", ["post", "put", "patch", "delete"])
def test_metadata_takes_get_only(client, method):
    assert getattr(client, method)(METADATA).status_code == 405
