"""Partner apps with authorization codes: `python -m tests.bench.apps TOTAL` migrates, makes them, and prints the bodies
of the requests that exchange each of the codes, and those that use as many refresh tokens, as JSON."""

import sys
from datetime import UTC, datetime
from urllib.parse import urlencode
from uuid import uuid4

import django
import orjson

APPS = 50
CALLBACK = "https://app.example/callback"


def prepare(total: int) -> dict:
    from django.core.management import call_command

    from customers.models import User
    from oauth import partner_apps
    from oauth.actor import Actor
    from oauth.models import AccessToken, App, Grant, RefreshToken

    call_command("migrate", verbosity=0)
    owner = User.objects.create_superuser("owner@example.com")
    apps = [App(name=f"App {number}", app_url=CALLBACK, redirect_uris=CALLBACK, user=owner,
                client_type=App.CLIENT_CONFIDENTIAL) for number in range(APPS)]  # fmt: skip
    clients = [(app, partner_apps.register(app, Actor())) for app in apps]
    exchanges, refreshes = [], []
    for number in range(total):
        app, secret = clients[number % APPS]
        client = {"client_id": app.client_id, "client_secret": secret}
        exchange = {"grant_type": "authorization_code", "code": f"code-{number}", "redirect_uri": CALLBACK}
        exchanges.append(urlencode({**exchange, **client}))
        refresh = {"grant_type": "refresh_token", "refresh_token": f"refresh-{number}"}
        refreshes.append({"body": urlencode({**refresh, **client})})
    expires = datetime(2100, 1, 1, tzinfo=UTC)
    Grant.objects.bulk_create(
        Grant(application=clients[number % APPS][0], user=owner, code=f"code-{number}", expires=expires,
              redirect_uri=CALLBACK, scope="users:read") for number in range(total)
    )  # fmt: skip
    access_tokens = AccessToken.objects.bulk_create(
        AccessToken(application=clients[number % APPS][0], user=owner, token=f"access-{number}", expires=expires,
                    scope="users:read") for number in range(total)
    )  # fmt: skip
    RefreshToken.objects.bulk_create(
        RefreshToken(application=access.application, user=owner, access_token=access, token=f"refresh-{number}",
                     token_family=uuid4()) for number, access in enumerate(access_tokens)
    )  # fmt: skip
    return {"tokens": exchanges, "customers": refreshes}


if __name__ == "__main__":
    django.setup()
    sys.stdout.buffer.write(orjson.dumps(prepare(int(sys.argv[1]))))
