"""`/api/admin/exports/`, operation by operation, and the links it gives out."""

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from django.core import signing
from django.utils import timezone

from customers.jobs import runner
from customers.jobs.bulk_edits import TYPES, BulkEditOptions
from customers.jobs.exports import parts
from customers.jobs.exports import services as exports
from customers.jobs.exports.parts import EXPORT
from customers.jobs.models import Job, JobFile
from customers.models import User
from customers.orders.services import record_order
from customers.privacy.erasure import erase
from oauth.accounts.roles import Role
from oauth.accounts.staff import change_role, deactivate
from oauth.actor import SYSTEM, Actor
from oauth.models import AccessToken, App
from oauth.partner_apps import uninstall
from oauth.scopes import Scope
from oauth.tokens import NEVER, generate_access_token, replace_personal_token
from tests.support.cases import each
from tests.support.clients import ApiClient
from tests.support.database import by_database
from tests.support.exports import ALL_CUSTOMERS, EXPORTS, downloaded, export_url, make_exports
from tests.support.factories import make_owner, make_user, make_users
from tests.support.order_documents import order
from tests.support.partner import register_partner

VERSION = "X-29next-API-Version"
NOBODY = 987_654_321
READ, WRITE = Scope.EXPORTS_READ, Scope.EXPORTS_WRITE


pytestmark = pytest.mark.usefixtures("files")


@pytest.fixture
def admin_client(api):
    """A program with a personal token that may do everything with exports."""
    return api(READ, WRITE)


@pytest.fixture
def partner(owner):
    """`partner()`: a partner's app with a token of its own for exports."""

    def install() -> ApiClient:
        token = generate_access_token()
        AccessToken.objects.create(
            user=owner, application=register_partner(owner).app, token=token, scope=f"{READ} {WRITE}", expires=NEVER
        )
        return ApiClient(token)

    return install


@pytest.fixture
def export(admin_client) -> dict:
    """One that waits for a worker."""
    return admin_client.post(EXPORTS, ALL_CUSTOMERS).json()


@pytest.fixture
def available(admin_client, export) -> dict:
    """One that is ready."""
    make_exports()
    return admin_client.get(export_url(export)).json()


def rows(text: str) -> list[dict]:
    return list(csv.DictReader(io.StringIO(text)))


def emails(text: str) -> list[str]:
    return [row["email"] for row in rows(text)]


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


