"""Import of customers by uploading a file."""

import csv
import re
from datetime import timedelta
from pathlib import Path
from unittest.mock import Mock

import pytest
from django.contrib.staticfiles.finders import find
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import OperationalError
from django.urls import reverse
from django.utils import timezone

from customers import insertion
from customers.dashboard import jobs as pages
from customers.jobs.imports import load
from customers.jobs.models import DryRunEmail, Job, JobFile, RejectedRow
from customers.metadata.services import create_definition
from customers.models import Address, Event, User
from tests.support.factories import make_user
from tests.support.pages import fields_of
from tests.support.uploads import UPLOAD, send

CSV = (
    "E-mail,Given name,Surname,Favourite colour\n"
    "ada@example.com,Ada,,red\n"
    "nobody,Bo,,blue\n"
    'grace@example.com,"Grace\nBrewster",,\n'
    "ADA@example.com,Ada,,\n"
)


@pytest.fixture
def slow(monkeypatch):
    monkeypatch.setattr(load, "PAGE_CHUNK", 1)
    monkeypatch.setattr(pages, "STEP_SECONDS", 0)


def steps(browser, page) -> int:
    number = 0
    while not Job.objects.get().finished_at:
        browser.post(page.replace("change", "step"), headers={"Accept": "application/json"})
        number += 1
    return number


class TestTheColumns:
    def test_import_columns_are_guessed_and_shown_with_the_first_rows(self, dashboard_client, upload):
        page = upload(CSV)

        fields = fields_of(dashboard_client.get(page), "job-form")

        assert [fields[f"column_{number}"] for number in range(4)] == ["email", "first_name", "last_name", ""]
        shown = dashboard_client.get(page).content.decode()
        assert "Import of people.csv" in shown
        assert "<div>ada@example.com</div>" in shown
        assert "Favourite colour" in shown
        assert not User.objects.filter(email="ada@example.com").exists()

    def test_import_columns_can_be_chosen(self, dashboard_client, upload):
        page = upload(CSV)

        send(dashboard_client, page, column_1="last_name", column_2="", column_3="metadata.Favourite colour")

        ada = User.objects.get(email="ada@example.com")
        assert (ada.last_name, ada.metadata) == ("Ada", {"Favourite colour": "red"})

    def test_import_takes_custom_fields_by_their_names(self, dashboard_client, upload):
        create_definition(object="customer", key="shoe_size", name="Shoe size", type="integer")
        create_definition(object="customer", key="pet", name="Pet", type="text")
        page = upload("E-mail,SHOE SIZE,Animal\nada@example.com,38,cat\n")

        fields = fields_of(dashboard_client.get(page), "job-form")
        assert (fields["column_1"], fields["column_2"]) == ("metadata.shoe_size", "")
        assert '<option value="metadata.pet">Pet</option>' in dashboard_client.get(page).content.decode()
        send(dashboard_client, page, column_2="metadata.pet")

        assert User.objects.get(email="ada@example.com").metadata == {"shoe_size": 38, "pet": "cat"}

    @pytest.mark.parametrize(
        ("changed", "reason"),
        [
            ({"column_0": ""}, "Choose the column with the email address."),
            ({"column_1": "email"}, "Only one column can be email."),
            ({"column_1": "password"}, "Select a valid choice."),
        ],
    )
    def test_import_rejects_a_wrong_choice_of_columns(self, dashboard_client, upload, changed, reason):
        page = upload(CSV)

        response = send(dashboard_client, page, **changed)

        assert reason in response.content.decode()
        assert Job.objects.get().started_at is None


