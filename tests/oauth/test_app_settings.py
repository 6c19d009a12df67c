"""The settings that a partner app declares: a form in the dashboard, and the same rules in the API."""

import re

import pytest

from oauth.audit.models import AuditEvent
from oauth.models import PartnerApp
from tests.support.cases import each
from tests.support.clients import ADMIN_API, ApiClient

APPS = "/dashboard/oauth/partnerapp/"
MANIFEST = [
    {"name": "enabled", "type": "checkbox", "label": "Enable reviews", "help_text": "", "default": False},
    {"name": "account", "type": "text", "label": "Account", "default": "", "required": 1, "max_length": 10},
    {"name": "message", "type": "textarea", "label": "Message", "help_text": "Shown below.", "default": "Hello"},
    {"name": "count", "type": "number", "label": "Reviews per page", "min_value": 1, "max_value": 10, "default": 3},
    {"name": "contact", "type": "email", "label": "Contact", "default": ""},
    {"name": "page", "type": "url", "label": "Page"},
    {"name": "tint", "type": "color", "label": "Tint"},
    {"name": "style", "type": "select", "label": "Style", "default": "boxed",
     "options": [{"name": "Boxed", "value": "boxed"}, {"name": "Full width", "value": "full"}]},
    {"name": "cards", "type": "select", "multi-select": True, "label": "Cards", "default": ["visa"],
     "options": [{"name": "Visa", "value": "visa"}, {"name": "Master Card", "value": "mc"}]},
]  # fmt: skip
JSON_SCHEMA = {
    "type": "object",
    "required": ["key"],
    "properties": {
        "key": {"type": "string", "title": "Key", "description": "From your account.", "maxLength": 10},
        "limit": {"type": "integer", "minimum": 1, "maximum": 10, "default": 5},
        "rate": {"type": "number"},
        "on": {"type": "boolean", "default": True},
        "size": {"type": "integer", "enum": [1, 2, 3]},
        "mail": {"type": "string", "format": "email"},
        "home": {"type": "string", "format": "uri"},
        "pattern": {"type": "string", "pattern": "^a+$"},
    },
}
VALUES = {"enabled": True, "account": "A-1", "count": 5, "contact": "a@b.example", "page": "https://a.example/",
          "tint": "#0a58ca", "style": "full", "cards": ["mc", "visa"]}  # fmt: skip
WRONG = {
    "enabled": "yes", "account": "x" * 11, "count": 11, "contact": "nobody", "page": "javascript:alert(1)",
    "tint": "red", "style": "round", "cards": ["cash"],
}  # fmt: skip


@pytest.fixture
def app(partner) -> PartnerApp:
    PartnerApp.objects.update(settings_schema=MANIFEST, rate_limit=0)
    return PartnerApp.objects.get()


@pytest.fixture
def page(app) -> str:
    return f"{APPS}{app.pk}/settings/"


@pytest.fixture
def app_api(partner, owner, app, dashboard_client) -> ApiClient:
    return ApiClient(partner.install(dashboard_client)["access_token"])


@pytest.fixture
def settings_url(app) -> str:
    return f"{ADMIN_API}apps/{app.client_id}/settings/"


def stored() -> dict:
    return PartnerApp.objects.get().settings


def form(values: dict, other: str = "") -> dict:
    """What a browser sends: a box that is not ticked is left out."""
    sent = {f"setting_{name}": "on" if value is True else value for name, value in values.items() if value is not False}
    return {**sent, "other": other}


class TestForm:
    def test_page_has_a_field_for_each_setting_with_its_default(self, dashboard_client, page):
        shown = dashboard_client.get(page).content.decode()

        for label in ("Enable reviews", "Account", "Message", "Reviews per page", "Contact", "Style", "Master Card"):
            assert label in shown
        assert "Shown below." in shown
        assert re.search(r'<input type="number" name="setting_count" value="3"[^>]* min="1" max="10"', shown)
        assert '<input type="email" name="setting_contact"' in shown
        assert '<option value="boxed" selected>' in shown

    def test_saved_form_stores_values_of_the_declared_types_and_defaults(self, dashboard_client, page):
        saved = dashboard_client.post(page, form({**VALUES, "message": "Hi\r\nthere"}))

        assert saved.status_code == 302
        assert stored() == {**VALUES, "message": "Hi\r\nthere", "count": 5.0}
        assert AuditEvent.objects.filter(event="app_changed", detail={"changed": ["settings"]}).count() == 1

    def test_errors_stand_at_the_fields_and_nothing_is_saved(self, dashboard_client, page):
        refused = dashboard_client.post(page, form({**WRONG, "enabled": False}))

        assert refused.status_code == 200
        errors = refused.context["adminform"].form.errors
        assert set(errors) == {f"setting_{name}" for name in WRONG if name != "enabled"}
        assert stored() == {}

    def test_required_setting_may_not_be_left_empty(self, dashboard_client, page):
        refused = dashboard_client.post(page, form({**VALUES, "account": " "}))

        assert set(refused.context["adminform"].form.errors) == {"setting_account"}

    def test_settings_that_the_app_changes_meanwhile_are_kept(self, dashboard_client, app, page):
        PartnerApp.objects.update(settings={**VALUES, "own": 1})
        sent = form({**VALUES, "style": "boxed"}, '{"own": 1}')
        opened = {f"initial-{name}": value for name, value in sent.items()}
        PartnerApp.objects.update(settings={**VALUES, "count": 9, "own": 2})

        dashboard_client.post(page, {**opened, **sent, "initial-setting_style": "full"})

        assert stored() == {**VALUES, "message": "", "count": 9, "own": 2, "style": "boxed"}

    def test_json_box_edits_the_settings_that_have_no_field(self, dashboard_client, app, page):
        PartnerApp.objects.update(settings={"deep": {"a": [1]}, "old": True})

        dashboard_client.post(page, form(VALUES, '{"deep": {"a": [2]}}'))

        assert stored()["deep"] == {"a": [2]}
        assert "old" not in stored()
        for text in ("[1]", '"text"', "{", '{"account": "x"}', '{"a": 1e400}'):
            refused = dashboard_client.post(page, form(VALUES, text))
            assert set(refused.context["adminform"].form.errors) == {"other"}, text

    def test_page_needs_the_owner_s_role(self, page, as_role):
        for role in ("Viewer", "Staff"):
            assert as_role(role).get(page).status_code == 403


