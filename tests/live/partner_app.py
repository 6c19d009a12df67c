"""A partner's app as its makers would write it from the platform's documentation: it knows the store by HTTP alone."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import requests
from jwcrypto.jwk import JWK
from jwcrypto.jwt import JWT


class PartnerApp(ThreadingHTTPServer):
    """Another site than the store's, `localhost` instead of `127.0.0.1`, so that browsers treat it as a stranger."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Page)
        self.url = f"http://localhost:{self.server_port}"
        self.client_id = self.client_secret = self.access_token = ""
        self.visits: list[dict[str, str]] = []  # the queries that browsers came with


class Page(BaseHTTPRequestHandler):
    server: PartnerApp

    def do_GET(self):
        url = urlsplit(self.path)
        query = dict(parse_qsl(url.query))
        if not query:
            return self.answer("")  # a favicon
        self.server.visits.append(query)
        if url.path == "/callback":
            self.finish_installation(**query)
        elif "token" in query:
            self.welcome(**query)
        else:
            self.begin_installation(**query)

    def begin_installation(self, store: str) -> None:
        app = self.server
        self.send_response(302)
        self.send_header(
            "Location",
            f"http://{store}/oauth2/authorize/?response_type=code&client_id={app.client_id}"
            f"&redirect_uri={app.url}/callback&scope=users:read users:write",
        )
        self.end_headers()

    def finish_installation(self, store: str, code: str = "", error: str = "", **others: str) -> None:
        app = self.server
        if error:
            return self.answer(f"refused: {error}")
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": f"{app.url}/callback",
            "client_id": app.client_id,
            "client_secret": app.client_secret,
        }
        app.access_token = requests.post(f"http://{store}/oauth2/token/", form).json()["access_token"]
        self.answer("installed")

    def welcome(self, store: str, token: str) -> None:
        """Who comes from the dashboard, if the token is the store's and not older than half a minute."""
        app = self.server
        expected = {"aud": app.client_id, "store": store, "exp": None}
        session = JWT(algs=["HS256"], check_claims=expected, expected_type="JWS")
        session.leeway = 0
        session.deserialize(token, JWK.from_password(app.client_secret))
        claims = json.loads(session.claims)
        assert claims["exp"] - claims["iat"] <= 30
        self.answer(f"welcome {claims['user_email']}")

    def answer(self, text: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(f"<title>{text}</title><h1>{text}</h1>".encode())
