"""The security log links what its events name."""

import re

import pytest

from customers.jobs.exports import services as exports
from customers.models import StaffMember
from customers.privacy.personal_data import personal_data
from customers.webhooks.services import delete_webhook
from oauth.accounts.models import StaffRole
from oauth.accounts.own_roles import create_role
from oauth.accounts.staff import invite
from oauth.actor import Actor
from oauth.models import PrivateApp
from oauth.scopes import Scope
from oauth.tokens import issue_personal_token
from tests.support.dashboard import DASHBOARD, browser_of, customer_url
from tests.support.partner import register_partner
from tests.support.staff import make_member, member_url
from tests.support.webhooks import make_webhook

LOG = f"{DASHBOARD}audit/auditevent/"


def links(browser) -> set[str]:
    """To pages of objects, from the rows of the log, but not to the events themselves."""
    page = browser.get(LOG)
    assert page.status_code == 200
    rows = re.search(r'<table id="result_list">.*?</table>', page.content.decode(), re.DOTALL)
    return {url for url in re.findall(r'href="([^"]+/change/)"', rows[0]) if not url.startswith(LOG)}


@pytest.fixture
def pages(owner, ada) -> set[str]:
    """The pages of what the events of this store name."""
    by = Actor(user_id=owner.pk)
    personal_data(ada.pk, by=by)
    role = create_role(name="Log", levels={"log": "view"}, by=by)
    issue_personal_token(app_name="ERP", scopes=[Scope.USERS_READ], owner=owner)
    partner, member = register_partner(owner).app, invite(email="new@store.example", role="Staff", by=by)
    objects = {
        "jobs/job": exports.create({}, by=by).pk,
        "webhooks/webhook": make_webhook(by=by).pk,
        "oauth/partnerapp": partner.pk,
        "oauth/privateapp": PrivateApp.objects.get().pk,
        "accounts/staffrole": role.pk,
    }
    built_in = StaffRole.objects.get(group__name="Staff").pk  # that of the member
    urls = {f"{DASHBOARD}{name}/{pk}/change/" for name, pk in objects.items()}
    return {
        *urls,
        customer_url(ada),
        member_url(owner),
        member_url(member),
        f"{DASHBOARD}accounts/staffrole/{built_in}/change/",
    }


def test_each_object_that_an_event_names_is_a_link_to_its_page(dashboard_client, pages):
    assert links(dashboard_client) == pages
    assert all(dashboard_client.get(url).status_code == 200 for url in pages)
    event = dashboard_client.get(f"{LOG}?q=ERP").context_data["cl"].result_list[0]
    assert "oauth/privateapp" in dashboard_client.get(f"{LOG}{event.pk}/change/").content.decode()


def test_event_has_no_link_to_what_is_gone_or_hidden(dashboard_client, pages, owner):
    (webhook,) = [url for url in pages if "webhooks/webhook" in url]
    delete_webhook(int(webhook.split("/")[-3]), by=Actor(user_id=owner.pk))
    assert links(dashboard_client) == pages - {webhook}

    reader = make_member(role="Log")
    assert links(browser_of(StaffMember.objects.get(pk=reader.pk))) == set()
