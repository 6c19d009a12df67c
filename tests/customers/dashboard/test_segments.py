"""Segments: the list's search and filters, saved under a name and always live."""

import json
from datetime import timedelta
from io import StringIO
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.management import call_command
from django.utils import timezone

from customers.groups.services import add_customers, create_group, delete_group
from customers.metadata.services import create_definition
from customers.models import User
from customers.privacy.erasure import erase
from customers.segments.models import Segment
from customers.segments.services import create_segment
from oauth.actor import SYSTEM
from tests.support.cases import each
from tests.support.dashboard import CUSTOMERS, customer_url
from tests.support.factories import make_user
from tests.support.pages import fields_of

SEGMENTS = "/dashboard/segments/segment/"
API = "/api/admin/segments/"


@pytest.fixture
def people(db):
    return [make_user(email=f"p{number}@example.com", tags=["vip"] if number else []) for number in range(4)]


def text(response) -> str:
    return response.content.decode()


def saved_from_list(browser, query: str, name: str):
    """The answer to the form that the list's "Save as segment" leads to."""
    page = text(browser.get(f"{CUSTOMERS}{query}"))
    link = page.split("Save as segment")[0].rsplit('href="', 1)[1].split('"')[0].replace("&amp;", "&")
    return browser.post(link, {**fields_of(browser.get(link), "segment_form"), "name": name})


def listed(browser, query: str, people) -> list[bool]:
    page = text(browser.get(f"{CUSTOMERS}{query}"))
    return [customer_url(each).removesuffix("change/") in page for each in people]


class TestSave:
    def test_list_saves_its_filters_as_a_segment_and_shows_it(self, dashboard_client, people):
        response = saved_from_list(dashboard_client, "?tag=vip&q=example&joined_from=2020-01-01&spent_to=10.50", "VIPs")

        segment = Segment.objects.get()
        assert (segment.name, segment.customers_count) == ("VIPs", 3)
        assert segment.filters == {
            "search": "example", "tag": "vip", "joined_from": "2020-01-01", "spent_to": "10.50",
        }  # fmt: skip
        assert response.headers["Location"] == f"{CUSTOMERS}?segment={segment.pk}"
        assert listed(dashboard_client, f"?segment={segment.pk}", people) == [False, True, True, True]

    def test_segment_is_live(self, dashboard_client, people):
        segment = create_segment(name="VIPs", filters={"tag": "vip"})
        User.objects.filter(pk=people[0].pk).update(tags=["vip"])
        User.objects.filter(pk=people[1].pk).update(tags=[])

        assert listed(dashboard_client, f"?segment={segment.pk}", people) == [True, False, True, True]

    def test_segment_keeps_filters_of_groups_and_custom_fields(self, dashboard_client, people):
        create_definition(object="customer", key="points", name="Points", type="integer", enable_filter=True)
        group = create_group(name="Friends")
        add_customers(group.pk, [people[0].pk, people[2].pk], by=SYSTEM)
        User.objects.filter(pk=people[2].pk).update(metadata={"points": 7})

        saved_from_list(dashboard_client, f"?group={group.pk}&metadata.points=7", "Friends with 7")

        segment = Segment.objects.get()
        assert segment.filters == {"group": group.pk, "metadata.points": 7}
        assert listed(dashboard_client, f"?segment={segment.pk}", people) == [False, False, True, False]
        assert "Group: Friends" in text(dashboard_client.get(f"{SEGMENTS}{segment.pk}/change/"))

    def test_segment_names_each_of_several_groups(self, dashboard_client, people):
        groups = [create_group(name=name) for name in ("Friends", "Club", "Gone")]
        ids = [group.pk for group in groups]
        segment = create_segment(name="Both", filters={"group": ids, "tag": ["a", "b"]})
        delete_group(ids[2], by=SYSTEM)

        shown = text(dashboard_client.get(f"{SEGMENTS}{segment.pk}/change/"))

        assert "Group: Friends, Club, (deleted group); Tag: a, b" in shown

    def test_segment_is_described_as_the_filters_are(self, dashboard_client, people):
        filters = {
            "country": ["DE", "FR"],
            "accepts_marketing": True,
            "search": "x",
            "orders_from": 2,
            "metadata.a_b": "7",
        }
        create_segment(name="Both", filters=filters)

        shown = "Marketing consent: Yes; Country: Germany, France; a_b: 7; Orders from: 2; Search: x"
        assert shown in text(dashboard_client.get(SEGMENTS))

    def test_segment_of_a_segment_has_the_filters_of_both(self, dashboard_client, people):
        segment = create_segment(name="VIPs", filters={"tag": "vip"})

        saved_from_list(dashboard_client, f"?segment={segment.pk}&q=p2", "P2")

        assert Segment.objects.get(name="P2").filters == {"tag": "vip", "search": "p2"}

    def test_list_without_filters_offers_no_segment(self, dashboard_client, people):
        for query in ("", "?q=%20"):
            assert "Save as segment" not in text(dashboard_client.get(f"{CUSTOMERS}{query}"))
        assert dashboard_client.get(f"{SEGMENTS}add/").headers["Location"] == CUSTOMERS

    @each(
        "filters",
        [
            {}, [], "x", {"search": ""}, {"ids": [1]}, {"password": "x"}, {"joined_from": "soon"},
            {"joined_to": "2020-02-31"}, {"spent_from": "much"}, {"group": "x"},
            {"group": ["x"]}, {"segment": 999}, {"user_type": {"a": 1}}, {"orders_from": "1e999"},
            {"pk": 1}, {"email": 5}, {"tag": [["a"]]}, {"metadata.": "\x00"}, {"search": " "},
            {"metadata.size": []},
        ],
    )  # fmt: skip
    def test_segment_rejects_filters_that_do_not_work(self, dashboard_client, filters):
        response = dashboard_client.post(f"{SEGMENTS}add/", {"name": "Bad", "filters": json.dumps(filters)})

        assert response.status_code == 200
        assert "errorlist" in text(response)
        assert not Segment.objects.exists()

    def test_segment_rejects_a_taken_name(self, dashboard_client, people):
        create_segment(name="VIPs", filters={"tag": "vip"})

        assert "already exists" in text(saved_from_list(dashboard_client, "?tag=vip", "VIPs"))


