"""A partner's app in the authorization code flow."""

from base64 import b64encode
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

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


class Partner:
    """A partner's app: its credentials, and the requests that it sends."""

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
        """The query of the redirect after the decision."""
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
        """Runs the whole flow. Returns the answer of the token endpoint."""
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