class TestWhatIsExported:
    def test_export_contains_every_customer_with_all_columns(self, admin_client, anonymous):
        ada = make_user(email="ada@example.com", first_name="Ada", ip="203.0.113.7", tags=["vip"], metadata={"a": 1})
        make_user(email="bo@example.com")
        make_owner()
        for number, day in enumerate((3, 1, 2)):
            placed = f"2026-03-0{day}T10:00:00+02:00"
            record_order(user_id=ada.pk, document=order(number=f"A{number}", date_placed=placed))
        record_order(user_id=ada.pk, document=order(number="X", date_placed="2020-01-01T00:00:00Z", is_test=True))

        export = admin_client.post(EXPORTS, ALL_CUSTOMERS).json()
        make_exports()
        first, second = rows(downloaded(admin_client, export, by=anonymous))

        assert (first["email"], first["ip"], first["orders_count"]) == ("ada@example.com", "203.0.113.7", "3")
        assert first["first_purchase_date"] == "2026-03-01T08:00:00+00:00"
        assert first["last_purchase_date"] == "2026-03-03T08:00:00+00:00"
        assert (second["email"], second["first_purchase_date"], second["last_purchase_date"]) == (
            "bo@example.com", "", "",
        )  # fmt: skip

    def test_export_contains_customers_between_both_dates_included(self, admin_client, anonymous):
        start, end = datetime(2026, 1, 1, 0, 0, 0, 123456, UTC), datetime(2026, 2, 1, 0, 0, 0, 654321, UTC)
        tick = timedelta(microseconds=1)
        for name, joined in {"a": start - tick, "b": start, "c": end, "d": end + tick}.items():
            make_user(email=f"{name}@example.com", date_joined=joined)

        export = admin_client.post(
            EXPORTS, {"type": "customer_list", "date_from": start.isoformat(), "date_to": end.isoformat()}
        ).json()
        make_exports()

        assert emails(downloaded(admin_client, export, by=anonymous)) == ["b@example.com", "c@example.com"]
        assert (export["date_from"], export["date_to"]) == (
            "2026-01-01T00:00:00.123456Z", "2026-02-01T00:00:00.654321Z",
        )  # fmt: skip

    @pytest.mark.parametrize(
        ("query", "found"),
        [("language=de", ["ada"]), ("name=ada+love", ["ada"]), ("email=ADA@example.com", ["ada"]),
         ("phone_number=7946", ["ada"]), ("user_type=lead", ["ada", "bo"]), ("user_type=dashboard", []),
         ("is_blocked=true", ["bo"]), ("is_blocked=false", ["ada"]), ("accepts_marketing=true", ["ada"]),
         ("date_joined_from=2026-06-01", ["bo"]), ("date_joined_to=2026-06-01", ["ada"]),
         ("unknown=x&language=", ["ada", "bo"]), ("language=de&is_blocked=true", [])],
    )  # fmt: skip
    def test_export_applies_the_filters_of_the_list(self, admin_client, api, anonymous, query, found):
        make_user(
            email="ada@example.com", first_name="Ada", last_name="Lovelace", language="de", accepts_marketing=True,
            phone_number="+442079460018", date_joined=datetime(2026, 1, 1, tzinfo=UTC),
        )  # fmt: skip
        make_user(email="bo@example.com", is_blocked=True, date_joined=datetime(2026, 7, 1, tzinfo=UTC))

        export = admin_client.post(f"{EXPORTS}?{query}", ALL_CUSTOMERS).json()
        make_exports()

        listed = api(Scope.USERS_READ).get(f"/api/admin/users/?{query}").json()["results"]
        exported = emails(downloaded(admin_client, export, by=anonymous))
        assert exported == [f"{name}@example.com" for name in found]
        assert {user["email"] for user in listed if user["user_type"] != "dashboard"} == set(exported)

    def test_finished_export_does_not_keep_its_filters(self, admin_client):
        admin_client.post(f"{EXPORTS}?email=ada@example.com", ALL_CUSTOMERS)

        make_exports()

        assert "ada@example.com" not in str(Job.objects.values().get())

    def test_export_is_complete_if_a_customer_is_erased_meanwhile(self, admin_client, anonymous, monkeypatch):
        monkeypatch.setattr(parts, "PART_SIZE", 1)
        people = [make_user(email=f"p{number}@example.com") for number in range(4)]
        export = admin_client.post(EXPORTS, ALL_CUSTOMERS).json()
        job = Job.objects.get()
        runner.work(job, EXPORT.steps(job), until=lambda: job.position >= 2)

        erase(people[0].pk, by=SYSTEM)
        make_exports()

        assert emails(downloaded(admin_client, export, by=anonymous)) == [
            f"p{number}@example.com" for number in (1, 2, 3)
        ]


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


class TestDownload:
    def test_export_download_returns_a_link_that_needs_no_token(self, admin_client, available, anonymous):
        response = admin_client.get(f"{export_url(available)}download/")
        opened = anonymous.get(response.json()["url"])

        assert list(response.json()) == ["url"]
        assert response.headers["Cache-Control"] == "no-store"
        assert opened.status_code == 200
        body = opened.getvalue()
        assert body.startswith(b'"id","email",')
        assert opened.headers["Content-Type"] == "text/csv; charset=utf-8"
        assert opened.headers["Content-Length"] == str(len(body))
        assert opened.headers["Cache-Control"] == "no-store"
        assert opened.headers["X-Content-Type-Options"] == "nosniff"
        assert opened.headers["Content-Disposition"].startswith('attachment; filename="customers-')
        assert not opened.cookies

    def test_export_download_of_pending_export_is_409(self, admin_client, export):
        response = admin_client.get(f"{export_url(export)}download/")

        assert response.status_code == 409
        assert response.json() == {"detail": "The export is not ready: its status is still pending."}

    def test_export_download_of_failed_export_is_409(self, admin_client, export):
        Job.objects.update(failures=runner.MAX_FAILURES)

        response = admin_client.get(f"{export_url(export)}download/")

        assert (response.status_code, "failed" in response.json()["detail"]) == (409, True)

    def test_export_download_takes_two_queries(self, admin_client, available, django_assert_num_queries):
        with django_assert_num_queries(2):  # token, export
            admin_client.get(f"{export_url(available)}download/")


