"""Groups of customers in the dashboard: their pages, the list of customers, the page of a customer."""

import pytest

from customers.groups.models import CustomerGroup
from customers.groups.services import add_customers, create_group
from customers.models import Event
from oauth.actor import SYSTEM
from tests.support.dashboard import CUSTOMERS, customer_url, edit_url, save_customer
from tests.support.factories import make_owner, make_user
from tests.support.pages import fields_of

GROUPS = "/dashboard/groups/customergroup/"


@pytest.fixture
def vip(db):
    return create_group(name="VIP")


def page_of(group) -> str:
    return f"{GROUPS}{group.pk}/change/"


def members_of(group) -> list[int]:
    return sorted(group.customers.values_list("pk", flat=True))


def text(response) -> str:
    return response.content.decode()


def test_customer_without_any_groups_to_choose_is_offered_the_first_group(dashboard_client, ada):
    assert f'href="{GROUPS}add/"' in text(dashboard_client.get(edit_url(ada, "groups")))


class TestGroupPage:
    def test_empty_list_says_what_a_group_is(self, dashboard_client):
        assert "A group is a set of customers" in text(dashboard_client.get(GROUPS))

    def test_new_group_leads_to_its_page(self, dashboard_client):
        added = dashboard_client.post(f"{GROUPS}add/", {"name": "VIP"})

        assert added.headers["Location"] == page_of(CustomerGroup.objects.get())

    def test_group_page_adds_a_member_by_email_and_removes_them(self, dashboard_client, owner, vip, ada):
        added = dashboard_client.post(f"{GROUPS}{vip.pk}/members/", {"email": "ADA@lovelace.example"}, follow=True)

        assert members_of(vip) == [ada.pk]
        assert "is in the group" in text(added)
        assert "Ada Lovelace" in text(added)

        removed = dashboard_client.post(f"{GROUPS}{vip.pk}/members/{ada.pk}/remove/", follow=True)

        assert members_of(vip) == []
        assert "is not in the group any more" in text(removed)
        changes = [event.changes["groups"] for event in Event.objects.filter(user=ada, actor=owner).order_by("pk")]
        assert changes == [[[], ["VIP"]], [["VIP"], []]]

    @pytest.mark.parametrize("email", ["", "nobody@example.com", "staff@store.example", "no email"])
    def test_group_page_adds_customers_only(self, dashboard_client, vip, email):
        make_owner(email="staff@store.example")

        response = dashboard_client.post(f"{GROUPS}{vip.pk}/members/", {"email": email}, follow=True)

        assert "There is no customer with this email address." in text(response)
        assert members_of(vip) == []

    def test_group_page_leads_to_all_members_in_the_list(self, dashboard_client, vip, ada):
        other = make_user(email="other@example.com")
        add_customers(vip.pk, [ada.pk], by=SYSTEM)

        page = text(dashboard_client.get(page_of(vip)))
        listed = text(dashboard_client.get(f"{CUSTOMERS}?group={vip.pk}"))

        assert f"{CUSTOMERS}?group={vip.pk}" in page
        assert customer_url(ada).removesuffix("change/") in listed
        assert customer_url(other).removesuffix("change/") not in listed

    def test_group_is_deleted_after_a_question_and_its_customers_are_kept(self, dashboard_client, vip, ada):
        add_customers(vip.pk, [ada.pk], by=SYSTEM)
        question = text(dashboard_client.get(f"{GROUPS}{vip.pk}/delete/"))

        response = dashboard_client.post(f"{GROUPS}{vip.pk}/delete/", follow=True)

        assert "Its customers are kept." in question
        assert "The group VIP is deleted." in text(response)
        assert not CustomerGroup.objects.exists()
        assert Event.objects.filter(user=ada).latest("pk").changes == {"groups": [["VIP"], []]}


class TestListOfCustomers:
    def test_bulk_actions_add_selected_customers_to_a_group_and_remove_them(self, dashboard_client, vip):
        people = [make_user(email=f"p{number}@example.com") for number in range(3)]
        add_customers(vip.pk, [people[0].pk], by=SYSTEM)
        fields = {"_selected_action": [each.pk for each in people[:2]], "select_across": 0}

        added = dashboard_client.post(CUSTOMERS, {**fields, "action": "group"})
        done = text(dashboard_client.post(added.headers["Location"], {"group": vip.pk}, follow=True))

        assert members_of(vip) == [people[0].pk, people[1].pk]
        assert "Add to group VIP: 2 customers" in done
        assert "<strong>1</strong> changed" in done
        assert "<strong>1</strong> unchanged" in done

        removed = dashboard_client.post(CUSTOMERS, {**fields, "action": "ungroup"})
        dashboard_client.post(removed.headers["Location"], {"group": vip.pk})

        assert members_of(vip) == []

    def test_bulk_action_adds_everybody_whom_the_filters_match(self, dashboard_client, vip):
        people = [make_user(email=f"p{number}@example.com", tags=["a"] if number else []) for number in range(4)]
        fields = {"action": "group", "_selected_action": [people[1].pk], "select_across": 1}

        job = dashboard_client.post(f"{CUSTOMERS}?tag=a", fields).headers["Location"]
        dashboard_client.post(job, {"group": vip.pk})

        assert members_of(vip) == [each.pk for each in people[1:]]

    def test_bulk_action_on_a_group_that_was_deleted_says_so(self, dashboard_client, vip, ada):
        fields = {"action": "group", "_selected_action": [ada.pk], "select_across": 0}
        job = dashboard_client.post(CUSTOMERS, fields).headers["Location"]
        chosen = vip.pk
        vip.delete()

        response = dashboard_client.post(job, {"group": chosen})

        assert response.status_code == 200
        assert "errorlist" in text(response)


class TestCustomerPage:
    def test_customer_page_shows_and_changes_the_groups(self, dashboard_client, vip, ada):
        new = create_group(name="New")
        add_customers(vip.pk, [ada.pk], by=SYSTEM)

        response = save_customer(dashboard_client, ada, customer_groups=[new.pk])

        assert response.status_code == 302
        assert (members_of(vip), members_of(new)) == ([], [ada.pk])

    def test_customer_page_saved_without_a_change_keeps_groups_that_others_added(self, dashboard_client, vip, ada):
        browser_page = dashboard_client.get(edit_url(ada))
        add_customers(vip.pk, [ada.pk], by=SYSTEM)

        dashboard_client.post(edit_url(ada), {**fields_of(browser_page), "first_name": "Augusta"})

        ada.refresh_from_db()
        assert ada.first_name == "Augusta"
        assert members_of(vip) == [ada.pk]

    def test_customer_page_asks_for_groups_only_if_there_are_some(self, dashboard_client, ada):
        assert "customer_groups" not in text(dashboard_client.get(edit_url(ada)))

        create_group(name="New")

        assert "customer_groups" in text(dashboard_client.get(edit_url(ada)))

    def test_customer_page_names_the_groups_to_a_viewer(self, as_role, vip, ada):
        add_customers(vip.pk, [ada.pk], by=SYSTEM)

        assert "VIP" in text(as_role("Viewer").get(customer_url(ada)))
