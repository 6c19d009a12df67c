"""Jobs started from the list of customers: tags, blocks, exports."""

import csv
import io
import json

import pytest
from django.urls import reverse

from customers.dashboard import jobs as pages
from customers.jobs import bulk_edits
from customers.jobs.exports import parts
from customers.jobs.models import Job, JobFile
from customers.models import Event, Tag, User
from customers.privacy.erasure import erase
from oauth.actor import SYSTEM
from oauth.scopes import Scope
from tests.support.cases import each
from tests.support.dashboard import CUSTOMERS
from tests.support.exports import ALL_CUSTOMERS, EXPORTS, make_exports
from tests.support.factories import make_owner, make_user


@pytest.fixture
def people(db):
    return [make_user(email=f"p{number}@example.com", first_name=f"P{number}") for number in range(3)]


@pytest.fixture
def slow(monkeypatch):
    """A customer a step, and a step a request."""
    monkeypatch.setattr(bulk_edits, "CHUNK", 1)
    monkeypatch.setattr(parts, "PART_SIZE", 1)
    monkeypatch.setattr(pages, "STEP_SECONDS", 0)


def chosen(browser, action, people=(), *, everybody=False, query="") -> str:
    """The path of the job that the list leads to."""
    fields = {"action": action, "_selected_action": [each.pk for each in people], "select_across": int(everybody)}
    response = browser.post(f"{CUSTOMERS}{query}", fields)
    assert response.status_code == 302, response.content.decode()
    return response.headers["Location"]


def tags_of(people) -> list[list[str]]:
    return [User.objects.get(pk=each.pk).tags for each in people]


class TestTags:
    @each("id", ["x", "", "1.5", "9" * 30, "\0"])
    def test_bulk_action_for_something_that_is_no_id_is_a_bad_request(self, dashboard_client, id):
        response = dashboard_client.post(CUSTOMERS, {"action": "tag", "_selected_action": [id], "select_across": 0})

        assert response.status_code == 400

    def test_bulk_tag_adds_tags_to_the_selected_customers(self, dashboard_client, owner, people):
        User.objects.filter(pk=people[0].pk).update(tags=["old"])
        page = chosen(dashboard_client, "tag", people[:2])
        asked = dashboard_client.get(page).content.decode()

        done = dashboard_client.post(page, {"tags": "vip, new"}, follow=True).content.decode()

        assert "Add tags: 2 customers" in asked
        assert "<strong>2</strong> changed" in done
        assert tags_of(people) == [["old", "vip", "new"], ["vip", "new"], []]
        assert {tag.name for tag in Tag.objects.all()} >= {"vip", "new"}
        event = Event.objects.filter(user=people[0], kind="changed").get()
        assert (event.actor, event.changes) == (owner, {"tags": [["old"], ["old", "vip", "new"]]})

    def test_bulk_untag_removes_tags(self, dashboard_client, people):
        User.objects.update(tags=["a", "b"])
        User.objects.filter(pk=people[2].pk).update(tags=["a"])

        dashboard_client.post(chosen(dashboard_client, "untag", people), {"tags": "b, c"})

        assert tags_of(people) == [["a"], ["a"], ["a"]]
        assert Event.objects.filter(kind="changed").count() == 2

    @pytest.mark.parametrize("typed", ["", " , ", "x" * 256])
    def test_bulk_tag_rejects_empty_or_invalid_tags(self, dashboard_client, people, typed):
        page = chosen(dashboard_client, "tag", people)

        response = dashboard_client.post(page, {"tags": typed})

        assert response.status_code == 200
        assert "errorlist" in response.content.decode()
        assert tags_of(people) == [[], [], []]


class TestBlocking:
    def test_bulk_block_skips_customers_already_blocked(self, dashboard_client, people):
        User.objects.filter(pk=people[0].pk).update(is_blocked=True)

        done = dashboard_client.post(chosen(dashboard_client, "block", people), follow=True).content.decode()

        assert "<strong>2</strong> changed" in done
        assert User.objects.filter(is_blocked=True).count() == 3
        assert Event.objects.filter(kind="blocked").count() == 2

    def test_bulk_unblock_reverts_bulk_block(self, dashboard_client, people):
        User.objects.filter(pk=people[0].pk).update(is_blocked=True)

        dashboard_client.post(chosen(dashboard_client, "unblock", people))

        assert not User.objects.filter(is_blocked=True).exists()
        assert Event.objects.filter(kind="unblocked").count() == 1

    def test_bulk_block_changes_nothing_before_it_is_confirmed(self, dashboard_client, people):
        page = chosen(dashboard_client, "block", people)

        dashboard_client.get(page)

        assert not User.objects.filter(is_blocked=True).exists()


