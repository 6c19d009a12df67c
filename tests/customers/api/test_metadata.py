"""`/api/admin/metadata/`."""

import pytest

from customers.metadata.models import Definition
from customers.metadata.services import create_definition
from oauth.scopes import Scope
from tests.support.clients import ADMIN_API
from tests.support.database import by_database

METADATA = f"{ADMIN_API}metadata/"
NOBODY = 987_654_321
NEW = {"object": "customer", "key": "points", "name": "Points", "type": "integer"}
UPDATE = {"object": "customer", "name": "Loyalty points"}


def url_of(definition) -> str:
    return f"{METADATA}{getattr(definition, 'pk', definition)}/"


@pytest.fixture
def admin_client(api):
    return api(Scope.METADATA_READ, Scope.METADATA_WRITE)


@pytest.fixture
def points(db):
    return create_definition(**NEW, validations=[{"type": "maximum_value", "value": "100"}])


OPERATIONS = [
    ("get", METADATA, None, Scope.METADATA_READ),
    ("post", METADATA, NEW, Scope.METADATA_WRITE),
    ("get", url_of(NOBODY), None, Scope.METADATA_READ),
    ("put", url_of(NOBODY), UPDATE, Scope.METADATA_WRITE),
    ("patch", url_of(NOBODY), UPDATE, Scope.METADATA_WRITE),
    ("delete", url_of(NOBODY), None, Scope.METADATA_WRITE),
]


class TestEveryOperation:
    def test_definition_endpoint_without_a_token_is_401(self, anonymous):
        for method, url, body, _ in OPERATIONS:
            assert getattr(anonymous, method)(url, body).status_code == 401, (method, url)
        assert not Definition.objects.exists()

    def test_definition_endpoint_without_its_scope_is_403(self, api):
        clients = {
            scope: api(*(each for each in Scope if each not in (scope, scope.implied_by)))
            for scope in (Scope.METADATA_READ, Scope.METADATA_WRITE)
        }
        for method, url, body, scope in OPERATIONS:
            assert getattr(clients[scope], method)(url, body).status_code == 403, (method, url)
        assert not Definition.objects.exists()

    def test_definition_endpoint_rejects_unknown_version(self, admin_client):
        for method, url, body, _ in OPERATIONS:
            response = getattr(admin_client, method)(url, body, headers={"X-29next-API-Version": "1999-01-01"})

            assert response.status_code == 400, (method, url)
        assert not Definition.objects.exists()

    def test_unknown_definition_is_404(self, admin_client):
        for method, url, body, _ in OPERATIONS:
            if str(NOBODY) in url:
                assert getattr(admin_client, method)(url, body).status_code == 404, (method, url)


