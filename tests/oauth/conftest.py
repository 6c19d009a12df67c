"""The actors of the authorization code flow: a member of staff with a browser, and a partner's app."""

from base64 import b64encode
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import pytest
from django.test import Client

from oauth import partner_apps
from oauth.actor import Actor
from oauth.models import PartnerApp
from oauth.scopes import Scope

AUTHORIZE = "/oauth2/authorize/"
TOKEN = "/oauth2/token/"
REVOKE = "/oauth2/revoke_token/"
INTROSPECT = "/oauth2/introspect/"
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def dashboard(owner) -> Client:
    """The owner's browser."""
    browser = Client(raise_request_exception=False)
    browser.force_login(owner)
    return browser


class Partner:
    """A partner's app: what it knows, and what it sends."""

    def __init__(self, app: PartnerApp, secret: str | None):
        self.app = app
        self.client_id = app.client_id
        self.secret = secret
        self.redirect_uri = app.redirect_uris.split()[0]
        self.http = Client(raise_request_exception=False)

    def authorize_url(self, **params) -> str:
        """With the parameters of the documented flow; None leaves one out."""
        asked = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": "users:read users:write",
            **params,
        }
        return f"{AUTHORIZE}?{urlencode({name: value for name, value in asked.items() if value is not None})}"

    def consent(self, browser: Client, decision="authorize", **params) -> dict[str, str]:
        """What the browser brings back: the query of the redirect after the decision."""
        response = browser.post(self.authorize_url(**params), {"decision": decision})
        assert response.status_code == 302, response.content
        return dict(parse_qsl(urlsplit(response.headers["Location"]).query))

    def post(self, path: str, basic: bool = False, **params):
        """A request to an endpoint for clients, with the secret in the body or by HTTP Basic; None leaves one out."""
        headers = {}
        if basic:
            credentials = f"{quote(self.client_id)}:{quote(self.secret or '')}"
            headers["Authorization"] = f"Basic {b64encode(credentials.encode()).decode()}"
        else:
            params = {"client_id": self.client_id, "client_secret": self.secret, **params}
        body = urlencode({name: value for name, value in params.items() if value is not None})
        return self.http.post(path, body, FORM, headers=headers)

    def exchange(self, code: str, basic: bool = False, **params):
        params = {"grant_type": "authorization_code", "code": code, "redirect_uri": self.redirect_uri, **params}
        return self.post(TOKEN, basic, **params)

    def refresh(self, refresh_token: str, **params):
        return self.post(TOKEN, grant_type="refresh_token", refresh_token=refresh_token, **params)

    def install(self, browser: Client, **params) -> dict:
        """The whole flow; the answer of the token endpoint."""
        response = self.exchange(self.consent(browser, **params)["code"])
        assert response.status_code == 200, response.content
        return response.json()


def register_partner(owner=None, **fields) -> Partner:
    number = PartnerApp.objects.count() + 1
    app = PartnerApp(
        **{
            "name": f"Partner {number}",
            "user": owner,
            "app_url": f"https://app{number}.example/",
            "redirect_uris": f"https://app{number}.example/callback",
            "client_type": PartnerApp.CLIENT_CONFIDENTIAL,
            "allowed_scopes": [Scope.USERS_READ, Scope.USERS_WRITE],
            **fields,
        }
    )
    return Partner(app, partner_apps.register(app, Actor()))


@pytest.fixture
def partner(owner) -> Partner:
    """A confidential client that may ask for reading and writing customers."""
    return register_partner(owner)


@pytest.fixture
def public_partner(owner) -> Partner:
    """A public client: no secret, so PKCE is required."""
    return register_partner(owner, client_type=PartnerApp.CLIENT_PUBLIC)


@pytest.fixture
def other_partner(owner) -> Partner:
    """A confidential client of somebody else."""
    return register_partner(owner)