class TestTheWholeResult:
    def test_select_all_uses_the_search_and_filters_of_the_list(self, dashboard_client, people, slow):
        make_user(email="p9@example.com", first_name="P9", accepts_marketing=True)
        make_user(email="other@example.com")
        make_owner(email="p10@example.com", first_name="P10")

        page = chosen(dashboard_client, "tag", people[:1], everybody=True, query="?q=p&accepts_marketing=False")
        dashboard_client.post(page, {"tags": "x"})
        while not Job.objects.get().finished_at:
            dashboard_client.post(page.replace("change", "step"), headers={"Accept": "application/json"})

        assert set(User.objects.with_tag("x").values_list("email", flat=True)) == {
            "p0@example.com", "p1@example.com", "p2@example.com",
        }  # fmt: skip

    def test_select_all_combines_every_filter(self, dashboard_client, people):
        query = (
            "?q=p&user_type=lead&is_blocked=False&accepts_marketing=False&tag=x&joined_from=2020-01-01"
            "&joined_to=2099-12-31&spent_from=0&spent_to=10.50&orders_from=0&orders_to=3&country=GB&city=Leeds&state=x"
            "&postcode=y&language=en"
        )

        page = chosen(dashboard_client, "block", people[:1], everybody=True, query=query)
        done = dashboard_client.post(page, follow=True).content.decode()

        assert "Block: 0 customers" in done
        assert not User.objects.filter(is_blocked=True).exists()

    def test_finished_job_forgets_its_customers(self, dashboard_client, people):
        page = chosen(dashboard_client, "block", people[:1], everybody=True, query="?q=p1@example.com")

        dashboard_client.post(page)

        assert "p1@example.com" not in json.dumps(Job.objects.get().options_json)


class TestALongOne:
    def test_long_job_reports_its_progress(self, dashboard_client, people, slow):
        page = chosen(dashboard_client, "block", people)

        first = dashboard_client.post(page, follow=True).content.decode()
        progress = dashboard_client.post(page.replace("change", "step"), headers={"Accept": "application/json"}).json()

        assert 'value="0.33' in first
        assert progress["done"] == pytest.approx(2 / 3)
        assert progress["words"].startswith("2 customers, ")
        assert progress["is_finished"] is False

    def test_long_job_continues_without_javascript(self, dashboard_client, people, slow):
        page = chosen(dashboard_client, "block", people)
        dashboard_client.post(page)

        for _ in range(4):
            response = dashboard_client.post(page.replace("change", "step"), headers={"Accept": "text/html"})
            assert response.headers["Location"] == page

        assert User.objects.filter(is_blocked=True).count() == 3
        assert "<strong>3</strong> changed" in dashboard_client.get(page).content.decode()

    def test_long_job_can_be_stopped(self, dashboard_client, people, slow):
        page = chosen(dashboard_client, "block", people)
        dashboard_client.post(page)

        said = dashboard_client.post(page.replace("change", "discard"), follow=True).content.decode()

        assert "stopped. Changes made so far are kept." in said
        assert User.objects.filter(is_blocked=True).count() == 1
        assert dashboard_client.get(page).status_code == 404

    def test_long_job_is_not_started_twice(self, dashboard_client, people, slow):
        page = chosen(dashboard_client, "tag", people)
        dashboard_client.post(page, {"tags": "x"})

        dashboard_client.post(page, {"tags": "y"})

        assert Job.objects.get().options_json["tags"] == ["x"]

    @each("id", ["x", "9" * 20, "9" * 5_000])
    def test_unknown_job_is_not_found(self, dashboard_client, id):
        assert dashboard_client.get(reverse("admin:jobs_job_change", args=[id])).status_code == 404