class TestCreate:
    def test_create_definition_returns_201_with_all_fields(self, admin_client):
        validations = [{"type": "minimum_value", "value": "0"}, {"type": "maximum_value", "value": "100"}]

        response = admin_client.post(METADATA, {**NEW, "validations": validations, "enable_filter": True})

        assert response.status_code == 201
        definition = Definition.objects.get()
        answer = response.json()
        assert answer == admin_client.get(url_of(definition)).json()
        assert {name: answer[name] for name in answer if name not in ("created_at", "updated_at")} == {
            **NEW, "id": definition.pk, "validations": validations, "enable_filter": True, "enable_export": False,
        }  # fmt: skip

    @pytest.mark.parametrize("send", ["post_form", "post_multipart"])
    def test_create_definition_accepts_forms(self, admin_client, send):
        fields = {**NEW, "enable_export": "true", "validations[0][type]": "maximum_value", "validations[0][value]": "9"}

        response = getattr(admin_client, send)(METADATA, fields)

        assert response.status_code == 201, response.content
        definition = Definition.objects.get()
        assert definition.enable_export
        assert definition.validations == [{"type": "maximum_value", "value": "9"}]

    def test_create_definition_rejects_missing_field(self, admin_client):
        for missing in NEW:
            response = admin_client.post(METADATA, {name: NEW[name] for name in NEW if name != missing})

            assert (response.status_code, list(response.json())) == (400, [missing]), missing

    def test_create_definition_rejects_invalid_value_of_a_field(self, admin_client):
        for field, value in [
            ("object", "customers"),
            ("type", "date"),
            ("key", ""),
            ("key", "1st"),
            ("key", "a b"),
            ("key", "a\0"),
            ("key", 'a"b'),
            ("key", "a" * 256),
            ("name", " "),
            ("name", "a" * 256),
            ("name", "a\0"),
            ("name", "\ud800"),
            ("enable_filter", "perhaps"),
            ("validations", "maximum_value"),
            ("validations", [{"type": "maximum_value"}]),
            ("validations", [{"type": "maximal_value", "value": "1"}]),
        ]:
            response = admin_client.post(METADATA, {**NEW, field: value})

            assert (response.status_code, list(response.json())) == (400, [field]), (field, value)
            assert not Definition.objects.exists(), (field, value)

    def test_create_definition_rejects_validation_of_another_type(self, admin_client):
        for type, validations, where in [
            ("text", [("maximum_value", "1")], "type"),
            ("integer", [("maximum_length", "1")], "type"),
            ("integer", [("maximum_precision", "1")], "type"),
            ("text", [("accept_only_image", "true")], "type"),
            ("boolean", [("minimum_value", "1")], "type"),
            ("integer", [("maximum_value", "many")], "value"),
            ("integer", [("maximum_value", "NaN")], "value"),
            ("decimal", [("maximum_value", "1e3")], "value"),
            ("text", [("maximum_length", "-1")], "value"),
            ("decimal", [("maximum_precision", "1.5")], "value"),
            ("file", [("accept_only_image", "yes")], "value"),
        ]:
            body = [{"type": kind, "value": value} for kind, value in validations]

            response = admin_client.post(METADATA, {**NEW, "type": type, "validations": body})

            assert response.status_code == 400, (type, validations, where)
            assert list(response.json()["validations"]["0"]) == [where], (type, validations, where)

    @pytest.mark.parametrize(
        ("second", "where"), [(("minimum_value", "5"), "type"), (("maximum_value", "4.9"), "value")]
    )
    def test_create_definition_rejects_contradicting_validations(self, admin_client, second, where):
        validations = [{"type": kind, "value": value} for kind, value in [("minimum_value", "5"), second]]

        response = admin_client.post(METADATA, {**NEW, "validations": validations})

        assert response.status_code == 400
        assert list(response.json()["validations"]["1"]) == [where]

    def test_create_definition_rejects_duplicate_key(self, admin_client, points):
        response = admin_client.post(METADATA, NEW)

        assert response.status_code == 400
        assert response.json() == {"key": ["There is a definition of this key already."]}
        assert admin_client.post(METADATA, {**NEW, "object": "order"}).status_code == 201

    def test_create_definition_twice_with_one_idempotency_key_makes_one(self, admin_client):
        first, second = (admin_client.post(METADATA, NEW, headers={"Idempotency-Key": "one"}) for _ in range(2))

        assert first.status_code == second.status_code == 201
        assert first.json() == second.json()
        assert Definition.objects.count() == 1