class TestUse:
    def test_bulk_action_on_a_segment_and_a_filter_changes_those_who_match_both(self, dashboard_client, people):
        segment = create_segment(name="VIPs", filters={"tag": "vip"})
        User.objects.filter(pk__in=[people[0].pk, people[1].pk]).update(tags=["vip", "new"])
        User.objects.filter(pk=people[2].pk).update(tags=["new"])
        fields = {"action": "block", "_selected_action": [people[0].pk], "select_across": 1}

        job = dashboard_client.post(f"{CUSTOMERS}?segment={segment.pk}&tag=new", fields).headers["Location"]
        dashboard_client.post(job)

        blocked = set(User.objects.filter(is_blocked=True).values_list("pk", flat=True))
        assert blocked == {people[0].pk, people[1].pk}

    def test_bulk_action_on_a_segment_that_is_gone_changes_nobody(self, dashboard_client, people):
        segment = create_segment(name="VIPs", filters={"tag": "vip"})
        fields = {"action": "block", "_selected_action": [people[1].pk], "select_across": 1}
        job = dashboard_client.post(f"{CUSTOMERS}?segment={segment.pk}", fields).headers["Location"]
        segment.delete()

        dashboard_client.post(job)

        assert not User.objects.filter(is_blocked=True).exists()

    def test_segment_is_renamed_and_deleted(self, dashboard_client, people):
        segment = create_segment(name="VIPs", filters={"tag": "vip"})

        dashboard_client.post(f"{SEGMENTS}{segment.pk}/change/", {"name": "Very important"})
        assert Segment.objects.get().name == "Very important"

        dashboard_client.post(f"{SEGMENTS}{segment.pk}/delete/")
        assert not Segment.objects.exists()
        assert User.objects.filter(user_type="lead").count() == 4

    def test_worker_counts_segments_again_whose_number_is_old(self, people):
        segment = create_segment(name="VIPs", filters={"tag": "vip"})
        User.objects.filter(pk=people[0].pk).update(tags=["vip"])
        Segment.objects.update(counted_at=timezone.now() - timedelta(days=1))

        call_command("run_worker", "--until-empty", stdout=StringIO())

        segment.refresh_from_db()
        assert segment.customers_count == 4
        assert timezone.now() - segment.counted_at < timedelta(hours=1)

    def test_erasure_deletes_segments_that_name_the_person(self, ada):
        for name, filters in {
            "email": {"email": "Ada@Lovelace.example"},
            "search": {"search": "ada lovelace"},
            "phone": {"tag": "x", "phone_number": "+442079460018"},
            "kept": {"search": "lovelace"},
        }.items():
            create_segment(name=name, filters=filters)

        erase(ada.pk, by=SYSTEM)

        assert [segment.name for segment in Segment.objects.all()] == ["kept"]


class TestApi:
    def test_api_lists_segments_and_their_customers(self, api, people):
        segment = create_segment(name="VIPs", filters={"tag": "vip"})
        client = api("users:read")

        (shown,) = client.get(API).json()["results"]
        one = client.get(f"{API}{segment.pk}/").json()
        first = client.get(f"{API}{segment.pk}/users/?page_size=2").json()
        rest = client.get(f"{API}{segment.pk}/users/?{urlsplit(first['next']).query}").json()

        assert shown == one
        assert (one["name"], one["filters"], one["customers_count"]) == ("VIPs", {"tag": "vip"}, 3)
        ids = [user["id"] for page in (first, rest) for user in page["results"]]
        assert ids == [each.pk for each in reversed(people[1:])]
        assert first["results"][0] == client.get(f"/api/admin/users/{ids[0]}/").json()
        assert parse_qs(urlsplit(first["next"]).query)["page_size"] == ["2"]

    def test_api_answers_404_for_another_segment_and_403_without_the_scope(self, api, db):
        segment = create_segment(name="VIPs", filters={"tag": "vip"})

        for path in ("999999/", "999999/users/"):
            assert api("users:read").get(f"{API}{path}").status_code == 404
        for path in ("", f"{segment.pk}/", f"{segment.pk}/users/"):
            assert api("orders:read").get(f"{API}{path}").status_code == 403
