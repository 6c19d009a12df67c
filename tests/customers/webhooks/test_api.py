"""`/api/admin/webhooks/`, operation by operation."""

import pytest

from customers.models import IdempotentAnswer
from customers.webhooks.models import Webhook
from oauth.models import AccessToken
from oauth.scopes import Scope
from oauth.tokens import NEVER, generate_access_token
from tests.customers.webhooks.conftest import WEBHOOKS, webhook_url
from tests.oauth.conftest import register_partner
from tests.support.clients import ApiClient

VERSION = "X-29next-API-Version"
BODY = {"target": "https://receiver.example/hooks?a=1", "events": ["customer.created", "order.created"]}
NOBODY = 987_654_321
READ, WRITE = Scope.WEBHOOKS_READ, Scope.WEBHOOKS_WRITE


@pytest.fixture
def webhook(client) -> dict:
    return client.post(WEBHOOKS, BODY).json()


@pytest.fixture
def partner(owner):
    """`partner()`: a partner's app with a token of its own for webhooks."""

    def install() -> ApiClient:
        token = generate_access_token()
        AccessToken.objects.create(
            user=owner, application=register_partner(owner).app, token=token, scope=f"{READ} {WRITE}", expires=NEVER
        )
        return ApiClient(token)

    return install


def each_operation():
    operations = [("get", False, READ), ("post", False, WRITE), ("get", True, READ), ("put", True, WRITE),
                  ("patch", True, WRITE), ("delete", True, WRITE)]  # fmt: skip
    names = ["list", "create", "retrieve", "update", "update-parts", "delete"]
    return pytest.mark.parametrize(("method", "of_one", "scope"), operations, ids=names)


def send(client, method, url, **options):
    return getattr(client, method)(url, *([BODY] if method in ("post", "put", "patch") else []), **options)


@each_operation()
class TestEveryOperation:
    @pytest.fixture
    def url(self, webhook, of_one):
        return webhook_url(webhook["id"]) if of_one else WEBHOOKS

    def test_needs_a_token(self, anonymous, url, method, scope):
        assert send(anonymous, method, url).status_code == 401

    def test_needs_its_scope(self, api, url, method, scope):
        others = [each for each in Scope if each not in (scope, scope.implied_by)]

        assert send(api(*others), method, url).status_code == 403
        assert Webhook.objects.count() == 1

    def test_needs_no_other_scope(self, api, url, method, scope):
        assert send(api(scope), method, url).status_code in (200, 201, 204)

    def test_speaks_every_version_and_no_other(self, api, url, method, scope):
        client = api(scope)

        for version in ("2023-02-10", "2024-04-01", "unstable"):
            response = send(
                client, method, url if method != "delete" else webhook_url(NOBODY), headers={VERSION: version}
            )
            assert response.status_code in (200, 201, 204, 404)
            assert response.headers[VERSION] == version
        assert send(client, method, url, headers={VERSION: "2019-01-01"}).status_code == 400

    def test_finds_none_that_is_not_there(self, client, url, of_one, method, scope):
        if of_one:
            assert send(client, method, webhook_url(NOBODY)).status_code == 404

    def test_leaves_an_app_its_own(self, partner, webhook, url, of_one, method, scope):
        stranger = partner()
        shown = Webhook.objects.values().get(pk=webhook["id"])

        response = send(stranger, method, url)

        assert response.status_code == (404 if of_one else 201 if method == "post" else 200)
        assert method != "get" or of_one or response.json()["results"] == []
        assert Webhook.objects.values().get(pk=webhook["id"]) == shown


