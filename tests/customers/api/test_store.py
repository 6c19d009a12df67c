"""`/api/admin/`, `/api/admin/store/`, and the collections that are empty in this store."""

import pytest
from django.test import override_settings
from django.urls import reverse

from customers.store.models import StoreDetails
from customers.store.services import change_details
from oauth.scopes import Scope
from tests.support.clients import ADMIN_API, USERS

STORE = f"{ADMIN_API}store/"
FORM = {"name": "Bulbs & Co", "tagline": "Since 1890", "currencies": "eur, USD", "city": "Leeds", "line1": "1 High St"}


@pytest.fixture
def page(owner) -> str:
    return reverse("admin:store_storedetails_change", args=[1])


class TestStore:
    def test_store_is_one_object_with_defaults(self, api):
        response = api(Scope.STORE_READ).get(STORE)

        store = response.json()
        assert response.status_code == 200
        assert (store["name"], store["primary_domain"], store["timezone"]) == ("Store", "testserver", "UTC")
        assert store["available_currencies"] == [{"code": "USD", "label": "US Dollar"}]
        assert {"code": "de", "label": "German"} in store["available_languages"]
        assert len(store["available_languages"]) == 12
        assert store["payments"]["available_payment_methods"] == []

    def test_store_shows_what_the_owner_saved(self, api, dashboard_client, page):
        assert dashboard_client.post(page, FORM).status_code == 302

        with override_settings(STORE_COUNTRY="GB", STORE_DOMAIN="bulbs.example"):
            store = api(Scope.STORE_READ).get(STORE).json()

        assert (store["name"], store["tagline"], store["primary_domain"]) == (
            "Bulbs & Co",
            "Since 1890",
            "bulbs.example",
        )
        assert [each["code"] for each in store["available_currencies"]] == ["EUR", "USD"]
        address = store["contact_address"]
        assert (address["line1"], address["city"], address["country"], address["state"]) == (
            "1 High St",
            "Leeds",
            "GB",
            "",
        )

    def test_store_needs_its_scope(self, api, anonymous):
        assert anonymous.get(STORE).status_code == 401
        assert api(Scope.USERS_READ).get(STORE).status_code == 403

    def test_store_details_reject_an_unknown_currency(self, dashboard_client, page):
        for currencies in ("EUR, XYZ", "", "€", "E" * 300):
            response = dashboard_client.post(page, FORM | {"currencies": currencies})

            assert response.status_code == 200, currencies
            assert "errorlist" in response.content.decode()
        assert not StoreDetails.objects.exists()

    def test_store_details_go_through_the_doors_of_texts_and_phones(self, dashboard_client, page):
        for field, value in {
            "name": "\u200b",
            "tagline": "a\x1bb",
            "phone_number": "020 7946 0018",
            "city": "\u202e",
        }.items():
            response = dashboard_client.post(page, FORM | {field: value})

            assert response.status_code == 200, field
            assert "errorlist" in response.content.decode(), field
        assert not StoreDetails.objects.exists()
        dashboard_client.post(page, FORM | {"name": "Zoe\u0308", "phone_number": "+44 20 7946 0018"})
        details = StoreDetails.objects.get()
        assert (details.name, details.phone_number) == ("Zoë", "+442079460018")

    def test_store_details_are_changed_by_owners_only(self, as_role, page):
        change_details(name="Bulbs")
        for role in ("Viewer", "Staff"):
            browser = as_role(role)
            assert browser.get(page).status_code == 200
            assert browser.post(page, FORM).status_code == 403
        assert StoreDetails.objects.get().name == "Bulbs"

    def test_store_details_have_one_page(self, dashboard_client, page):
        listed = dashboard_client.get(reverse("admin:store_storedetails_changelist"))
        assert listed.headers["Location"] == page
        assert dashboard_client.get(page.replace("/1/", "/2/"), follow=True).redirect_chain
        assert not StoreDetails.objects.exists()


class TestCountryOfTheStore:
    def test_local_phone_without_an_address_is_of_the_store_s_country(self, api):
        admin_client = api(*Scope)
        with override_settings(STORE_COUNTRY="GB"):
            created = admin_client.post(USERS, {"email": "a@example.com", "phone_number": "020 7946 0018"})
        refused = admin_client.post(USERS, {"email": "b@example.com", "phone_number": "020 7946 0018"})

        assert created.json()["phone_number"] == "+442079460018"
        assert (refused.status_code, list(refused.json())) == (400, ["phone_number"])


class TestRoot:
    def test_root_names_the_version_the_document_and_the_resources(self, api, client):
        reader = api(api_version="2023-02-10")

        response = reader.get(ADMIN_API)

        root = response.json()
        assert (response.status_code, root["version"]) == (200, "2023-02-10")
        assert root["users"] == f"http://testserver{USERS}"
        assert client.get(root["document"]).json()["info"]["version"] == "2023-02-10"

    def test_root_without_a_token_is_401(self, anonymous):
        assert anonymous.get(ADMIN_API).status_code == 401


class TestEmptyCollections:
    @pytest.mark.parametrize("name", ["disputes", "transactions"])
    def test_collection_of_another_section_is_an_empty_page_behind_its_scope(self, api, anonymous, name):
        path = f"{ADMIN_API}{name}/"

        page = api(Scope(f"{name}:read")).get(path, {"limit": 1})

        assert (page.status_code, page.json()) == (200, {"next": None, "previous": None, "results": []})
        assert anonymous.get(path).status_code == 401
        assert api(Scope.USERS_READ).get(path).status_code == 403
