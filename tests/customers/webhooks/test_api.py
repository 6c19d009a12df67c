"""`/api/admin/webhooks/`, operation by operation."""

import pytest

from customers.models import IdempotentAnswer
from customers.webhooks.models import Webhook
from oauth.scopes import Scope
from tests.support.addresses import EMBEDDED_LOOPBACK, SPECIAL_ADDRESSES, SPELLINGS_OF_LOOPBACK
from tests.support.webhooks import WEBHOOKS, installed_partner, webhook_url

VERSION = "X-29next-API-Version"
BODY = {"target": "https://receiver.example/hooks?a=1", "events": ["customer.created", "order.created"]}
UNKNOWN_ID = 987_654_321
READ, WRITE = Scope.WEBHOOKS_READ, Scope.WEBHOOKS_WRITE

# Method, whether the URL has the id of a webhook, scope.
OPERATIONS = [
    ("get", False, READ),
    ("post", False, WRITE),
    ("get", True, READ),
    ("put", True, WRITE),
    ("patch", True, WRITE),
    ("delete", True, WRITE),
]
INVALID_VALUES = {
    "target": [None, "x", "ftp://a.example/", "https://" + "x" * 250, "https://user:password@a.example/", "https:///x"],
    "events": [
        None,
        "x",
        [1.5],
        ["no event"],
        ["order.create"],
        ["Order.created"],
        ["customer.created", ""],
        [],
        [None],
    ],
    "active": ["x", None],
    "api_version": ["2019-01-01"],
    "secret_key": ["", "x" * 256],
    "name": ["x" * 256],
}


@pytest.fixture
def webhook(admin_client) -> dict:
    return admin_client.post(WEBHOOKS, BODY).json()


@pytest.fixture
def partner_client(owner):
    """`partner_client()`: a client with the token of a new partner app that may do everything with webhooks."""
    return lambda: installed_partner(owner, READ, WRITE)[1]


def send(client, method, url, **options):
    return getattr(client, method)(url, *([BODY] if method in ("post", "put", "patch") else []), **options)


class TestEveryOperation:
    @pytest.mark.parametrize(("method", "has_id", "scope"), OPERATIONS)
    def test_webhook_operation_needs_its_scope_only(self, api, webhook, method, has_id, scope):
        url = webhook_url(webhook["id"]) if has_id else WEBHOOKS
        other_scopes = [each for each in Scope if each not in (scope, scope.implied_by)]

        assert send(api(*other_scopes), method, url).status_code == 403
        assert Webhook.objects.count() == 1
        assert send(api(scope), method, url).status_code in (200, 201, 204)

    def test_webhook_operations_need_a_token(self, anonymous, webhook):
        for method, has_id, _ in OPERATIONS:
            url = webhook_url(webhook["id"]) if has_id else WEBHOOKS
            assert send(anonymous, method, url).status_code == 401

    def test_webhooks_exist_in_every_api_version(self, admin_client):
        for version in ("2023-02-10", "2024-04-01", "unstable"):
            response = admin_client.get(WEBHOOKS, headers={VERSION: version})
            assert (response.status_code, response.headers[VERSION]) == (200, version)

    def test_unknown_webhook_is_404(self, admin_client):
        for method, has_id, _ in OPERATIONS:
            if has_id:
                assert send(admin_client, method, webhook_url(UNKNOWN_ID)).status_code == 404

    def test_partner_app_cannot_read_or_change_webhooks_of_others(self, partner_client, webhook):
        partner = partner_client()
        before = Webhook.objects.values().get(pk=webhook["id"])

        assert partner.get(WEBHOOKS).json()["results"] == []
        for method, has_id, _ in OPERATIONS:
            if has_id:
                assert send(partner, method, webhook_url(webhook["id"])).status_code == 404
        assert Webhook.objects.values().get(pk=webhook["id"]) == before


