"""Custom fields of a customer: a typed input for each definition, JSON for other keys, and what the page shows."""

import pytest

from customers import services
from customers.models import User
from oauth.actor import SYSTEM
from tests.support.cases import each
from tests.support.dashboard import CUSTOMERS, customer_url, edit_url, save_customer
from tests.support.factories import make_user
from tests.support.pages import fields_of

PART = "custom-fields"
TYPES = {
    "name": "text", "points": "integer", "rate": "decimal", "bio.long": "rich_text", "words": "multi_text",
    "photo": "file", "vip": "boolean",
}  # fmt: skip
FULL = {
    "name": "Ada", "points": 7, "rate": 1.5, "bio.long": "One\nTwo", "words": ["a", "b"],
    "photo": "https://files.example/a.png", "vip": True,
}  # fmt: skip


@pytest.fixture(autouse=True)
def defined(define):
    for key, type in TYPES.items():
        define(key, type)


@pytest.fixture
def ada(db):
    return make_user(email="ada@example.com", metadata={**FULL, "crm": {"id": 12}})


def saved(browser, customer, **values) -> dict:
    """The metadata after a form with these values by key, as a browser sends them."""
    changes = {f"metadata.{key}": value for key, value in values.items()}
    response = save_customer(browser, customer, part=PART, **changes)
    assert response.status_code == 302, response.context["form"].errors
    customer.refresh_from_db()
    return customer.metadata


class TestInputs:
    def test_form_has_a_typed_input_for_each_definition(self, dashboard_client, ada):
        page = dashboard_client.get(edit_url(ada, PART))
        text, fields = page.content.decode(), fields_of(page)

        assert 'type="number" name="metadata.points"' in text
        assert 'type="url" name="metadata.photo"' in text
        assert '<textarea name="metadata.words"' in text
        assert "Points" in text
        assert (fields["metadata.vip"], fields["metadata.words"]) == ("true", "a\nb")
        assert fields["metadata"] == '{\n  "crm": {\n    "id": 12\n  }\n}'

    def test_save_without_changes_changes_nothing(self, dashboard_client, ada):
        before = User.objects.filter(pk=ada.pk).values().get()

        assert save_customer(dashboard_client, ada, part=PART).status_code == 302

        assert User.objects.filter(pk=ada.pk).values().get() == before

    @each(
        "key, typed, kept",
        {
            "text": ("name", "Augusta", "Augusta"),
            "integer": ("points", "8", 8),
            "decimal": ("rate", "0.25", 0.25),
            "whole decimal": ("rate", "2", 2),
            "rich text": ("bio.long", "One\r\nTwo\r\nThree", "One\nTwo\nThree"),
            "list": ("words", "a\r\n\r\n c ", ["a", "c"]),
            "file": ("photo", "https://files.example/b.png", "https://files.example/b.png"),
            "boolean": ("vip", "false", False),
        },
    )
    def test_typed_value_is_kept_in_its_type(self, dashboard_client, ada, key, typed, kept):
        found = saved(dashboard_client, ada, **{key: typed})

        assert found == {**FULL, "crm": {"id": 12}, key: kept}
        assert type(found[key]) is type(kept)

    @each("key", list(TYPES))
    def test_emptied_field_is_removed(self, dashboard_client, ada, key):
        assert saved(dashboard_client, ada, **{key: ""}) == {
            name: value for name, value in {**FULL, "crm": {"id": 12}}.items() if name != key
        }

    @each(
        "key, typed",
        [
            ("points", "many"),
            ("rate", "1,5"),
            ("rate", "9" * 400),
            ("photo", "a.png"),
            ("vip", "maybe"),
            ("name", "a\0"),
        ],
    )
    def test_value_of_another_type_is_refused_at_its_field(self, dashboard_client, ada, key, typed):
        page = save_customer(dashboard_client, ada, part=PART, **{f"metadata.{key}": typed})

        assert page.status_code == 200
        assert list(page.context["form"].errors) == [f"metadata.{key}"]

    def test_limits_of_a_definition_are_attributes_and_are_checked(self, dashboard_client, define, ada):
        define("size", "integer", minimum_value="1", maximum_value="9")

        text = dashboard_client.get(edit_url(ada, PART)).content.decode()
        page = save_customer(dashboard_client, ada, part=PART, **{"metadata.size": "10"})

        assert 'min="1"' in text
        assert "At least 1." in text
        assert page.context["form"].errors["metadata.size"] == ["Enter at most 9."]

    def test_value_older_than_its_definition_is_left_to_the_advanced_json(self, dashboard_client):
        old = make_user(email="old@example.com")
        User.objects.filter(pk=old.pk).update(metadata={"points": "7", "name": " padded"})

        fields = fields_of(dashboard_client.get(edit_url(old, PART)))

        assert "metadata.points" not in fields
        assert '"points": "7"' in fields["metadata"]
        assert saved(dashboard_client, old, rate="1") == {"points": "7", "name": " padded", "rate": 1}

    def test_save_keeps_keys_that_others_changed_meanwhile(self, dashboard_client, ada):
        fields = fields_of(dashboard_client.get(edit_url(ada, PART)))
        services.update_user(ada.pk, by=SYSTEM, metadata={**FULL, "points": 9, "crm": {"id": 12}, "erp": 1})

        typed = {"metadata.rate": "3", "metadata": '{"crm": {"id": 13}}'}
        assert dashboard_client.post(edit_url(ada, PART), {**fields, **typed}).status_code == 302

        ada.refresh_from_db()
        assert ada.metadata == {**FULL, "points": 9, "rate": 3, "crm": {"id": 13}, "erp": 1}

    def test_add_customer_has_the_inputs(self, dashboard_client):
        fields = fields_of(dashboard_client.get(f"{CUSTOMERS}add/"))

        new = {"email": "new@example.com", "metadata.points": "3", "metadata.vip": "true", "metadata": '{"a": ""}'}
        dashboard_client.post(f"{CUSTOMERS}add/", {**fields, **new})

        assert User.objects.get(email="new@example.com").metadata == {"points": 3, "vip": True, "a": ""}


class TestFacts:
    def test_page_shows_the_values_by_the_names_of_their_definitions(self, dashboard_client, define, ada):
        define("shoe", "integer", name="Shoe size")
        services.update_user(ada.pk, by=SYSTEM, metadata={"shoe": 38, "vip": False, "crm": {"id": 12}})

        text = dashboard_client.get(customer_url(ada)).content.decode()
        card = " ".join(text[text.index('id="custom-fields"') :].split())

        assert "<dt>Shoe size</dt> <dd>38" in card
        assert "<dt>Vip</dt> <dd>No" in card
        assert "<code>{&quot;id&quot;: 12}</code>" in card

    def test_page_links_no_value_that_is_no_url(self, dashboard_client):
        old = make_user(email="old@example.com")
        User.objects.filter(pk=old.pk).update(metadata={"photo": "javascript:alert(1)"})

        assert 'href="javascript' not in dashboard_client.get(customer_url(old)).content.decode()
