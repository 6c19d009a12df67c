"""The page of all tags: their number of customers, and changes of a tag for all who have it."""

import pytest

from customers.jobs import bulk_edits
from customers.jobs.models import Job
from customers.models import Event, Tag, User, UserType
from tests.support.cases import each
from tests.support.dashboard import CUSTOMERS, DASHBOARD
from tests.support.exports import make_exports
from tests.support.factories import make_owner, make_user
from tests.support.webhooks import enqueued, make_webhook

TAGS = f"{DASHBOARD}customers/tag/"


def tag_page(name: str, page: str = "change") -> str:
    return f"{TAGS}{Tag.objects.get(name=name).pk}/{page}/"


def tags_of(*people) -> list[list[str]]:
    return [User.objects.get(pk=each.pk).tags for each in people]


def names() -> set[str]:
    return set(Tag.objects.values_list("name", flat=True))


@pytest.fixture
def people(db) -> list[User]:
    return [make_user(tags=tags) for tags in (["vip", "b2b"], ["b2b", "vip"], ["b2b"], [])]


class TestList:
    def test_list_shows_each_tag_with_its_customers_and_finds_every_spelling(self, dashboard_client, people):
        make_user(tags=["Café"])

        shown = dashboard_client.get(TAGS).content.decode()
        found = dashboard_client.get(TAGS, {"q": "CAFE\u0301"}).content.decode()

        assert f'<a href="{CUSTOMERS}?tag=vip">2</a>' in shown
        assert f'<a href="{CUSTOMERS}?tag=b2b">3</a>' in shown
        assert "Café" in found
        assert "b2b" not in found.partition('id="result_list"')[2]
        assert f'href="{TAGS}"' in dashboard_client.get(CUSTOMERS).content.decode().partition('id="content-start"')[2]

    def test_common_tag_is_counted_up_to_the_length_of_the_list(self, dashboard_client, people, monkeypatch):
        monkeypatch.setattr("customers.dashboard.tags.MAX_COUNTED", 2)

        assert ">more than 2</a>" in dashboard_client.get(TAGS).content.decode()


class TestAdd:
    def test_added_tag_has_no_customers_and_is_suggested(self, dashboard_client):
        dashboard_client.post(f"{TAGS}add/", {"name": "  Wholesale "})

        assert names() == {"Wholesale"}
        assert dashboard_client.get(f"{CUSTOMERS}tags/", {"q": "whole"}).json() == {"names": ["Wholesale"]}

    @each("name", ["vip", "VIP", "ｖｉｐ", "", " ", "\u200b", "x" * 256, "a\u202eb"])
    def test_added_tag_needs_a_name_that_no_other_tag_has(self, dashboard_client, people, name):
        refused = dashboard_client.post(f"{TAGS}add/", {"name": name})

        assert list(refused.context["adminform"].form.errors) == ["name"]
        assert names() == {"vip", "b2b"}


class TestChange:
    def test_rename_asks_first_and_then_renames_for_all_customers(self, dashboard_client, owner, people):
        make_webhook(events=["customer.updated"])

        asked = dashboard_client.post(tag_page("vip"), {"name": "gold"}, follow=True)
        assert "Rename tag vip to gold: 2 customers" in asked.content.decode()
        assert tags_of(*people[:2]) == [["vip", "b2b"], ["b2b", "vip"]]
        done = dashboard_client.post(asked.redirect_chain[-1][0], follow=True).content.decode()

        assert "<strong>2</strong> changed" in done
        assert tags_of(*people) == [["gold", "b2b"], ["b2b", "gold"], ["b2b"], []]
        assert names() == {"gold", "b2b"}
        event = Event.objects.get(user=people[0], kind="changed")
        assert (event.actor, event.changes) == (owner, {"tags": [["vip", "b2b"], ["gold", "b2b"]]})
        assert enqueued() == ["customer.updated"] * 2

    @each("name", ["b2b", "B2B", "ｂ２ｂ"])
    def test_rename_to_another_tag_merges_the_two(self, dashboard_client, people, name):
        asked = dashboard_client.post(tag_page("vip"), {"name": name}, follow=True)
        assert "Merge tag vip into b2b: 2 customers" in asked.content.decode()
        dashboard_client.post(asked.redirect_chain[-1][0])

        assert tags_of(*people) == [["b2b"], ["b2b"], ["b2b"], []]
        assert names() == {"b2b"}

    def test_rename_changes_the_case_of_a_tag(self, dashboard_client, people):
        asked = dashboard_client.post(tag_page("vip"), {"name": "VIP"}, follow=True)
        dashboard_client.post(asked.redirect_chain[-1][0])

        assert tags_of(people[0]) == [["VIP", "b2b"]]
        assert names() == {"VIP", "b2b"}

    @each("name", ["", " ", "x" * 256])
    def test_rename_needs_a_name(self, dashboard_client, people, name):
        refused = dashboard_client.post(tag_page("vip"), {"name": name})

        assert list(refused.context["adminform"].form.errors) == ["name"]
        assert not Job.objects.exists()

    def test_same_name_changes_nothing(self, dashboard_client, people):
        assert dashboard_client.post(tag_page("vip"), {"name": "vip"}).headers["Location"] == TAGS
        assert not Job.objects.exists()

    def test_delete_takes_the_tag_from_everybody_staff_included(self, dashboard_client, people):
        colleague = make_owner(tags=["vip"])

        asked = dashboard_client.get(tag_page("vip", "delete_tag")).content.decode()
        done = dashboard_client.post(tag_page("vip", "delete_tag"), follow=True).content.decode()

        assert "This can’t be undone." in asked
        assert "<strong>3</strong> changed" in done
        assert tags_of(*people, colleague) == [["b2b"], ["b2b"], ["b2b"], [], []]
        assert names() == {"b2b"}

    def test_worker_ends_what_the_page_began(self, dashboard_client, people, monkeypatch):
        monkeypatch.setattr(bulk_edits, "CHUNK", 1)
        monkeypatch.setattr("customers.dashboard.jobs.STEP_SECONDS", 0)
        dashboard_client.post(tag_page("b2b", "delete_tag"))
        assert [job.position for job in Job.objects.all()] == [1]

        make_exports()

        assert tags_of(*people) == [["vip"], ["vip"], [], []]
        assert names() == {"vip"}

    def test_tag_that_a_customer_gets_meanwhile_is_kept(self, dashboard_client, people, monkeypatch):
        monkeypatch.setattr(bulk_edits, "CHUNK", 1)
        monkeypatch.setattr("customers.dashboard.jobs.STEP_SECONDS", 0)
        dashboard_client.post(tag_page("vip", "delete_tag"))
        User.objects.filter(pk=people[0].pk).update(tags=["vip"], user_type=UserType.CUSTOMER)

        make_exports()

        assert tags_of(*people[:2]) == [["vip"], ["b2b"]]
        assert names() == {"vip", "b2b"}
