"""A dump of the database contains no secret in a readable form."""

import sqlite3
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from secrets import token_urlsafe

import psycopg
import pytest
import requests
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from tests.live.owner import REDIRECT_URI, Dashboard, query_of, shown_once

pytestmark = pytest.mark.both_databases


def test_database_dump_contains_no_readable_secret(store):
    shop = store(RATE_LIMIT="0")
    app = shop.register_app("https://app.example/", REDIRECT_URI)

    used = use_every_secret(shop, app)

    dumped = dump(shop)
    assert app["client_id"].lower().encode() in dumped
    assert sha256(used["access token"].encode()).hexdigest().encode() in dumped
    assert [name for name, secret in used.items() if any(form in dumped for form in readable_forms(secret))] == []


def use_every_secret(shop, app: dict[str, str]) -> dict[str, str]:
    """Secrets by what they are, right ones and wrong ones, used up and still valid."""
    wrong_password, wrong_secret, verifier = (token_urlsafe(48) for _ in range(3))
    challenge = create_s256_code_challenge(verifier)
    dashboard = Dashboard(shop)
    Dashboard(shop, wrong_password)

    def ask_for_tokens(**form: str) -> dict[str, str]:
        return requests.post(f"{shop.url}/oauth2/token/", form).json()

    form = dashboard.authorize(app, code_challenge=challenge, code_challenge_method="S256")
    form["code_verifier"] = verifier
    assert ask_for_tokens(**{**form, "client_secret": wrong_secret})["error"] == "invalid_client"
    first = ask_for_tokens(**form)
    second = ask_for_tokens(**{**form, "grant_type": "refresh_token", "refresh_token": first["refresh_token"]})
    opened = dashboard.get(f"{shop.url}/dashboard/apps/{app['client_id']}/open/", allow_redirects=False)
    replaced = shown_once(dashboard.decide("replace_secret"))
    access = {"name": "Warehouse", "allowed_scopes": ["users:read"], "api_version": "2024-04-01"}
    webhook_secrets = use_webhooks(dashboard)
    personal = shown_once(dashboard.submit("/dashboard/oauth/privateapp/add/", **access))
    return {
        "password": shop.password,
        "wrong password": wrong_password,
        "session key": dashboard.cookies["sessionid"],
        "CSRF token": dashboard.cookies["csrftoken"],
        "client secret": replaced["client_secret"],
        "former client secret": app["client_secret"],
        "wrong client secret": wrong_secret,
        "code": dashboard.authorize(app)["code"],
        "used code": form["code"],
        "code verifier": verifier,
        "access token": second["access_token"],
        "refresh token": second["refresh_token"],
        "former access token": first["access_token"],
        "used refresh token": first["refresh_token"],
        "session token": query_of(opened.headers["Location"])["token"],
        **webhook_secrets,
        "personal access token": personal["access_token"],
    }


def use_webhooks(dashboard: Dashboard) -> dict[str, str]:
    """The secrets of a webhook made in the dashboard, and of two made through the API: one repeated, one replaced."""
    secrets = {f"{which} secret key": token_urlsafe(48) for which in ("given", "replaced", "repeated")}
    given, replaced, repeated = secrets.values()
    shop, session = dashboard.shop, dashboard.shop.session()
    body = {"target": "http://localhost:9/", "events": ["customer.created"]}
    form = {**body, "events": "customer.created", "api_version": "2024-04-01", "secret_key": given}
    dashboard.submit("/dashboard/webhooks/webhook/add/", **form)
    session.headers["Authorization"] = f"Bearer {webhook_token(shop)}"
    url, headers = f"{shop.url}/api/admin/webhooks/", {"Idempotency-Key": "once"}
    first = session.post(url, json={**body, "secret_key": repeated}, headers=headers)
    again = session.post(url, json={**body, "secret_key": repeated}, headers=headers)
    assert first.json()["secret_key"] == again.json()["secret_key"] == repeated
    one = f"{url}{first.json()['id']}/"
    assert session.patch(one, json={"secret_key": replaced}).json()["secret_key"] == replaced
    made = session.post(url, json=body).json()["secret_key"]
    return {**secrets, "made secret key": made}


def webhook_token(shop) -> str:
    return shop.manage("create_token", "--app", "Webhooks", "--scope", "webhooks:read", "webhooks:write").strip()


def dump(shop) -> bytes:
    """Every row as text, in lower case. For SQLite also the raw files, which still contain deleted rows."""
    if url := shop.environment.get("DATABASE_URL"):
        with psycopg.connect(url) as connection:
            tables = connection.execute("SELECT format('%I', tablename) FROM pg_tables WHERE schemaname = 'public'")
            rows = [row for (table,) in tables for row in connection.execute(f"SELECT t::text FROM {table} t")]
        parts = [row.encode() for (row,) in rows]
    else:
        files = sorted(Path(shop.environment["VAR_DIR"]).glob("store.sqlite3*"))
        rows = sqlite3.connect(files[0]).iterdump()
        parts = [*(row.encode() for row in rows), *(file.read_bytes() for file in files)]
    return b"\n".join(parts).lower()


def readable_forms(secret: str) -> list[bytes]:
    raw = secret.encode()
    return [form.lower() for form in (raw, raw[::-1], b64encode(raw).rstrip(b"="), raw.hex().encode())]