class TestCreate:
    def test_create_returns_the_webhook(self, admin_client):
        response = admin_client.post(
            WEBHOOKS, {**BODY, "name": "Mailer", "secret_key": "s3cret", "api_version": "2023-02-10"}
        )

        webhook = response.json()
        assert response.status_code == 201
        assert {name: webhook[name] for name in webhook if not name.endswith("_at")} == {
            **BODY,
            "id": Webhook.objects.get().pk,
            "name": "Mailer",
            "active": True,
            "api_version": "2023-02-10",
            "secret_key": "s3cret",
            "warning_count": 0,
            "next_check_date": None,
        }
        assert admin_client.get(webhook_url(webhook["id"])).json() == webhook

    def test_create_without_a_secret_generates_one(self, admin_client):
        secrets = {
            admin_client.post(WEBHOOKS, {**BODY, **given}).json()["secret_key"]
            for given in ({}, {}, {"secret_key": None})
        }

        assert len(secrets) == 3
        assert all(len(secret) >= 40 for secret in secrets)

    def test_create_defaults_to_the_api_version_of_the_request(self, admin_client):
        response = admin_client.post(WEBHOOKS, BODY, headers={VERSION: "unstable"})

        assert response.json()["api_version"] == "unstable"

    def test_webhook_secret_is_encrypted_in_the_database(self, admin_client):
        headers = {"Idempotency-Key": "once"}

        first = admin_client.post(WEBHOOKS, {**BODY, "secret_key": "s3cret"}, headers=headers)
        again = admin_client.post(WEBHOOKS, {**BODY, "secret_key": "s3cret"}, headers=headers)

        assert (first.status_code, again.content) == (201, first.content)
        assert Webhook.objects.count() == 1
        assert Webhook.objects.values_list("secret_key", flat=True).get() != "s3cret"
        assert "s3cret" not in IdempotentAnswer.objects.get().body
        assert IdempotentAnswer.objects.get().user_id is None

    def test_create_accepts_forms(self, admin_client):
        response = admin_client.post_form(WEBHOOKS, {**BODY, "active": "false"})

        assert response.status_code == 201
        assert (response.json()["events"], response.json()["active"]) == (BODY["events"], False)

    @pytest.mark.parametrize("field", INVALID_VALUES)
    def test_create_rejects_invalid_values_of_a_webhook(self, admin_client, field):
        for value in INVALID_VALUES[field]:
            response = admin_client.post(WEBHOOKS, {**BODY, field: value})

            assert (response.status_code, list(response.json())) == (400, [field]), value
        assert not Webhook.objects.exists()

    def test_create_requires_target_and_events(self, admin_client):
        response = admin_client.post(WEBHOOKS, {})

        assert (response.status_code, set(response.json())) == (400, {"target", "events"})

    def test_create_drops_null_and_repeated_events(self, admin_client):
        response = admin_client.post(
            WEBHOOKS, {**BODY, "events": ["order.created", None, "app.uninstalled", "order.created"]}
        )

        assert response.json()["events"] == ["order.created", "app.uninstalled"]

    def test_create_rejects_http_and_private_addresses_in_production(self, admin_client, settings):
        settings.WEBHOOKS_ALLOW_HTTP = settings.WEBHOOKS_ALLOW_PRIVATE = False

        private = [f"[{address}]" if ":" in address else address for address in SPECIAL_ADDRESSES]
        hosts = [*private, *EMBEDDED_LOOPBACK, *SPELLINGS_OF_LOOPBACK]
        for target in ("http://receiver.example/", *(f"https://{host}/" for host in hosts)):
            response = admin_client.post(WEBHOOKS, {**BODY, "target": target})
            assert (response.status_code, list(response.json())) == (400, ["target"]), target

    def test_create_and_patch_reject_ports_that_are_not_allowed(self, admin_client, webhook, settings):
        settings.WEBHOOKS_PORTS = [(80, 80), (443, 443), (1024, 65535)]

        for port in (0, 22, 25, 1023):
            target = f"https://receiver.example:{port}/"
            created = admin_client.post(WEBHOOKS, {**BODY, "target": target})
            patched = admin_client.patch(webhook_url(webhook["id"]), {"target": target})
            assert [created.status_code, patched.status_code] == [400, 400], port
            assert list(patched.json()) == ["target"], port
        assert admin_client.post(WEBHOOKS, {**BODY, "target": "https://receiver.example:8443/"}).status_code == 201


