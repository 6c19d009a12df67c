"""Blocks with a reason and an end: set, listed, exported, ended by the worker, and hidden from apps."""

import csv
import io
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from customers.models import Event, User
from customers.privacy.personal_data import personal_data
from oauth.actor import SYSTEM
from oauth.scopes import Scope
from tests.support.clients import USERS, user_url
from tests.support.dashboard import CUSTOMERS, DASHBOARD, customer_url
from tests.support.factories import make_user
from tests.support.webhooks import enqueued, make_webhook

BLOCK_LIST = f"{DASHBOARD}customers/blockedcustomer/"
REASON = {"block_reason": "Charged back twice"}


@pytest.fixture
def ada(db) -> User:
    return make_user(email="ada@example.com", first_name="Ada")


@pytest.fixture
def webhook(db):
    return make_webhook(events=["customer.updated"])


def action(customer, name: str) -> str:
    return f"{CUSTOMERS}{customer.pk}/{name}/"


def later(**delta) -> str:
    return timezone.localtime(timezone.now() + timedelta(**delta)).strftime("%Y-%m-%dT%H:%M")


def block_of(customer) -> tuple:
    user = User.objects.get(pk=customer.pk)
    return user.is_blocked, user.block_reason, user.blocked_by, bool(user.blocked_at), bool(user.blocked_until)


def exported(tmp_path) -> dict[str, str]:
    file = tmp_path / "customers.csv"
    call_command("export_customers", file)
    return next(csv.DictReader(io.StringIO(file.read_text())))


class TestBlock:
    def test_block_keeps_who_when_why_and_until(self, dashboard_client, owner, ada):
        dashboard_client.post(action(ada, "block"), {**REASON, "blocked_until": later(days=2)})

        assert block_of(ada) == (True, "Charged back twice", owner, True, True)
        event = Event.objects.get(user=ada, kind="blocked")
        assert event.actor == owner
        assert event.changes["block_reason"] == ["", "Charged back twice"]
        shown = dashboard_client.get(customer_url(ada)).content.decode()
        assert "by Olive Owner, until" in shown
        assert ": Charged back twice</p>" in shown

    def test_unblock_forgets_the_reason_but_the_timeline_keeps_it(self, dashboard_client, ada):
        dashboard_client.post(action(ada, "block"), REASON)
        dashboard_client.post(action(ada, "unblock"))

        assert block_of(ada) == (False, "", None, False, False)
        assert Event.objects.get(user=ada, kind="unblocked").changes == {"block_reason": ["Charged back twice", ""]}

    def test_edit_of_a_block_sends_no_webhook(self, dashboard_client, ada, webhook):
        dashboard_client.post(action(ada, "block"), REASON)
        dashboard_client.post(action(ada, "edit_block"), {"block_reason": "Fraud"})

        assert block_of(ada)[:2] == (True, "Fraud")
        assert Event.objects.get(user=ada, kind="changed").changes == {"block_reason": ["Charged back twice", "Fraud"]}
        assert enqueued() == ["customer.updated"]

    @pytest.mark.parametrize("wrong", [{"blocked_until": "2020-01-01T00:00"}, {"blocked_until": "soon"},
                                       {"block_reason": "x" * 501}, {"block_reason": "a\u202eb"}])  # fmt: skip
    def test_block_refuses_wrong_details_at_their_field(self, dashboard_client, ada, wrong):
        refused = dashboard_client.post(action(ada, "block"), wrong)

        assert list(refused.context["form"].errors) == list(wrong)
        assert block_of(ada)[0] is False

    def test_bulk_block_gives_all_the_same_reason_and_end(self, dashboard_client, owner, ada):
        fields = {"action": "block", "_selected_action": [ada.pk]}
        page = dashboard_client.post(CUSTOMERS, fields).headers["Location"]
        dashboard_client.post(page, {**REASON, "blocked_until": later(days=2)})

        assert block_of(ada) == (True, "Charged back twice", owner, True, True)

    def test_api_blocks_without_a_reason_and_does_not_show_one(self, api, owner, dashboard_client, ada):
        client = api(Scope.USERS_READ, Scope.USERS_WRITE)
        created = client.post(USERS, {"email": "b@example.com", "is_blocked": True}).json()
        client.patch(user_url(ada), {"is_blocked": True})

        assert block_of(ada) == block_of(User.objects.get(pk=created["id"])) == (True, "", owner, True, False)
        dashboard_client.post(action(ada, "edit_block"), REASON)
        client.patch(user_url(ada), {"is_blocked": True, "block_reason": "other"})
        assert block_of(ada)[1] == "Charged back twice"
        assert "Charged back" not in client.get(user_url(ada)).content.decode()
        assert set(client.get(user_url(ada)).json()) == set(created)
        client.patch(user_url(ada), {"is_blocked": False})
        assert block_of(ada) == (False, "", None, False, False)


class TestExpiry:
    def test_worker_ends_a_block_whose_time_is_over(self, dashboard_client, ada, webhook):
        grace = make_user()
        for each in (ada, grace):
            dashboard_client.post(action(each, "block"), {**REASON, "blocked_until": later(days=2)})
        User.objects.filter(pk=ada.pk).update(blocked_until=timezone.now())

        call_command("run_worker", until_empty=True)

        assert block_of(ada) == (False, "", None, False, False)
        assert block_of(grace)[0] is True
        event = Event.objects.get(user=ada, kind="unblocked")
        assert (event.actor, event.app) == (None, None)
        assert enqueued() == ["customer.updated"] * 3


class TestList:
    def test_list_shows_who_is_blocked_with_reason_and_date(self, dashboard_client, ada):
        dashboard_client.post(action(ada, "block"), REASON)
        make_user(email="free@example.com")

        shown = dashboard_client.get(BLOCK_LIST).content.decode()

        for text in (customer_url(ada), "Charged back twice", "Olive Owner", timezone.localdate().strftime("%Y")):
            assert text in shown
        assert "free@example.com" not in shown
        assert "ada@example.com" in dashboard_client.get(BLOCK_LIST, {"q": "ADA", "ends": "no"}).content.decode()
        assert "ada@example.com" not in dashboard_client.get(BLOCK_LIST, {"ends": "yes"}).content.decode()

    def test_export_and_personal_data_have_the_block(self, dashboard_client, ada, tmp_path):
        dashboard_client.post(action(ada, "block"), REASON)

        row = exported(tmp_path)
        assert (row["block_reason"], row["blocked_by"], row["blocked_until"]) == (
            "Charged back twice",
            "owner@store.example",
            "",
        )
        assert row["blocked_at"]
        assert personal_data(ada.pk, by=SYSTEM)["person"]["block_reason"] == "Charged back twice"
