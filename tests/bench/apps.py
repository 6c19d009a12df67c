"""Partner apps with authorization codes: `python -m tests.bench.apps TOTAL` migrates, makes them, and prints the bodies
of the requests that exchange each of the codes, as JSON."""

import sys
from datetime import UTC, datetime
from urllib.parse import urlencode

import django
import orjson

APPS = 50
CALLBACK = "https://app.example/callback"


def prepare(total: int) -> dict:
    from django.core.management import call_command

    from customers.models import User
    from oauth import partner_apps
    from oauth.actor import Actor
    from oauth.models import App, Grant

    call_command("migrate", verbosity=0)
    owner = User.objects.create_superuser("owner@example.com")
    apps = [App(name=f"App {number}", app_url=CALLBACK, redirect_uris=CALLBACK, user=owner,
                client_type=App.CLIENT_CONFIDENTIAL) for number in range(APPS)]  # fmt: skip
    clients = [(app, partner_apps.register(app, Actor())) for app in apps]
    exchanges = []
    for number in range(total):
        app, secret = clients[number % APPS]
        request = {"grant_type": "authorization_code", "code": f"code-{number}", "redirect_uri": CALLBACK}
        exchanges.append(urlencode({**request, "client_id": app.client_id, "client_secret": secret}))
    expires = datetime(2100, 1, 1, tzinfo=UTC)
    Grant.objects.bulk_create(
        Grant(application=clients[number % APPS][0], user=owner, code=f"code-{number}", expires=expires,
              redirect_uri=CALLBACK, scope="users:read") for number in range(total)
    )  # fmt: skip
    return {"tokens": exchanges, "customers": []}


if __name__ == "__main__":
    django.setup()
    sys.stdout.buffer.write(orjson.dumps(prepare(int(sys.argv[1]))))