class TestAnExport:
    def test_export_is_downloaded_as_one_file(self, dashboard_client, people, slow):
        page = chosen(dashboard_client, "export", people)
        dashboard_client.post(page, {"format": "csv"})
        assert dashboard_client.get(page.replace("change", "file")).status_code == 404  # it is not done

        while not Job.objects.get().finished_at:
            dashboard_client.post(page.replace("change", "step"), headers={"Accept": "application/json"})
        response = dashboard_client.get(page.replace("change", "file"))

        assert response.headers["Content-Disposition"].endswith('.csv"')
        rows = list(csv.DictReader(io.StringIO(response.getvalue().decode())))
        assert [row["email"] for row in rows] == ["p0@example.com", "p1@example.com", "p2@example.com"]
        assert JobFile.objects.count() == 3

    def test_page_of_an_export_says_how_long_the_store_keeps_its_file(self, dashboard_client, people, settings):
        settings.RETENTION_DAYS = {**settings.RETENTION_DAYS, "files": 3}

        done = dashboard_client.post(chosen(dashboard_client, "export", people), {"format": "csv"}, follow=True)

        assert "Available for 3 days." in done.content.decode()

    def test_export_as_json_lines(self, dashboard_client, people):
        page = chosen(dashboard_client, "export", people[:1])

        dashboard_client.post(page, {"format": "jsonl"})

        (line,) = dashboard_client.get(page.replace("change", "file")).getvalue().splitlines()
        assert json.loads(line)["email"] == "p0@example.com"

    def test_export_for_excel_begins_with_a_byte_order_mark(self, dashboard_client, people, slow):
        page = chosen(dashboard_client, "export", people)

        dashboard_client.post(page, {"format": "csv", "excel": "on"})
        while not Job.objects.get().finished_at:
            dashboard_client.post(page.replace("change", "step"), headers={"Accept": "application/json"})

        content = dashboard_client.get(page.replace("change", "file")).getvalue().decode()
        assert content.startswith('\ufeff"id","email",')
        assert content.count("\ufeff") == 1

    def test_export_of_no_customers_has_only_a_header(self, dashboard_client, people):
        page = chosen(dashboard_client, "export", people[:1], everybody=True, query="?q=nobody")

        dashboard_client.post(page, {"format": "csv"})

        assert dashboard_client.get(page.replace("change", "file")).getvalue().startswith(b'"id","email",')

    def test_export_file_is_deleted_when_a_customer_is_erased(
        self, dashboard_client, people, django_capture_on_commit_callbacks
    ):
        page = chosen(dashboard_client, "export", people)
        dashboard_client.post(page, {"format": "csv"})
        stored = JobFile.objects.get().file
        assert stored.storage.exists(stored.name)

        with django_capture_on_commit_callbacks(execute=True):
            erase(people[0].pk, by=SYSTEM)

        assert not stored.storage.exists(stored.name)
        assert (
            "The file was deleted" in dashboard_client.get(page.replace("change", "file"), follow=True).content.decode()
        )

    @pytest.mark.parametrize("format", ["", "xlsx"])
    def test_export_rejects_unknown_format(self, dashboard_client, people, format):
        page = chosen(dashboard_client, "export", people)

        assert dashboard_client.post(page, {"format": format}).status_code == 200
        assert Job.objects.get().started_at is None


class TestAnExportOfAnApp:
    @pytest.fixture
    def job(self, api, files, people) -> Job:
        api(Scope.EXPORTS_WRITE, app_name="Mailer").post(EXPORTS, ALL_CUSTOMERS)
        make_exports()
        return Job.objects.get()

    def test_app_export_is_listed_and_can_be_downloaded(self, as_role, job):
        browser = as_role("Staff")

        listed = browser.get(reverse("admin:jobs_job_changelist")).content.decode()
        shown = browser.get(pages.page_of(job)).content.decode()
        file = browser.get(pages.page_of(job, "file"))

        assert "Export: 3 customers" in listed
        assert "Mailer" in listed
        assert pages.page_of(job, "file") in shown
        assert len(file.getvalue().splitlines()) == 4
        assert "no-store" in file.headers["Cache-Control"]

    def test_app_export_is_hidden_from_viewers(self, as_role, job):
        browser = as_role("Viewer")

        for name in ("change", "file"):
            assert browser.get(pages.page_of(job, name)).status_code == 403
        assert browser.get(reverse("admin:jobs_job_changelist")).status_code == 403


class TestTheActions:
    def test_bulk_actions_are_hidden_from_viewers(self, as_role, people):
        page = as_role("Viewer").get(CUSTOMERS).content.decode()

        assert 'name="action"' not in page
        assert "/import/" not in page

    def test_bulk_actions_are_refused_for_viewers(self, as_role, people):
        as_role("Viewer").post(CUSTOMERS, {"action": "block", "_selected_action": [people[0].pk]})

        assert not Job.objects.exists()

    def test_bulk_actions_show_the_total_number(self, dashboard_client):
        for number in range(51):
            make_user(email=f"p{number}@example.com")

        assert "All 51 customers</label>" in dashboard_client.get(CUSTOMERS).content.decode()


class TestTheListOfJobs:
    def test_job_list_shows_what_was_done_and_by_whom(self, dashboard_client, owner, people):
        dashboard_client.post(chosen(dashboard_client, "tag", people), {"tags": "vip"})
        chosen(dashboard_client, "export", people)

        page = dashboard_client.get(reverse("admin:jobs_job_changelist")).content.decode()

        assert "Add tags vip: 3 customers" in page
        assert "Export: 3 customers" in page
        assert "Not started" in page
        assert str(owner) in page