class TestUpdate:
    def test_update_definition_changes_all_but_key_and_type(self, admin_client, points):
        body = {**UPDATE, "key": "other", "type": "text", "enable_export": True}

        response = admin_client.put(url_of(points), body)

        assert response.status_code == 200
        assert response.json() == admin_client.get(url_of(points)).json()
        points.refresh_from_db()
        assert (points.key, points.type, points.name, points.enable_export) == (
            "points", "integer", "Loyalty points", True,
        )  # fmt: skip
        assert points.validations == [{"type": "maximum_value", "value": "100"}]
        assert points.updated_at > points.created_at

    def test_update_definition_replaces_the_validations(self, admin_client, points):
        response = admin_client.patch(url_of(points), {"validations": [{"type": "minimum_value", "value": "200"}]})

        assert response.status_code == 200
        assert response.json()["validations"] == [{"type": "minimum_value", "value": "200"}]
        assert admin_client.patch(url_of(points), {"validations": []}).json()["validations"] == []

    @pytest.mark.parametrize("missing", UPDATE)
    def test_put_definition_needs_required_fields_and_patch_does_not(self, admin_client, points, missing):
        body = {name: UPDATE[name] for name in UPDATE if name != missing}

        assert list(admin_client.put(url_of(points), body).json()) == [missing]
        assert admin_client.patch(url_of(points), body).status_code == 200

    def test_update_definition_rejects_validation_of_another_type(self, admin_client, points):
        response = admin_client.patch(url_of(points), {"validations": [{"type": "maximum_length", "value": "1"}]})

        assert response.status_code == 400
        points.refresh_from_db()
        assert points.validations == [{"type": "maximum_value", "value": "100"}]

    def test_update_definition_rejects_object_with_the_same_key(self, admin_client, points):
        create_definition(**{**NEW, "object": "order"})

        assert admin_client.patch(url_of(points), {"object": "order"}).status_code == 400
        assert admin_client.patch(url_of(points), {"object": "line"}).status_code == 200

    def test_update_definition_with_outdated_if_match_is_412(self, admin_client, points):
        etag = admin_client.get(url_of(points)).headers["ETag"]
        admin_client.patch(url_of(points), {"name": "Faster"})

        response = admin_client.patch(url_of(points), {"name": "Slower"}, headers={"If-Match": etag})

        assert response.status_code == 412
        points.refresh_from_db()
        assert points.name == "Faster"


class TestDelete:
    def test_delete_definition_removes_it(self, admin_client, points):
        response = admin_client.delete(url_of(points))

        assert (response.status_code, response.content) == (204, b"")
        assert admin_client.get(url_of(points)).status_code == 404


class TestList:
    @pytest.fixture(autouse=True)
    def some(self, db):
        create_definition(**NEW, enable_filter=True)
        create_definition(object="customer", key="tier", name="Tier of points", type="text", enable_export=True)
        create_definition(object="order", key="points", name="Earned", type="decimal")

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("", ["Earned", "Tier of points", "Points"]),
            ("name=POINTS", ["Tier of points", "Points"]),
            ("object=customer", ["Tier of points", "Points"]),
            ("object=customer&object=order", ["Earned", "Tier of points", "Points"]),
            ("metadata_key=points", ["Earned", "Points"]),
            ("metadata_key=point", []),
            ("type=text&type=decimal", ["Earned", "Tier of points"]),
            ("enable_export=true", ["Tier of points"]),
            ("enable_filter=false&type=text", ["Tier of points"]),
            ("name=&object=&type=&enable_filter=&other=1", ["Earned", "Tier of points", "Points"]),
        ],
    )
    def test_list_definitions_newest_first_with_filters(self, admin_client, query, found):
        response = admin_client.get(f"{METADATA}?{query}")

        assert [each["name"] for each in response.json()["results"]] == found

    @pytest.mark.parametrize("query", ["object=nothing", "type=date", "enable_filter=perhaps"])
    def test_list_definitions_rejects_invalid_filter(self, admin_client, query):
        assert admin_client.get(f"{METADATA}?{query}").status_code == 400

    def test_list_definitions_in_pages(self, admin_client):
        page = admin_client.get(f"{METADATA}?page_size=2").json()

        rest = admin_client.get(page["next"]).json()

        assert [each["name"] for each in page["results"] + rest["results"]] == ["Earned", "Tier of points", "Points"]
        assert rest["next"] is None


def test_definition_endpoints_take_few_queries(admin_client, points, django_assert_num_queries):
    for method, url, body, queries in [
        ("get", METADATA, None, 2),  # the token, the page
        ("get", url_of(points), None, 2),
        ("post", METADATA, {**NEW, "key": "other"}, by_database(postgresql=8, sqlite=7)),
        ("patch", url_of(points), {"name": "Other"}, by_database(postgresql=8, sqlite=8)),
        ("delete", url_of(points), None, by_database(postgresql=3, sqlite=3)),
    ]:
        with django_assert_num_queries(queries, info=f"{method} {url}"):
            assert getattr(admin_client, method)(url, body).status_code < 300