class TestALink:
    @pytest.fixture
    def link(self, admin_client, available):
        return admin_client.get(f"{export_url(available)}download/").json()["url"]

    def test_export_link_expires_after_an_hour(self, link, anonymous, monkeypatch):
        made = signing.time.time()
        monkeypatch.setattr(signing.time, "time", lambda: made + 3590)
        assert anonymous.get(link).status_code == 200
        monkeypatch.setattr(signing.time, "time", lambda: made + 3610)

        response = anonymous.get(link)

        assert response.status_code == 403
        assert response.json() == {"detail": "This link is not valid, or not any more."}

    @pytest.mark.parametrize("link", ["x", "1", ":", "a:b:c", "é", "%00", "%ff", "x" * 5000])
    def test_export_link_without_signature_is_403(self, anonymous, available, link):
        response = anonymous.get(f"{EXPORTS}files/{link}/")

        assert response.status_code == 403
        assert response.json() == {"detail": "This link is not valid, or not any more."}

    def test_export_link_that_was_changed_is_403(self, admin_client, link, anonymous):
        signature = link.partition("files/")[2].rstrip("/").partition(":")[2]
        other = admin_client.post(EXPORTS, ALL_CUSTOMERS).json()
        make_exports()

        for number in (other["id"], NOBODY):
            forged = signing.b64_encode(f"[{number},{App.objects.get().pk}]".encode()).decode()
            assert anonymous.get(f"{EXPORTS}files/{forged}:{signature}/").status_code == 403

    def test_export_link_signed_for_another_purpose_is_403(self, anonymous, available):
        other = signing.dumps([available["id"], App.objects.get().pk])

        assert anonymous.get(f"{EXPORTS}files/{other}/").status_code == 403

    def test_export_link_to_deleted_file_is_404(self, link, anonymous, available):
        JobFile.objects.get().file.storage.delete(JobFile.objects.get().file.name)
        missing = anonymous.get(link)
        JobFile.objects.all().delete()
        forgotten = anonymous.get(link)

        assert [response.status_code for response in (missing, forgotten)] == [404, 404]
        assert missing.json() == forgotten.json() == {"detail": "The file is not kept any more."}

    def test_export_link_of_inactive_app_is_403(self, partner, anonymous):
        app = partner()
        export = app.post(EXPORTS, ALL_CUSTOMERS).json()
        make_exports()
        link = app.get(f"{export_url(export)}download/").json()["url"]
        assert anonymous.get(link).status_code == 200

        App.objects.filter(kind=App.Kind.PARTNER).update(is_active=False)

        assert anonymous.get(link).status_code == 403

    @each(
        "end",
        [
            lambda app: app.delete(),
            lambda app: AccessToken.objects.filter(application=app).delete(),
            lambda app: AccessToken.objects.update(expires=timezone.now() - timedelta(seconds=1)),
            lambda app: AccessToken.objects.update(scope=str(WRITE)),
            lambda app: uninstall(app, SYSTEM),
            lambda app: change_role(app.user_id, Role.VIEWER, by=SYSTEM),
            lambda app: deactivate(app.user_id, by=SYSTEM),
            lambda app: User.objects.filter(pk=app.user_id).update(user_type="lead"),
        ],
    )
    def test_export_link_ends_with_what_asked_for_it(self, partner, anonymous, end):
        make_owner()
        app = partner()
        export = app.post(EXPORTS, ALL_CUSTOMERS).json()
        make_exports()
        link = app.get(f"{export_url(export)}download/").json()["url"]
        assert anonymous.get(link).status_code == 200

        end(App.objects.get(kind=App.Kind.PARTNER))

        assert anonymous.get(link).status_code == 403

    def test_export_link_ends_when_a_personal_token_is_replaced(self, admin_client, link, anonymous, owner):
        assert anonymous.get(link).status_code == 200

        replace_personal_token(App.objects.get(), owner=owner, by=SYSTEM)

        assert anonymous.get(link).status_code == 403

    def test_export_link_rejects_other_methods(self, link, anonymous):
        assert anonymous.post(link).status_code == 405

    def test_export_link_takes_six_queries(self, link, anonymous, django_assert_num_queries):
        # token, export, its parts; the security log with the names of person and app
        with django_assert_num_queries(6):
            anonymous.get(link)
