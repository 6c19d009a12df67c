"""Searches find what stands in a row, however it is written: on both databases, through every surface."""

import html
import unicodedata

import pytest

from customers.filters import filter_customers
from customers.groups.services import create_group
from customers.metadata.models import Definition
from customers.models import Address, Customer, Tag, User
from customers.webhooks.models import Webhook
from oauth import partner_apps
from oauth.actor import SYSTEM
from oauth.models import PartnerApp, PrivateApp
from oauth.scopes import Scope
from oauth.text import fold
from oauth.tokens import issue_personal_token
from tests.support.cases import each
from tests.support.clients import ADMIN_API, USERS, addresses_url, user_url
from tests.support.dashboard import CUSTOMERS
from tests.support.factories import make_user

# A last name, and what it is looked for by.
SPELLINGS = {
    "İpek": ["İpek", "İpek".lower(), "i̇pek", "İPEK"],
    "ΟΔΥΣΣΕΥΣ": ["ΟΔΥΣΣΕΥΣ", "οδυσσευς", "Οδυσσευσ"],
    "Straße": ["Straße", "STRASSE", "strasse", "STRAẞE"],
    "Işık": ["Işık", "IŞIK", "ışık"],
    "Zoë": ["Zoë", "Zoe\u0308", "ZOE\u0308"],
    "Nguye\u0302\u0303n": ["Nguyễn", "NGUYỄN", "Nguye\u0302\u0303n"],
    "O'Connor": ["O'Connor", "O’Connor", "oconnor", "OʼCONNOR", "o`connor", "O´Connor"],
    "D’Artagnan": ["D'Artagnan", "dartagnan", "d’artagnan"],
    "ΜΑΪ́ΟΥ": ["ΜΑΪ́ΟΥ", "μαΐου"],
    "ЁЖ": ["ёж", "е\u0308ж"],
    "Ｋａｙ": ["kay", "ＫＡＹ"],
    "So\u00adren\u200b": ["soren", "Soren"],
}
CASES = [(name, text) for name, texts in SPELLINGS.items() for text in texts]


@pytest.fixture
def client(api):
    return api(*Scope)


@pytest.fixture
def nobody(db):
    make_user(email="nobody@example.com", first_name="Xaver", last_name="Quux")


def emails(page) -> list[str]:
    assert page.status_code == 200, page.content
    return [each["email"] for each in page.json()["results"]]


@each("name, text", CASES)
def test_name_finds_every_spelling_of_it(client, nobody, name, text):
    client.post(USERS, {"email": "found@example.com", "first_name": "Kim", "last_name": name})

    assert emails(client.get(USERS, {"name": text})) == ["found@example.com"]
    assert emails(client.get(USERS, {"name": f"kim  {text}"})) == ["found@example.com"]


@each("name, text", CASES)
def test_dashboard_and_exports_find_every_spelling_of_a_name(dashboard_client, nobody, name, text):
    make_user(email="found@example.com", last_name=name)

    page = dashboard_client.get(CUSTOMERS, {"q": text}).content.decode()

    assert "found@example.com" in page
    assert "nobody@example.com" not in page
    exported = filter_customers(Customer.objects.all(), {"search": text})
    assert [person.email for person in exported] == ["found@example.com"]


@each("name, text", CASES)
def test_q_of_medusa_finds_every_spelling_of_a_name(client, nobody, name, text):
    make_user(email="found@example.com", first_name=name)

    assert [person["email"] for person in client.get("/admin/customers", {"q": text}).json()["customers"]] == [
        "found@example.com"
    ]


@each("name, text", CASES)
def test_q_finds_every_spelling_of_a_group(client, dashboard_client, db, name, text):
    create_group(name="another")
    create_group(name=name)

    page = dashboard_client.get("/dashboard/groups/customergroup/", {"q": text}).content.decode()

    found = client.get("/admin/customer-groups", {"q": text}).json()["customer_groups"]
    assert [fold(group["name"]) for group in found] == [fold(name)]
    assert "1 group" in page


@each("name, text", CASES)
def test_place_is_found_by_every_spelling(client, dashboard_client, nobody, name, text):
    found = client.post(USERS, {"email": "found@example.com"}).json()["id"]
    place = {"line1": f"1 High St {name}", "line4": name, "state": name, "postcode": name, "country": "GB"}
    assert client.post(addresses_url(found), place).status_code == 201

    for parameter in ("street", "city", "state", "postcode"):
        page = dashboard_client.get(CUSTOMERS, {parameter: text}).content.decode()
        assert "found@example.com" in page, parameter
        assert "nobody@example.com" not in page, parameter