class TestAnImport:
    def test_import_creates_valid_rows_and_lists_rejected_rows_with_reasons(self, dashboard_client, owner, upload):
        page = upload(CSV)

        done = send(dashboard_client, page).content.decode()

        assert "<strong>2</strong> created" in done
        assert "<strong>2</strong> rejected" in done
        assert "Enter a valid email address." in done
        assert User.objects.get(email="grace@example.com").first_name == "Grace Brewster"
        assert Event.objects.filter(kind="created", actor=owner).count() == 2
        report = dashboard_client.get(page.replace("change", "refused")).getvalue().decode().splitlines()
        taken = "Somebody in the store or in an earlier row has this email already."
        assert list(csv.reader(report)) == [
            ["E-mail", "Given name", "Surname", "Favourite colour", "Refused because"],
            ["nobody", "Bo", "", "blue", "Line 3: E-mail: Enter a valid email address. Given: “nobody”."],
            ["ADA@example.com", "Ada", "", "", f"Line 6: E-mail: {taken} Given: “ADA@example.com”."],
        ]
        assert f'href="{UPLOAD}"' in dashboard_client.get(UPLOAD.removesuffix("import/")).content.decode()

    def test_page_of_an_import_says_how_long_the_store_keeps_rejected_rows(self, dashboard_client, upload, settings):
        settings.RETENTION_DAYS = {**settings.RETENTION_DAYS, "files": 3}

        assert "Available for 3 days." in send(dashboard_client, upload(CSV)).content.decode()

    def test_import_resumes_where_it_stopped(self, dashboard_client, upload, slow):
        page = upload(CSV)
        send(dashboard_client, page)
        assert User.objects.filter(email__contains="@example.com").count() == 1

        number = steps(dashboard_client, page)

        assert number == 3
        assert [row.line for row in RejectedRow.objects.order_by("pk")] == [3, 6]
        assert User.objects.filter(email__contains="@example.com").count() == 2

    def test_import_deletes_its_file_at_the_end(self, dashboard_client, upload, django_capture_on_commit_callbacks):
        page = upload(CSV)
        stored = JobFile.objects.get().file

        with django_capture_on_commit_callbacks(execute=True):
            send(dashboard_client, page)

        assert not JobFile.objects.exists()
        assert not stored.storage.exists(stored.name)

    def test_import_that_fails_at_its_very_end_finishes_by_the_next_step(self, dashboard_client, upload, monkeypatch):
        page = upload(CSV)
        with monkeypatch.context() as patch:
            patch.setattr(insertion, "finish_bulk_insert", Mock(side_effect=OperationalError))
            assert send(dashboard_client, page).status_code == 503
        assert Job.objects.get().finished_at is None

        assert steps(dashboard_client, page) == 1
        assert (Job.objects.get().created, JobFile.objects.count()) == (2, 0)

    def test_step_that_begins_while_another_one_finishes_the_import_fails_nothing(
        self, dashboard_client, upload, slow, django_capture_on_commit_callbacks
    ):
        page = upload(CSV)
        send(dashboard_client, page)
        job = Job.objects.get()
        with django_capture_on_commit_callbacks(execute=True):
            steps(dashboard_client, page)

        pages.run_step(job)

        assert job.finished_at

    def test_import_updates_existing_customers_if_chosen(self, dashboard_client, upload):
        ada = make_user(email="ada@example.com", first_name="Augusta")

        send(dashboard_client, upload(CSV), update="on")

        ada.refresh_from_db()
        assert ada.first_name == "Ada"

    def test_import_of_json_lines(self, dashboard_client, upload):
        page = upload('{"email": "ada@example.com", "first_name": "Ada", "tags": ["a"]}\n{"tags": []}\n', "a.jsonl")

        done = send(dashboard_client, page).content.decode()

        assert "<strong>1</strong> rejected" in done
        assert User.objects.get(email="ada@example.com").tags == ["a"]

    def test_import_reports_a_missing_file(self, dashboard_client, upload):
        page = upload(CSV)
        JobFile.objects.all().delete()

        assert "Upload it again" in dashboard_client.get(page).content.decode()

    def test_import_reports_a_file_deleted_half_way(self, dashboard_client, upload, slow):
        page = upload(CSV)
        send(dashboard_client, page)
        JobFile.objects.all().delete()

        response = dashboard_client.post(page.replace("change", "step"), headers={"Accept": "application/json"})

        assert (response.status_code, response.json()) == (
            409, {"error": "The file was deleted. Upload it again."},
        )  # fmt: skip


class TestACheck:
    def test_check_reports_the_outcome_without_changes(self, dashboard_client, upload, slow):
        make_user(email="grace@example.com")
        page = upload(CSV)
        fields = fields_of(dashboard_client.get(page), "job-form")

        dashboard_client.post(page, {**fields, "rehearse": "1"})
        steps(dashboard_client, page)

        checked = dashboard_client.get(page).content.decode()
        assert re.search(r'class="button primary">\s*Import<', checked)
        assert "<strong>1</strong> would be created" in checked
        assert "<strong>3</strong> would be rejected" in checked
        assert [row.line for row in RejectedRow.objects.order_by("pk")] == [3, 4, 6]
        assert not User.objects.filter(email="ada@example.com").exists()
        assert not DryRunEmail.objects.exists()

    def test_check_can_be_followed_by_the_import(self, dashboard_client, upload):
        page = upload(CSV)
        fields = fields_of(dashboard_client.get(page), "job-form")
        dashboard_client.post(page, {**fields, "column_1": "last_name", "column_2": "", "rehearse": "1"})

        done = send(dashboard_client, page).content.decode()

        assert "<strong>2</strong> created" in done
        assert User.objects.get(email="ada@example.com").last_name == "Ada"
        assert RejectedRow.objects.count() == 2


