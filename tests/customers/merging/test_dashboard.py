"""Merging in the dashboard: hints, the list of pairs, the choices, the preview, the confirmation and undoing."""

import pytest
from django.core.management import call_command

from customers.merging import duplicates
from customers.merging.models import Duplicate
from customers.models import User
from tests.support.dashboard import CUSTOMERS, customer_url
from tests.support.factories import make_owner, make_user
from tests.support.pages import fields_of

pytestmark = pytest.mark.django_db

DUPLICATES = f"{CUSTOMERS}duplicates/"


@pytest.fixture
def ada():
    return make_user(email="ada@lovelace.example", first_name="Ada", phone_number="+442079460018")


@pytest.fixture
def twin():
    return make_user(email="twin@lovelace.example", first_name="Augusta", phone_number="+442079460018")


@pytest.fixture
def pair(ada, twin) -> Duplicate:
    duplicates.check([ada.pk, twin.pk])
    return Duplicate.objects.get()


def page_url(customer, page: str) -> str:
    return f"{CUSTOMERS}{customer.pk}/{page}/"


def text(response) -> str:
    assert response.status_code == 200, response.status_code
    return response.content.decode()


def test_page_of_a_customer_hints_at_a_duplicate(dashboard_client, ada, twin, pair):
    for customer, other in ((ada, "Augusta</a>, twin@lovelace.example"), (twin, "Ada</a>, ada@lovelace.example")):
        page = text(dashboard_client.get(customer_url(customer)))
        assert f">{other} (60 %): the same phone number." in page
    assert f'href="{DUPLICATES}"' in text(dashboard_client.get(CUSTOMERS))
    assert "the same phone number" in text(dashboard_client.get(DUPLICATES))


def test_dismissed_pair_is_not_suggested_again(dashboard_client, ada, pair):
    answer = dashboard_client.post(f"{DUPLICATES}{pair.pk}/dismiss/", {"customer": ada.pk})
    duplicates.check([ada.pk])

    assert answer.headers["Location"] == customer_url(ada)
    for url in (DUPLICATES, customer_url(ada)):
        assert "the same phone number" not in text(dashboard_client.get(url))


def test_creation_warns_of_a_duplicate(dashboard_client, ada):
    duplicates.check([ada.pk])
    fields = fields_of(dashboard_client.get(f"{CUSTOMERS}add/"))

    page = text(
        dashboard_client.post(
            f"{CUSTOMERS}add/",
            {**fields, "email": "new@lovelace.example", "phone_number": "+442079460018"},
            follow=True,
        )
    )

    assert "may be a duplicate" in page
    assert Duplicate.objects.get().first_id == ada.pk


def test_merge_shows_choices_then_a_preview_and_is_carried_out_and_undone(dashboard_client, ada, twin):
    for other in (twin.pk, "TWIN@lovelace.example"):
        choices = text(dashboard_client.get(page_url(ada, "merge"), {"other": other}))
        assert 'name="email" value="kept" checked' in choices
        assert 'name="first_name" value="other"' in choices
        assert 'name="phone_number"' not in choices  # both have the same
    given = {"other": twin.pk, "email": "other", "first_name": "kept"}

    preview = text(dashboard_client.get(page_url(ada, "confirm_merge"), given))
    assert "<dd>twin@lovelace.example</dd>" in preview
    assert User.objects.filter(pk=twin.pk).exists()
    query = "&".join(f"{name}={value}" for name, value in given.items())
    merged = text(dashboard_client.post(f"{page_url(ada, 'confirm_merge')}?{query}", follow=True))
    assert "The customers are merged." in merged
    assert User.objects.get(pk=ada.pk).email == "twin@lovelace.example"

    assert "undo_merge" in merged
    undone = text(dashboard_client.post(page_url(ada, "undo_merge"), follow=True))
    assert "The merge is undone." in undone
    assert "undo_merge" not in undone
    assert User.objects.get(pk=twin.pk).email == "twin@lovelace.example"


def test_link_to_a_merged_customer_leads_to_the_kept_one(dashboard_client, ada, twin):
    dashboard_client.post(f"{page_url(ada, 'confirm_merge')}?other={twin.pk}")

    response = dashboard_client.get(customer_url(twin), follow=True)

    assert response.redirect_chain == [(customer_url(ada), 302)]
    assert f"Customer {twin.pk} was merged into this one." in text(response)


def test_merge_page_says_why_a_merge_is_refused(dashboard_client, ada):
    staff = make_owner(email="staff@store.example")
    refused = {
        staff.pk: "Staff can",
        "nobody@example.com": "There is no other customer",
        10**9: "There is no customer",
        ada.pk: "themselves",
    }

    for other, reason in refused.items():
        assert reason in text(dashboard_client.get(page_url(ada, "merge"), {"other": other}))
    answer = dashboard_client.get(page_url(ada, "confirm_merge"), {"other": staff.pk}, follow=True)
    assert "is a member of staff" in text(answer)
    assert dashboard_client.get(page_url(ada, "confirm_merge")).status_code == 404


def test_worker_finds_duplicates_of_new_customers(dashboard_client, ada, twin):
    call_command("run_worker", until_empty=True)

    assert "the same phone number" in text(dashboard_client.get(DUPLICATES))


def test_merge_finds_the_other_customer_by_name(dashboard_client, ada, twin):
    def compare(other: str):
        return dashboard_client.get(page_url(ada, "merge"), {"other": other})

    assert compare("augusta").context["plan"].other.pk == twin.pk
    make_user(first_name="Augusta", email="third@lovelace.example")
    several = text(compare("augusta"))
    assert "Several customers match" in several
    assert f'href="?other={twin.pk}"' in several
    assert f'href="?other={ada.pk}"' not in several
    assert "There is no other customer" in text(compare("ada"))
