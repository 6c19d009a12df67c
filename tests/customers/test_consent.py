"""The evidence of marketing consent: the time, who gave it, the IP address, and the version of the text."""

import csv

import pytest
from django.core.management import call_command
from django.utils import timezone

from customers import services
from customers.models import Event, User
from customers.privacy.erasure import erase
from customers.privacy.personal_data import personal_data
from customers.store.services import change_details
from oauth.actor import SYSTEM, Actor
from oauth.scopes import Scope
from tests.support.clients import USERS, user_url
from tests.support.dashboard import customer_url, save_customer
from tests.support.factories import make_user

YES = {"accepts_marketing": [False, True]}


@pytest.fixture(autouse=True)
def text(db) -> str:
    change_details(consent_text_version="2026-11")
    return "2026-11"


@pytest.fixture
def client(api):
    return api(Scope.USERS_READ, Scope.USERS_WRITE)


def evidence(user_id: int, kind: str) -> dict:
    return Event.objects.filter(user=user_id, kind=kind).latest("id").changes


class TestEvidence:
    def test_consent_at_creation_is_in_the_event_of_creation(self, client):
        for body, ip in (({"ip": "203.0.113.9"}, "203.0.113.9"), ({}, "127.0.0.1")):
            email = f"{ip}@example.com"
            id = client.post(USERS, {"email": email, "accepts_marketing": True, **body}).json()["id"]

            assert evidence(id, "created") == {**YES, "consent_ip": [None, ip], "consent_text": [None, "2026-11"]}

    def test_creation_without_consent_has_no_evidence(self, client):
        assert evidence(client.post(USERS, {"email": "a@example.com"}).json()["id"], "created") == {}

    def test_many_created_at_once_have_the_evidence(self):
        person = services.prepare_user([], {"email": "a@example.com", "accepts_marketing": True})
        services.insertion.insert_users([person], Actor(ip="198.51.100.7"))

        assert evidence(User.objects.get().pk, "created")["consent_ip"] == [None, "198.51.100.7"]

    def test_every_later_change_has_its_own_evidence(self, client, dashboard_client):
        ada = make_user(email="ada@example.com")
        client.patch(user_url(ada), {"accepts_marketing": True, "first_name": "Ada"})
        assert evidence(ada.pk, "changed") == {
            **YES,
            "first_name": ["", "Ada"],
            "consent_ip": [None, "127.0.0.1"],
            "consent_text": [None, "2026-11"],
        }

        change_details(consent_text_version="2027-01")
        save_customer(dashboard_client, ada, accepts_marketing="")

        withdrawn = evidence(ada.pk, "changed")
        assert withdrawn["accepts_marketing"] == [True, False]
        assert withdrawn["consent_text"] == [None, "2027-01"]
        client.patch(user_url(ada), {"last_name": "Lovelace"})
        assert "consent_ip" not in evidence(ada.pk, "changed")


class TestShown:
    def test_page_export_and_personal_data_show_the_last_change(self, client, dashboard_client, tmp_path):
        ada = make_user(email="ada@example.com", accepts_marketing=True)
        client.patch(user_url(ada), {"accepts_marketing": False})
        client.patch(user_url(ada), {"accepts_marketing": True, "ip": "203.0.113.9"})
        at = Event.objects.filter(user=ada).latest("id").at

        page = dashboard_client.get(customer_url(ada)).content.decode()
        assert "owner@store.example through App" in page
        assert "IP address 203.0.113.9, text 2026-11" in page

        file = tmp_path / "customers.csv"
        call_command("export_customers", file)
        (row,) = csv.DictReader(file.open())
        assert row["consent_at"] == timezone.localtime(at).isoformat()
        assert (row["consent_by"], row["consent_ip"]) == ("owner@store.example", "203.0.113.9")
        assert row["consent_app"].startswith("App ")
        assert row["consent_text"] == "2026-11"

        given = personal_data(ada.pk, by=SYSTEM)["marketing_consent"]
        assert (given["given"], given["at"], given["ip"]) == (True, at, "203.0.113.9")

    def test_nothing_is_shown_of_somebody_who_never_gave_consent(self, dashboard_client):
        ada = make_user(email="ada@example.com")

        assert "Not accepted" in dashboard_client.get(customer_url(ada)).content.decode()
        assert personal_data(ada.pk, by=SYSTEM)["marketing_consent"] is None

    def test_erasure_removes_the_evidence(self):
        ada = make_user(email="ada@example.com", accepts_marketing=True, ip="203.0.113.9")
        erase(ada.pk, by=SYSTEM)

        assert all(event.changes == {} for event in Event.objects.filter(user=ada))