@each("name, text", CASES)
def test_names_of_definitions_webhooks_and_tags_are_found_by_every_spelling(client, dashboard_client, name, text):
    Definition.objects.create(object="customer", key="key", name=name, type="text")
    Webhook.objects.create(name=name, target="https://example.com", events=[], secret_key="s", api_version="unstable")
    client.post(USERS, {"email": "tagged@example.com", "tags": [name]})

    assert len(client.get(f"{ADMIN_API}metadata/", {"name": text}).json()["results"]) == 1
    assert len(client.get(f"{ADMIN_API}webhooks/", {"name": text}).json()["results"]) == 1
    tags = dashboard_client.get("/dashboard/customers/customer/tags/", {"q": text}).json()
    assert tags == {"names": [Tag.objects.get().name]}


@each("text", ["'", "\u200b", "’", "\u00ad"])
def test_text_of_which_nothing_is_looked_for_finds_nobody(client, dashboard_client, nobody, text):
    assert emails(client.get(USERS, {"name": text})) == []
    assert client.get("/admin/customers", {"q": text}).json()["count"] == 0
    assert "nobody@example.com" not in dashboard_client.get(CUSTOMERS, {"q": text}).content.decode()


@pytest.mark.once
def test_fold_is_the_same_for_every_spelling_of_every_letter():
    spellings = [str.lower, str.upper, str.title, str.swapcase, str.casefold, fold]
    spellings += [lambda text, form=form: unicodedata.normalize(form, text) for form in ("NFC", "NFD")]
    for number in (*range(0xD800), *range(0xE000, 0x20000)):
        text = f"a{chr(number)}b"
        assert {fold(spelling(text)) for spelling in spellings} == {fold(text)}, hex(number)


class TestEveryWriterFoldsTheRow:
    def is_found(self, client, name: str) -> bool:
        return len(emails(client.get(USERS, {"name": name}))) == 1

    def test_update_is_found_by_the_new_name_only(self, client):
        id = client.post(USERS, {"email": "a@example.com", "first_name": "Zoë"}).json()["id"]

        client.patch(user_url(id), {"first_name": "İpek"})

        assert self.is_found(client, "i̇pek")
        assert not self.is_found(client, "zoë")

    def test_first_address_fills_the_name_that_is_found(self, client):
        id = client.post(USERS, {"email": "a@example.com"}).json()["id"]

        client.post(addresses_url(id), {"last_name": "O’Brien", "line1": "1 High St", "line4": "Łódź", "country": "PL"})

        assert self.is_found(client, "obrien")
        assert Address.objects.get().search_city == "łódź"

    def test_bulk_update_folds_and_update_refuses(self, db):
        people = [make_user(first_name="Zoë"), make_user(first_name="Chloë")]
        for person in people:
            person.first_name = "İpek"

        User.objects.bulk_update(people, ["first_name"])

        assert User.objects.with_name("i̇pek").count() == 2
        with pytest.raises(TypeError, match="full_name"):
            User.objects.update(first_name="Zoë")


@each("name, text", CASES)
def test_app_and_api_token_are_found_in_the_dashboard_by_every_spelling(dashboard_client, owner, name, text):
    uris = {"app_url": "https://a.example/", "redirect_uris": "https://a.example/callback"}
    for app in (f"Kim {name}", "Quux"):
        partner_apps.register(PartnerApp(name=app, user=owner, client_type="public", **uris), SYSTEM)
        issue_personal_token(app_name=app, scopes=[], owner=owner)

    for model in (PartnerApp, PrivateApp):
        url, title = f"/dashboard/oauth/{model._meta.model_name}/", model.objects.get(name__startswith="Kim").name
        for search in (text, f"{text} kim"):
            page = html.unescape(dashboard_client.get(url, {"q": search}).content.decode())
            assert title in page
            assert "Quux" not in page


@each("text", ["'", "\u200b", "Kim Quux"])
def test_search_for_an_app_that_is_not_there_finds_none(dashboard_client, owner, text):
    for name in ("Kim", "Quux"):
        issue_personal_token(app_name=name, scopes=[], owner=owner)

    page = dashboard_client.get("/dashboard/oauth/privateapp/", {"q": text}).content.decode()

    assert "0 API tokens" in page
