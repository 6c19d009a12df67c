"""What Medusa's tools do, as the store's owner sees it."""

import pytest

from customers.groups.models import CustomerGroup
from tests.support.dashboard import customer_url
from tests.support.medusa import GROUPS, PASSWORD, group_id_of, url_of

GROUPS_PAGE = "/dashboard/groups/customergroup/"


@pytest.fixture
def browser(as_role):
    return as_role("Staff")


class TestTheTimeline:
    def test_timeline_shows_group_and_password_changes(self, medusa_client, browser, ada, make_group):
        medusa_client.post(url_of(ada), {"password": PASSWORD, "groups": [{"id": group_id_of(make_group())}]})

        page = browser.get(customer_url(ada)).content.decode()

        assert "Password changed" in page
        assert "VIP" in page
        assert PASSWORD not in page

    def test_customer_page_shows_a_customer_without_name(self, medusa_client, browser, ada):
        medusa_client.post(url_of(ada), {"first_name": None, "last_name": None})

        page = browser.get(customer_url(ada)).content.decode()

        assert ada.email in page
        assert ">None<" not in page


class TestThePageOfGroups:
    def test_groups_page_shows_the_number_of_customers(self, browser, make_group, ada, account):
        make_group(members=[ada, account])

        page = browser.get(GROUPS_PAGE).content.decode()

        assert "VIP" in page
        assert '<td class="field-members">2</td>' in page

    def test_groups_page_adds_and_renames_groups(self, medusa_client, browser):
        browser.post(f"{GROUPS_PAGE}add/", {"name": "B2B"})
        group = CustomerGroup.objects.get()
        browser.post(f"{GROUPS_PAGE}{group.pk}/change/", {"name": "Trade"})

        (shown,) = medusa_client.get(GROUPS).json()["customer_groups"]
        assert (shown["id"], shown["name"]) == (group_id_of(group), "Trade")
        assert shown["updated_at"] > shown["created_at"]

    def test_groups_page_rejects_a_taken_name(self, browser, make_group):
        make_group("VIP")

        response = browser.post(f"{GROUPS_PAGE}add/", {"name": "VIP"})

        assert response.status_code == 200
        assert CustomerGroup.objects.count() == 1