class TestUnknownWords:
    @each("schema", [
        [{"name": "a", "type": "map"}],
        [{"name": "a", "type": "text", "visible_if": "b"}],
        [{"name": "a"}],
        [{"name": "a", "type": ["text"]}],
        [{"name": "a", "type": "select", "options": "none"}],
        [{"name": "a", "type": "number", "max_value": "many"}],
        [{"name": "a", "type": "number", "default": "many"}],
        {"properties": {"a": {"type": "string", "pattern": "^a+$"}}},
        {"properties": {"a": {"$ref": "#/a"}}},
        {"properties": {"a": True}},
        {"properties": {"a": {"type": ["string", "null"]}}},
        {"properties": {"a": {"type": "object", "properties": {}}}, "required": "a"},
    ])  # fmt: skip
    def test_setting_with_unknown_words_is_edited_as_json(self, dashboard_client, page, schema):
        PartnerApp.objects.update(settings_schema=schema)

        assert "setting_a" not in dashboard_client.get(page).content.decode()
        assert dashboard_client.post(page, {"other": '{"a": {"b": 1}}'}).status_code == 302
        assert stored() == {"a": {"b": 1}}

    @each("schema", ["{", '"text"', "5", '{"type": "object"}', "[5]", '[{"type": "text"}]', '[{"name": 5}]',
                     '[{"name": "a b"}]', '[{"name": "a"}, {"name": "a"}]'])  # fmt: skip
    def test_registration_refuses_what_declares_no_settings(self, dashboard_client, app, schema):
        sent = {"name": "Reviews", "app_url": "https://a.example/", "redirect_uris": "https://a.example/",
                "api_version": "2024-04-01", "settings_schema": schema}  # fmt: skip

        refused = dashboard_client.post(f"{APPS}{app.pk}/change/", sent)

        assert set(refused.context["adminform"].form.errors) == {"settings_schema"}
        assert dashboard_client.post(f"{APPS}{app.pk}/change/", {**sent, "settings_schema": "[]"}).status_code == 302


class TestApi:
    @each("name", list(WRONG))
    def test_api_refuses_the_values_that_the_form_refuses(self, app_api, settings_url, name):
        for method, body in (("patch", {name: WRONG[name]}), ("put", {**VALUES, name: WRONG[name]})):
            refused = getattr(app_api, method)(settings_url, body)

            assert refused.status_code == 400
            assert list(refused.json()["settings"]) == [name]
        assert stored() == {}

    def test_put_needs_the_required_settings_and_patch_does_not(self, app_api, settings_url):
        assert app_api.put(settings_url, {"count": 2}).json() == {"settings": {"account": ["This field is required."]}}
        assert app_api.patch(settings_url, {"account": ""}).status_code == 400
        assert app_api.patch(settings_url, {"count": 2, "own": [1]}).json() == {"count": 2, "own": [1]}
        assert app_api.put(settings_url, VALUES).json() == VALUES
        assert app_api.delete(settings_url).status_code == 204

    @each("name,value", [("key", ""), ("key", "x" * 11), ("limit", 0), ("limit", 1.5), ("limit", True), ("rate", "1"),
                         ("on", 1), ("size", 4), ("mail", "nobody"), ("home", "a.example")])  # fmt: skip
    def test_json_schema_binds_the_api(self, app_api, settings_url, name, value):
        PartnerApp.objects.update(settings_schema=JSON_SCHEMA)
        good = {"key": "k", "limit": 10, "rate": 1.5, "on": False, "size": 3, "mail": "a@b.example",
                "home": "https://a.example/", "pattern": "b"}  # fmt: skip

        assert app_api.put(settings_url, good).json() == good
        assert app_api.patch(settings_url, {name: value}).status_code == 400

    def test_json_schema_makes_the_same_form(self, dashboard_client, page):
        PartnerApp.objects.update(settings_schema=JSON_SCHEMA)

        sent = form({"key": "k", "limit": "10", "rate": "1.5", "on": True, "size": "3", "mail": "", "home": ""})

        assert "From your account." in dashboard_client.get(page).content.decode()
        assert dashboard_client.post(page, sent).status_code == 302
        assert stored() == {"key": "k", "limit": 10, "rate": 1.5, "on": True, "size": 3, "mail": "", "home": ""}
