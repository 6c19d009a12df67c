"""Definitions in the dashboard: their own pages, and the filters they make."""

import json

import pytest

from customers.jobs.models import Job
from customers.metadata.models import Definition, Validation
from tests.support.dashboard import CUSTOMERS, DASHBOARD
from tests.support.factories import make_user

DEFINITIONS = f"{DASHBOARD}metadata/definition/"
NEW = {"name": "Points", "object": "customer", "key": "points", "type": "integer"}


def url_of(definition) -> str:
    return f"{DEFINITIONS}{definition.pk}/change/"


class TestTheForm:
    def test_form_creates_a_definition(self, dashboard_client):
        response = dashboard_client.post(
            f"{DEFINITIONS}add/", {**NEW, "minimum_value": "0", "maximum_value": "100", "enable_filter": "on"}
        )

        assert response.status_code == 302, response.context["adminform"].form.errors
        definition = Definition.objects.get()
        assert "icon-no" not in dashboard_client.get(DEFINITIONS).content.decode()  # no red cross for a harmless "no"
        assert (definition.key, definition.type, definition.name) == ("points", "integer", "Points")
        assert (definition.enable_filter, definition.enable_export) == (True, False)
        assert definition.validations == [
            {"type": "maximum_value", "value": "100"},
            {"type": "minimum_value", "value": "0"},
        ]

    def test_form_makes_the_key_from_the_name(self, dashboard_client):
        dashboard_client.post(f"{DEFINITIONS}add/", {**NEW, "name": "Größe der Schuhe", "key": ""})

        assert Definition.objects.get().key == "groe_der_schuhe"

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"key": "no key"}, "key"),
            ({"key": "tier"}, "key"),
            ({"maximum_length": "5"}, "maximum_length"),
            ({"maximum_value": "many"}, "maximum_value"),
            ({"minimum_value": "2", "maximum_value": "1"}, "minimum_value"),
            ({"accept_only_image": "on"}, "accept_only_image"),
            ({"type": "date"}, "type"),
        ],
    )
    def test_form_shows_errors_at_their_fields(self, dashboard_client, define, changes, field):
        define("tier", "text")

        response = dashboard_client.post(f"{DEFINITIONS}add/", {**NEW, **changes})

        assert response.status_code == 200
        assert field in response.context["adminform"].form.errors
        assert Definition.objects.count() == 1

    def test_form_shows_only_the_limits_of_its_type(self, dashboard_client, define):
        limits = {
            "text": {"maximum_length"},
            "integer": {"minimum_value", "maximum_value"},
            "decimal": {"minimum_value", "maximum_value", "maximum_precision"},
            "file": {"accept_only_image"},
            "boolean": set(),
        }
        for type, names in limits.items():
            page = dashboard_client.get(url_of(define(f"a_{type}", type))).content.decode()
            shown = {name for name in Validation.values if f'name="{name}"' in page}
            assert shown == names, type

        new = dashboard_client.get(f"{DEFINITIONS}add/").content.decode()
        assert all(f'name="{name}"' in new for name in Validation.values)  # a script hides those of other types
        assert all(f"Limits of {kind}" in new for kind in ("texts", "numbers", "files"))

    def test_form_defines_fields_of_customers(self, dashboard_client):
        page = dashboard_client.get(f"{DEFINITIONS}add/").content.decode()
        assert 'name="object"' not in page

        dashboard_client.post(f"{DEFINITIONS}add/", {**NEW, "object": "order"})

        assert Definition.objects.get().object == "customer"

    def test_form_changes_all_but_key_and_type(self, dashboard_client, define):
        definition = define("photo", "file", accept_only_image="true")
        page = dashboard_client.get(url_of(definition))
        assert page.context["adminform"].form.initial["accept_only_image"] is True

        dashboard_client.post(url_of(definition), {**NEW, "name": "Portrait", "enable_export": "on"})

        definition.refresh_from_db()
        assert (definition.key, definition.type, definition.name) == ("photo", "file", "Portrait")
        assert (definition.validations, definition.enable_export) == ([], True)

    def test_form_deletes_a_definition(self, dashboard_client, define):
        definition = define("points", "integer")

        dashboard_client.post(f"{DEFINITIONS}{definition.pk}/delete/", {"post": "yes"})

        assert not Definition.objects.exists()

    def test_viewer_sees_definitions_without_a_form(self, as_role, define):
        definition = define("points", "integer", maximum_value="100")

        page = as_role("Viewer").get(url_of(definition)).content.decode()

        assert "maximum value: 100" in page
        assert 'name="_save"' not in page


