"""`/api/admin/exports/`, operation by operation. Downloads are in test_download.py."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from customers.jobs import runner
from customers.jobs.bulk_edits import TYPES, BulkEditOptions
from customers.jobs.exports import services as exports
from customers.jobs.models import Job
from customers.privacy.erasure import erase
from oauth.actor import SYSTEM, Actor
from oauth.scopes import Scope
from tests.support.database import by_database
from tests.support.exports import ALL_CUSTOMERS, EXPORTS, export_url, make_exports
from tests.support.factories import make_user, make_users

VERSION = "X-29next-API-Version"
NOBODY = 987_654_321
READ, WRITE = Scope.EXPORTS_READ, Scope.EXPORTS_WRITE

pytestmark = pytest.mark.usefixtures("files")

# Each operation: the method, the end of the path, and the scope.
OPERATIONS = [
    ("get", "", READ),
    ("post", "", WRITE),
    ("get", "types/", READ),
    ("get", "{id}/", READ),
    ("get", "{id}/download/", READ),
]


class TestEveryOperation:
    @pytest.fixture
    def operations(self, available):
        return [(method, EXPORTS + path.format(id=available["id"]), scope) for method, path, scope in OPERATIONS]

    def send(self, client, method, url, **options):
        return getattr(client, method)(url, *([ALL_CUSTOMERS] if method == "post" else []), **options)

    def test_export_endpoint_without_a_token_is_401(self, anonymous, operations):
        for method, url, _ in operations:
            assert self.send(anonymous, method, url).status_code == 401, url

    def test_export_endpoint_without_its_scope_is_403(self, api, operations):
        clients = {
            scope: api(*(each for each in Scope if each not in (scope, scope.implied_by))) for scope in (READ, WRITE)
        }
        for method, url, scope in operations:
            assert self.send(clients[scope], method, url).status_code == 403, url
        assert Job.objects.count() == 1

    def test_export_endpoint_needs_no_other_scope(self, api, operations):
        clients = {scope: api(scope) for scope in (READ, WRITE)}
        for method, url, scope in operations:
            assert self.send(clients[scope], method, url).status_code in (200, 201), url

    def test_export_endpoint_accepts_known_versions_only(self, admin_client, operations):
        for method, url, _ in operations:
            for version in ("2023-02-10", "2024-04-01", "unstable"):
                response = self.send(admin_client, method, url, headers={VERSION: version})
                assert response.status_code in (200, 201), url
                assert response.headers[VERSION] == version
            assert self.send(admin_client, method, url, headers={VERSION: "2019-01-01"}).status_code == 400, url

    def test_unknown_export_is_404(self, admin_client):
        for path in ("{id}/", "{id}/download/"):
            assert admin_client.get(EXPORTS + path.format(id=NOBODY)).status_code == 404, path

    def test_export_of_another_app_is_404(self, partner, available):
        other_client = partner()

        for path in ("{id}/", "{id}/download/"):
            assert other_client.get(EXPORTS + path.format(id=available["id"])).status_code == 404, path
        assert other_client.get(EXPORTS).json()["results"] == []

    def test_export_endpoint_rejects_other_methods(self, admin_client, operations):
        for _, url, _ in operations:
            for other in ("put", "patch", "delete"):
                assert getattr(admin_client, other)(url).status_code == 405, url


class TestCreate:
    def test_create_export_returns_201_with_status_pending(self, admin_client):
        response = admin_client.post(EXPORTS, ALL_CUSTOMERS)

        export = response.json()
        job = Job.objects.get()
        assert response.status_code == 201
        assert {name: export[name] for name in export if name != "created_at"} == {
            **ALL_CUSTOMERS,
            "id": job.pk,
            "status": "pending",
            "url": f"http://testserver{EXPORTS}{job.pk}/",
        }
        assert admin_client.get(export_url(export)).json() == export

    def test_create_export_accepts_forms(self, admin_client):
        assert admin_client.post_form(EXPORTS, ALL_CUSTOMERS).status_code == 201
        assert admin_client.post_multipart(EXPORTS, ALL_CUSTOMERS).status_code == 201

    def test_create_export_rejects_missing_field(self, admin_client):
        for field in ALL_CUSTOMERS:
            response = admin_client.post(
                EXPORTS, {name: value for name, value in ALL_CUSTOMERS.items() if name != field}
            )

            assert (response.status_code, list(response.json())) == (400, [field]), field

    def test_create_export_rejects_invalid_value_of_a_field(self, admin_client):
        for field, value in [
            ("type", "order_list"),
            ("type", "customers"),
            ("type", None),
            ("type", ["customer_list"]),
            ("date_from", ""),
            ("date_from", None),
            ("date_from", "yesterday"),
            ("date_from", 7),
            ("date_to", {}),
            ("date_from", "0001-01-01T00:00:00+14:00"),
            ("date_to", "9999-12-31T23:59:59-12:00"),
            ("date_to", "1999-12-31T23:59:59Z"),
        ]:
            response = admin_client.post(EXPORTS, {**ALL_CUSTOMERS, field: value})

            assert (response.status_code, list(response.json())) == (400, [field]), (field, value)
            assert not Job.objects.exists(), (field, value)

    def test_create_export_of_another_type_is_400_with_the_supported_one(self, admin_client):
        response = admin_client.post(EXPORTS, {**ALL_CUSTOMERS, "type": "order_list"})

        assert response.json() == {"type": ["This store has no exports of this type. It makes customer_list."]}

    @pytest.mark.parametrize("query", ["language=xx", "is_blocked=maybe", "date_joined_from=x"])
    def test_create_export_rejects_invalid_filter(self, admin_client, query):
        response = admin_client.post(f"{EXPORTS}?{query}", ALL_CUSTOMERS)

        assert (response.status_code, list(response.json())) == (400, [query.partition("=")[0]])

    def test_create_export_twice_with_one_idempotency_key_makes_one(self, admin_client):
        headers = {"Idempotency-Key": "once"}

        first = admin_client.post(EXPORTS, ALL_CUSTOMERS, headers=headers)
        again = admin_client.post(EXPORTS, ALL_CUSTOMERS, headers=headers)
        narrower = admin_client.post(f"{EXPORTS}?user_type=lead", ALL_CUSTOMERS, headers=headers)

        assert (first.status_code, again.content) == (201, first.content)
        assert narrower.status_code == 422
        assert Job.objects.count() == 1

    def test_create_export_takes_constant_queries(self, admin_client, django_assert_num_queries):
        make_users(30)

        # token; waiting exports; keys of metadata, customers; old files, old jobs (2); the job; the security log with
        # the names of person and app (3); and two transactions
        with django_assert_num_queries(by_database(postgresql=16, sqlite=15)):
            admin_client.post(EXPORTS, ALL_CUSTOMERS)


class TestList:
    def test_list_exports_newest_first_in_pages(self, admin_client):
        ids = [admin_client.post(EXPORTS, ALL_CUSTOMERS).json()["id"] for _ in range(3)]

        first = admin_client.get(f"{EXPORTS}?page_size=2").json()
        second = admin_client.get(first["next"]).json()

        assert [each["id"] for each in first["results"] + second["results"]] == ids[::-1]

    @pytest.mark.parametrize(
        ("query", "found"),
        [("type=customer_list", 1), ("type=order_list", 0), ("type=", 1), ("unknown=1", 1),
         ("date_created_from=2026-01-31", 1), ("date_created_from=2026-02-01", 0),
         ("date_created_to=2026-01-31", 1), ("date_created_to=2026-01-30", 0),
         ("date_created_from=0001-01-01&date_created_to=9999-12-31", 1)],
    )  # fmt: skip
    def test_list_exports_applies_filters(self, admin_client, export, query, found):
        Job.objects.update(created_at=datetime(2026, 1, 31, 23, 59, 59, tzinfo=UTC))

        assert len(admin_client.get(f"{EXPORTS}?{query}").json()["results"]) == found

    @pytest.mark.parametrize("query", ["type=x", "date_created_from=x", "date_created_to=2026-13-01"])
    def test_list_exports_rejects_invalid_filter(self, admin_client, query):
        assert admin_client.get(f"{EXPORTS}?{query}").status_code == 400

    def test_list_exports_shows_an_app_its_own_and_a_personal_token_all(self, admin_client, partner):
        one, other = partner(), partner()
        for client in (admin_client, one, other):
            client.post(EXPORTS, ALL_CUSTOMERS)

        assert [len(client.get(EXPORTS).json()["results"]) for client in (admin_client, one, other)] == [3, 1, 1]

    def test_list_exports_shows_dashboard_exports_without_dates(self, admin_client, partner, owner):
        job = exports.create({}, by=Actor(user_id=owner.pk), origin="http://testserver")
        assert admin_client.get(EXPORTS).json()["results"] == []  # nobody has started it yet
        runner.start(job, format="csv")

        [shown] = admin_client.get(EXPORTS).json()["results"]

        assert (shown["id"], shown["date_from"], shown["date_to"]) == (job.pk, None, None)
        assert partner().get(EXPORTS).json()["results"] == []

    def test_list_exports_takes_two_queries(self, admin_client, django_assert_num_queries):
        for _ in range(3):
            admin_client.post(EXPORTS, ALL_CUSTOMERS)

        with django_assert_num_queries(2):  # token, exports
            assert len(admin_client.get(EXPORTS).json()["results"]) == 3


class TestTypes:
    def test_export_types_are_those_that_this_store_supports(self, admin_client):
        assert admin_client.get(f"{EXPORTS}types/").json() == {
            "types": [{"code": "customer_list", "name": "Customers"}]
        }


class TestRetrieve:
    def test_retrieve_export_shows_status_available(self, admin_client, export, available):
        assert available == {**export, "status": "available"}

    def test_retrieve_export_with_matching_if_none_match_is_304(self, admin_client, export):
        etag = admin_client.get(export_url(export)).headers["ETag"]

        assert admin_client.get(export_url(export), headers={"If-None-Match": etag}).status_code == 304
        make_exports()
        assert admin_client.get(export_url(export), headers={"If-None-Match": etag}).status_code == 200

    def test_retrieve_export_with_deleted_file_is_404(self, admin_client, available):
        erase(make_user().pk, by=SYSTEM)

        assert admin_client.get(export_url(available)).status_code == 404
        assert admin_client.get(f"{export_url(available)}download/").status_code == 404
        assert admin_client.get(EXPORTS).json()["results"] == []

    def test_retrieve_export_is_404_a_day_after_it_finished(self, admin_client, available, files):
        hours = timedelta(hours=1)
        Job.objects.update(created_at=timezone.now() - 40 * hours, finished_at=timezone.now() - 23 * hours)
        runner.delete_old()
        assert admin_client.get(export_url(available)).status_code == 200
        Job.objects.update(finished_at=timezone.now() - 25 * hours)
        runner.delete_old()

        assert admin_client.get(export_url(available)).status_code == 404

    def test_retrieve_export_does_not_find_other_jobs(self, admin_client, owner):
        job = runner.create(TYPES["block"], BulkEditOptions(filters={}), started_by=owner, started_at=timezone.now())

        assert admin_client.get(export_url(job.pk)).status_code == 404

    def test_retrieve_export_takes_two_queries(self, admin_client, export, django_assert_num_queries):
        with django_assert_num_queries(2):  # token, export
            admin_client.get(export_url(export))