class TestList:
    def test_list_webhooks_is_newest_first_in_pages(self, admin_client):
        ids = [admin_client.post(WEBHOOKS, BODY).json()["id"] for _ in range(3)]

        first = admin_client.get(f"{WEBHOOKS}?page_size=2").json()
        second = admin_client.get(first["next"]).json()

        assert [each["id"] for each in first["results"] + second["results"]] == ids[::-1]

    def test_list_webhooks_filters_by_name_events_and_active(self, admin_client):
        admin_client.post(WEBHOOKS, {**BODY, "name": "Mailer", "events": ["customer.created"]})
        admin_client.post(WEBHOOKS, {**BODY, "name": "ERP", "events": ["customer.updated"], "active": False})

        for query, names in {
            "name=mail": ["Mailer"],
            "name=": ["ERP", "Mailer"],
            "active=false": ["ERP"],
            "active=true": ["Mailer"],
            "events=customer.updated": ["ERP"],
            "events=customer.created&events=customer.updated": ["ERP", "Mailer"],
            "events=customer.created,customer.updated": ["ERP", "Mailer"],
            "events=7": [],
            "events=customer": [],
            "unknown=1": ["ERP", "Mailer"],
        }.items():
            results = admin_client.get(f"{WEBHOOKS}?{query}").json()["results"]
            assert [each["name"] for each in results] == names, query

    def test_list_webhooks_rejects_a_filter_that_is_no_boolean(self, admin_client):
        assert admin_client.get(f"{WEBHOOKS}?active=x").status_code == 400

    def test_list_webhooks_takes_two_queries(self, admin_client, django_assert_num_queries):
        for _ in range(3):
            admin_client.post(WEBHOOKS, BODY)

        with django_assert_num_queries(2):  # token, webhooks
            assert len(admin_client.get(WEBHOOKS).json()["results"]) == 3

    def test_personal_token_lists_all_webhooks_and_an_app_its_own(self, admin_client, partner_client):
        one, other = partner_client(), partner_client()
        for each in (admin_client, one, other):
            each.post(WEBHOOKS, BODY)

        assert [len(each.get(WEBHOOKS).json()["results"]) for each in (admin_client, one, other)] == [3, 1, 1]


class TestRetrieve:
    def test_retrieve_webhook_answers_304_for_a_known_etag(self, admin_client, webhook):
        etag = admin_client.get(webhook_url(webhook["id"])).headers["ETag"]

        assert admin_client.get(webhook_url(webhook["id"]), headers={"If-None-Match": etag}).status_code == 304

    def test_retrieve_webhook_takes_two_queries(self, admin_client, webhook, django_assert_num_queries):
        with django_assert_num_queries(2):  # token, webhook
            admin_client.get(webhook_url(webhook["id"]))


class TestUpdate:
    def test_patch_webhook_changes_only_given_fields(self, admin_client, webhook):
        response = admin_client.patch(webhook_url(webhook["id"]), {"events": ["customer.updated"]})

        changed = response.json()
        assert response.status_code == 200
        assert changed == {**webhook, "events": ["customer.updated"], "updated_at": changed["updated_at"]}
        assert changed["updated_at"] > webhook["updated_at"]

    def test_put_webhook_requires_target_and_events(self, admin_client, webhook):
        response = admin_client.put(webhook_url(webhook["id"]), {"name": "Mailer"})

        assert (response.status_code, set(response.json())) == (400, {"target", "events"})

    def test_put_webhook_keeps_secret_and_version_that_are_null(self, admin_client, webhook):
        body = {**BODY, "secret_key": None, "api_version": None}

        changed = admin_client.put(webhook_url(webhook["id"]), body).json()

        assert (changed["secret_key"], changed["api_version"]) == (webhook["secret_key"], webhook["api_version"])

    def test_patch_webhook_replaces_the_secret(self, admin_client, webhook):
        assert admin_client.patch(webhook_url(webhook["id"]), {"secret_key": "new"}).json()["secret_key"] == "new"

    def test_patch_webhook_with_an_outdated_etag_is_412(self, admin_client, webhook):
        etag = admin_client.get(webhook_url(webhook["id"])).headers["ETag"]
        admin_client.patch(webhook_url(webhook["id"]), {"name": "Faster"})

        response = admin_client.patch(webhook_url(webhook["id"]), {"name": "Slower"}, headers={"If-Match": etag})

        assert response.status_code == 412
        assert Webhook.objects.get().name == "Faster"

    def test_patch_webhook_ignores_read_only_fields(self, admin_client, webhook):
        given = {"id": 7, "warning_count": 7, "next_check_date": "2020-01-01T00:00:00Z", "created_at": "x"}

        changed = admin_client.patch(webhook_url(webhook["id"]), given).json()

        assert changed == {**webhook, "updated_at": changed["updated_at"]}


class TestDelete:
    def test_deleted_webhook_is_404(self, admin_client, webhook):
        response = admin_client.delete(webhook_url(webhook["id"]))

        assert (response.status_code, response.content) == (204, b"")
        assert admin_client.get(webhook_url(webhook["id"])).status_code == 404