class TestAFilter:
    @pytest.fixture(autouse=True)
    def people(self, define):
        make_user(email="old@example.com", metadata={"tier": ["gold"], "points": "7", "vip": 1, "words": "a"})
        for key, type in [
            ("tier", "text"), ("points", "integer"), ("rate", "decimal"), ("vip", "boolean"),
            ("words", "multi_text"), ("bio.long", "rich_text"), ("photo", "file"),
        ]:  # fmt: skip
            define(key, type, enable_filter=True)
        define("hidden", "text")
        define("of_orders", "text", object="order", enable_filter=True)
        make_user(email="ada@example.com", metadata={
            "tier": "gold", "points": 7, "rate": 1.5, "vip": True, "words": ["a", "b"], "bio.long": "<p>",
            "photo": "https://files.example/a.png",
        })  # fmt: skip
        make_user(email="bob@example.com", metadata={"tier": "silver", "points": 0, "vip": False, "words": ["b"]})
        make_user(email="nobody@example.com")

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({"metadata.tier": "gold"}, {"ada"}),
            ({"metadata.tier": "GOLD"}, set()),
            ({"metadata.points": "7"}, {"ada"}),
            ({"metadata.points": "0"}, {"bob"}),
            ({"metadata.points": "many"}, {"ada", "bob", "old", "nobody"}),
            ({"metadata.rate": "1.50"}, {"ada"}),
            ({"metadata.vip": "True"}, {"ada"}),
            ({"metadata.vip": "False"}, {"bob"}),
            ({"metadata.vip": "perhaps"}, {"ada", "bob", "old", "nobody"}),
            ({"metadata.words": "b"}, {"ada", "bob"}),
            ({"metadata.words": "c"}, set()),
            ({"metadata.bio.long": "<p>"}, {"ada"}),
            ({"metadata.photo": "https://files.example/a.png"}, {"ada"}),
            ({"metadata.words": "b", "metadata.vip": "False", "metadata.tier": "silver"}, {"bob"}),
        ],
    )
    def test_metadata_filter_finds_customers_by_value(self, dashboard_client, query, found):
        response = dashboard_client.get(CUSTOMERS, query)

        assert response.status_code == 200
        people = {user.email.partition("@")[0] for user in response.context_data["cl"].result_list}
        assert people - {"points"} == found

    def test_metadata_filter_is_on_the_page_by_its_name(self, dashboard_client):
        page = dashboard_client.get(CUSTOMERS).content.decode()

        assert ">Tier</label>" in page
        assert 'name="metadata.tier"' in page
        assert "metadata.hidden" not in page
        assert "metadata.of_orders" not in page

    @pytest.mark.parametrize("name", ["metadata.hidden", "metadata.nothing", "metadata__tier"])
    def test_filter_of_unknown_metadata_key_is_refused(self, dashboard_client, name):
        assert dashboard_client.get(CUSTOMERS, {name: "x"}).status_code == 400

    @pytest.mark.parametrize(
        ("name", "value", "criterion"),
        [
            ("metadata.rate", "1.5", 1.5),
            ("metadata.vip", "True", True),
            ("metadata.words", "b", ["b"]),
        ],
    )
    def test_metadata_filter_applies_to_bulk_edits(self, dashboard_client, name, value, criterion):
        chosen = dashboard_client.get(CUSTOMERS, {name: value}).context_data["cl"].result_list[0]

        dashboard_client.post(
            f"{CUSTOMERS}?{name}={value}",
            {"action": "export", "select_across": "1", "_selected_action": [chosen.pk]},
        )

        job = Job.objects.get()
        assert job.options_json["filters"][name] == criterion
        assert json.dumps(job.options_json["filters"][name]) == json.dumps(criterion)
        assert job.total == (2 if name == "metadata.words" else 1)
