"""What is compressed, and what never is: see docs/security.md. Static files: tests/live/test_server.py."""

import gzip

from django.test import Client

from oauth.scopes import Scope
from tests.support.clients import USERS
from tests.support.factories import make_users

DOCUMENT = "/api/schema/admin/?version=unstable"
GZIP = {"Accept-Encoding": "gzip, deflate, br"}


def test_openapi_documents_are_compressed(db):
    plain = Client().get(DOCUMENT)
    compressed = Client().get(DOCUMENT, headers=GZIP)

    assert (plain.headers.get("Content-Encoding"), compressed.headers["Content-Encoding"]) == (None, "gzip")
    assert gzip.decompress(compressed.content) == plain.content
    assert len(compressed.content) < len(plain.content) / 2
    assert "Accept-Encoding" in plain.headers["Vary"]


def test_answers_with_secrets_or_personal_data_are_not_compressed(dashboard_client, api):
    make_users(20)
    for browser, path in (
        (Client(), "/dashboard/login/"),
        (dashboard_client, "/dashboard/customers/customer/?q=person"),
        (dashboard_client, "/dashboard/webhooks/webhook/add/"),
        (api(Scope.USERS_READ), USERS),
    ):
        answer = browser.get(path, headers=GZIP)

        assert (answer.status_code, answer.headers.get("Content-Encoding")) == (200, None), path
        assert len(answer.content) > 1_000, path
