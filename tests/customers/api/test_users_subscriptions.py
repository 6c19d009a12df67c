from datetime import UTC, datetime

import pytest

from customers.orders.models import Subscription
from customers.orders.services import record_subscription
from oauth.models import ApiVersion
from oauth.scopes import Scope
from tests.support.clients import user_url
from tests.support.database import by_database
from tests.support.factories import make_user
from tests.support.order_documents import full, published, subscription

NEWEST, OLDEST = ApiVersion.V2024_04_01, ApiVersion.V2023_02_10
DATE = datetime(2026, 10, 3, 9, 12, 44, tzinfo=UTC)


def subscriptions_url(user) -> str:
    return f"{user_url(user)}subscriptions/"


class TestListSubscriptions:
    def test_list_subscriptions_without_a_token_is_401(self, anonymous, ada):
        assert anonymous.get(subscriptions_url(ada)).status_code == 401

    def test_list_subscriptions_without_the_read_scope_is_403(self, api, ada):
        assert api(Scope.USERS_WRITE, Scope.SUBSCRIPTIONS_READ).get(subscriptions_url(ada)).status_code == 403

    def test_list_subscriptions_rejects_unknown_version(self, admin_client, ada):
        assert (
            admin_client.get(subscriptions_url(ada), headers={"X-29next-API-Version": "1999-01-01"}).status_code == 400
        )

    def test_list_subscriptions_of_unknown_user_is_404(self, admin_client, db):
        assert admin_client.get(subscriptions_url(987_654_321)).status_code == 404

    def test_list_subscriptions_of_a_user_without_subscriptions_is_empty(self, admin_client, ada):
        response = admin_client.get(subscriptions_url(ada))

        assert response.status_code == 200
        assert response.json() == []

    @pytest.mark.parametrize("version", [NEWEST, ApiVersion.UNSTABLE])
    def test_list_subscriptions_returns_the_reported_document(self, api, version):
        document = full("subscription")
        fields = {name: value for name, value in document["user"].items() if name != "id"}
        document["user"]["id"] = make_user(**fields).pk
        record_subscription(user_id=document["user"]["id"], document=document)

        response = api(Scope.USERS_READ, api_version=version).get(subscriptions_url(document["user"]["id"]))

        assert response.json() == [document]
        published("Subscription", version).validate(response.json()[0])

    def test_list_subscriptions_shows_current_data_of_the_user(self, admin_client, ada):
        record_subscription(user_id=ada.pk, document=full("subscription"))

        assert admin_client.get(subscriptions_url(ada)).json()[0]["user"]["id"] == ada.pk

    def test_list_subscriptions_is_a_bare_array_newest_first(self, admin_client, ada):
        for number, day in [(1, "01"), (3, "03"), (2, "02")]:
            record_subscription(
                user_id=ada.pk, document=subscription(id=100 + number, date_created=f"2026-10-{day}T09:00:00Z")
            )

        response = admin_client.get(subscriptions_url(ada))

        assert [entry["id"] for entry in response.json()] == [103, 102, 101]

    def test_list_subscriptions_takes_few_queries(self, api, ada, django_assert_num_queries):
        client = api(Scope.USERS_READ, rate_limit=4)
        for _ in range(3):
            record_subscription(user_id=ada.pk, document=subscription())

        with django_assert_num_queries(by_database(postgresql=2, sqlite=3)):
            client.get(subscriptions_url(ada))


class TestTheOldestVersion:
    def test_subscription_of_2023_02_10_has_product_objects_in_lines(self, api, ada):
        record_subscription(user_id=ada.pk, document=full("subscription"))

        entry = api(Scope.USERS_READ, api_version=OLDEST).get(subscriptions_url(ada)).json()[0]

        published("Subscription", OLDEST).validate(entry)
        assert entry["lines"][0]["product"]["id"] == 71
        assert "product_id" not in entry["lines"][0]


@pytest.mark.parametrize("version", [NEWEST, OLDEST])
class TestSchema:
    def test_subscription_with_empty_document_matches_the_schema(self, api, ada, version):
        Subscription.objects.create(user=ada, external_id=6001, date_created=DATE, status="active", document={})

        entry = api(Scope.USERS_READ, api_version=version).get(subscriptions_url(ada)).json()[0]

        published("Subscription", version).validate(entry)
        assert (entry["id"], entry["date_created"]) == (6001, "2026-10-03T09:12:44Z")