class TestAFile:
    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"\n",
            b"\xef\xbb\xbf",
            b"a\rb\rc",
            b"email,pr\xe9nom\n",
            b"a,\0\n",
            b'[{"email": "a@example.com"}]',
            "email\n".encode("utf-16"),
        ],
    )
    def test_upload_rejects_files_that_are_not_a_table(self, dashboard_client, content):
        response = dashboard_client.post(UPLOAD, {"file": SimpleUploadedFile("x.csv", content)})

        assert response.status_code == 200
        assert "errorlist" in response.content.decode()
        assert not Job.objects.exists()

    @pytest.mark.parametrize(
        "name",
        ["../../etc/cron.d/x.csv", "..\\..\\x.csv", "/etc/passwd", "x;rm -rf ~.csv", "<b>x</b>.csv", "a" * 400, ".."],
    )
    def test_uploaded_file_of_any_name_is_stored_in_the_folder_of_jobs(self, dashboard_client, name):
        body = f'--x\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n{CSV}\r\n--x--\r\n'

        response = dashboard_client.generic("POST", UPLOAD, body, "multipart/form-data; boundary=x")

        stored = [each.file.name for each in JobFile.objects.all()]
        assert response.status_code == (302 if stored else 200)
        assert [each for each in stored if not re.fullmatch(r"jobs/\w[\w.-]*", each)] == []

    def test_import_of_binary_data_rejects_each_line(self, dashboard_client, upload):
        page = upload(b"email\n\xff\xfe\n\x00\n" + b"\x80" * 100)

        assert dashboard_client.get(page).status_code == 200
        assert "<strong>3</strong> rejected" in send(dashboard_client, page).content.decode()

    def test_import_file_is_deleted_after_a_day_and_its_job_after_a_week(self, dashboard_client, upload):
        send(dashboard_client, upload("email\nada@example.com\n"))
        upload(CSV)
        Job.objects.update(created_at=timezone.now() - timedelta(hours=23))
        call_command("clear_expired", verbosity=0)
        assert (Job.objects.count(), JobFile.objects.count()) == (2, 1)
        Job.objects.update(created_at=timezone.now() - timedelta(days=1))

        call_command("clear_expired", verbosity=0)

        assert Job.objects.exclude(started_at=None).count() == Job.objects.count() == 1
        assert not JobFile.objects.exists()
        Job.objects.update(created_at=timezone.now() - timedelta(days=7))
        call_command("clear_expired", verbosity=0)
        assert not Job.objects.exists()


def test_list_of_jobs_says_what_became_of_the_rows(dashboard_client, upload):
    page = upload(CSV)
    assert re.search(r'value="1" class="button primary">\s*Check first<', dashboard_client.get(page).content.decode())
    send(dashboard_client, page)
    upload(CSV)

    listed = dashboard_client.get(reverse("admin:jobs_job_changelist")).content.decode()

    assert re.findall(r'field-result">(?:<span class="no-value">)?([^<]*)', listed) == ["", "2 created, 2 rejected"]
    assert "Not started" in listed
    assert "just now" in listed


def test_sample_file_is_imported_as_it_is(dashboard_client, upload):
    path = re.search(r'href="([^"]+sample[^"]*)" download', dashboard_client.get(UPLOAD).content.decode())[1]
    text = Path(find(path.removeprefix("/static/"))).read_text()

    done = send(dashboard_client, upload(text)).content.decode()

    assert "<strong>2</strong> created" in done
    assert "warning" not in done
    ada = User.objects.get(email="ada@example.com")
    assert (ada.tags, ada.accepts_marketing, ada.phone_number) == (["vip", "newsletter"], True, "+442079460018")
    assert Address.objects.filter(user=ada).get().country == "GB"


def test_import_by_command_is_listed(dashboard_client, tmp_path):
    (tmp_path / "shop.csv").write_text("email\nada@example.com\n")
    call_command("import_customers", str(tmp_path / "shop.csv"))

    page = dashboard_client.get(reverse("admin:jobs_job_changelist")).content.decode()

    assert "Import of shop.csv" in page