class TestCreate:
    def test_answers_with_the_webhook(self, client):
        response = client.post(
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
        assert client.get(webhook_url(webhook["id"])).json() == webhook

    @pytest.mark.parametrize("secret", [{}, {"secret_key": None}])
    def test_makes_a_secret_where_none_is_given(self, client, secret):
        first, second = (client.post(WEBHOOKS, {**BODY, **secret}).json()["secret_key"] for _ in range(2))

        assert len(first) >= 40
        assert first != second

    def test_takes_the_version_of_the_request(self, client):
        response = client.post(WEBHOOKS, BODY, headers={VERSION: "unstable"})

        assert response.json()["api_version"] == "unstable"

    def test_keeps_the_secret_unreadable(self, client):
        headers = {"Idempotency-Key": "once"}

        first = client.post(WEBHOOKS, {**BODY, "secret_key": "s3cret"}, headers=headers)
        again = client.post(WEBHOOKS, {**BODY, "secret_key": "s3cret"}, headers=headers)

        assert (first.status_code, again.content) == (201, first.content)
        assert Webhook.objects.count() == 1
        assert Webhook.objects.values_list("secret_key", flat=True).get() != "s3cret"
        assert "s3cret" not in IdempotentAnswer.objects.get().body
        assert IdempotentAnswer.objects.get().user_id is None

    def test_takes_forms(self, client):
        response = client.post_form(WEBHOOKS, {**BODY, "active": "false"})

        assert response.status_code == 201
        assert (response.json()["events"], response.json()["active"]) == (BODY["events"], False)

    @pytest.mark.parametrize(
        ("field", "value"),
        [("target", None), ("target", "x"), ("target", "ftp://a.example/"), ("target", "https://" + "x" * 250),
         ("target", "https://user:password@a.example/"), ("target", "https:///x"),
         ("events", None), ("events", "x"), ("events", [1.5]), ("events", ["no event"]), ("events", ["A.b"]),
         ("events", [f"a.b{number}" for number in range(101)]), ("active", "x"), ("active", None),
         ("api_version", "2019-01-01"), ("secret_key", ""), ("secret_key", "x" * 256), ("name", "x" * 256)],
    )  # fmt: skip
    def test_refuses_a_wrong_value_naming_its_field(self, client, field, value):
        response = client.post(WEBHOOKS, {**BODY, field: value})

        assert response.status_code == 400
        assert list(response.json()) == [field]
        assert not Webhook.objects.exists()

    @pytest.mark.parametrize("field", ["target", "events"])
    def test_needs_a_target_and_events(self, client, field):
        response = client.post(WEBHOOKS, {name: value for name, value in BODY.items() if name != field})

        assert (response.status_code, list(response.json())) == (400, [field])

    def test_drops_empty_and_repeated_events(self, client):
        response = client.post(WEBHOOKS, {**BODY, "events": ["a.b", None, "c.d", "a.b"]})

        assert response.json()["events"] == ["a.b", "c.d"]

    @pytest.mark.parametrize("target", ["http://receiver.example/", "https://127.0.0.1/", "https://[::1]/",
                                        "https://10.0.0.1/", "https://169.254.169.254/"])  # fmt: skip
    def test_takes_https_on_the_internet_alone_where_a_store_is_in_use(self, client, settings, target):
        settings.WEBHOOKS_ALLOW_HTTP = settings.WEBHOOKS_ALLOW_PRIVATE = False

        response = client.post(WEBHOOKS, {**BODY, "target": target})

        assert (response.status_code, list(response.json())) == (400, ["target"])


class TestList:
    def test_is_newest_first_in_pages(self, client):
        ids = [client.post(WEBHOOKS, BODY).json()["id"] for _ in range(3)]

        first = client.get(f"{WEBHOOKS}?page_size=2").json()
        second = client.get(first["next"]).json()

        assert [each["id"] for each in first["results"] + second["results"]] == ids[::-1]

    @pytest.mark.parametrize(
        ("query", "found"),
        [("name=mail", ["Mailer"]), ("name=", ["ERP", "Mailer"]), ("active=false", ["ERP"]),
         ("active=true", ["Mailer"]),
         ("events=customer.updated", ["ERP"]), ("events=customer.created&events=customer.updated", ["ERP", "Mailer"]),
         ("events=customer.created,customer.updated", ["ERP", "Mailer"]), ("events=7", []), ("events=customer", []),
         ("unknown=1", ["ERP", "Mailer"])],
    )  # fmt: skip
    def test_is_filtered(self, client, query, found):
        client.post(WEBHOOKS, {**BODY, "name": "Mailer", "events": ["customer.created"]})
        client.post(WEBHOOKS, {**BODY, "name": "ERP", "events": ["customer.updated"], "active": False})

        results = client.get(f"{WEBHOOKS}?{query}").json()["results"]

        assert [each["name"] for each in results] == found

    def test_refuses_what_is_neither_true_nor_false(self, client):
        assert client.get(f"{WEBHOOKS}?active=x").status_code == 400

    def test_takes_two_queries_however_many_there_are(self, client, django_assert_num_queries):
        for _ in range(3):
            client.post(WEBHOOKS, BODY)

        with django_assert_num_queries(2):  # token, webhooks
            assert len(client.get(WEBHOOKS).json()["results"]) == 3

    def test_shows_an_owner_those_of_apps_and_an_app_its_own(self, client, partner):
        one, other = partner(), partner()
        for each in (client, one, other):
            each.post(WEBHOOKS, BODY)

        assert [len(each.get(WEBHOOKS).json()["results"]) for each in (client, one, other)] == [3, 1, 1]


class TestRetrieve:
    def test_answers_304_to_who_knows(self, client, webhook):
        etag = client.get(webhook_url(webhook["id"])).headers["ETag"]

        assert client.get(webhook_url(webhook["id"]), headers={"If-None-Match": etag}).status_code == 304

    def test_takes_two_queries(self, client, webhook, django_assert_num_queries):
        with django_assert_num_queries(2):  # token, webhook
            client.get(webhook_url(webhook["id"]))


class TestUpdate:
    def test_changes_what_is_given_and_leaves_the_rest(self, client, webhook):
        response = client.patch(webhook_url(webhook["id"]), {"events": ["customer.updated"]})

        changed = response.json()
        assert response.status_code == 200
        assert changed == {**webhook, "events": ["customer.updated"], "updated_at": changed["updated_at"]}
        assert changed["updated_at"] > webhook["updated_at"]

    def test_as_a_whole_needs_target_and_events(self, client, webhook):
        response = client.put(webhook_url(webhook["id"]), {"name": "Mailer"})

        assert (response.status_code, set(response.json())) == (400, {"target", "events"})

    def test_as_a_whole_keeps_the_secret_that_is_left_out(self, client, webhook):
        changed = client.put(webhook_url(webhook["id"]), {**BODY, "secret_key": None, "api_version": None}).json()

        assert (changed["secret_key"], changed["api_version"]) == (webhook["secret_key"], webhook["api_version"])

    def test_replaces_the_secret(self, client, webhook):
        assert client.patch(webhook_url(webhook["id"]), {"secret_key": "new"}).json()["secret_key"] == "new"

    def test_is_refused_when_somebody_was_faster(self, client, webhook):
        etag = client.get(webhook_url(webhook["id"])).headers["ETag"]
        client.patch(webhook_url(webhook["id"]), {"name": "Faster"})

        response = client.patch(webhook_url(webhook["id"]), {"name": "Slower"}, headers={"If-Match": etag})

        assert response.status_code == 412
        assert Webhook.objects.get().name == "Faster"

    def test_ignores_what_is_read_only(self, client, webhook):
        given = {"id": 7, "warning_count": 7, "next_check_date": "2020-01-01T00:00:00Z", "created_at": "x"}

        changed = client.patch(webhook_url(webhook["id"]), given).json()

        assert changed == {**webhook, "updated_at": changed["updated_at"]}


class TestDelete:
    def test_leaves_nothing(self, client, webhook):
        response = client.delete(webhook_url(webhook["id"]))

        assert (response.status_code, response.content) == (204, b"")
        assert client.get(webhook_url(webhook["id"])).status_code == 404
