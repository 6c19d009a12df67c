"""The worker that makes exports: alone, beside other workers, and when a step fails."""

import csv
import os
import time
from datetime import timedelta
from threading import Event, Thread

import pytest
from django.core.management import call_command
from django.db import connections
from django.utils import timezone

from customers.jobs import bulk_edits, runner, worker
from customers.jobs.exports import downloads, parts
from customers.jobs.exports import services as exports
from customers.jobs.exports.parts import EXPORT
from customers.jobs.models import Job, JobFile
from customers.privacy.erasure import erase
from oauth.actor import SYSTEM, Actor
from oauth.scopes import Scope
from tests.support.clients import ApiClient
from tests.support.exports import ALL_CUSTOMERS, EXPORTS, make_exports
from tests.support.factories import make_user, make_users

pytestmark = pytest.mark.usefixtures("files")


@pytest.fixture
def request_export(api):
    """`request_export()`: a new export, requested by an app."""
    client: ApiClient = api(Scope.EXPORTS_WRITE)

    def request() -> Job:
        return Job.objects.get(pk=client.post(EXPORTS, ALL_CUSTOMERS).json()["id"])

    return request


@pytest.fixture
def small_parts(monkeypatch):
    """Two customers per step."""
    monkeypatch.setattr(parts, "PART_SIZE", 2)


def emails_in(job: Job) -> list[str]:
    lines = b"".join(downloads.response(job, by=SYSTEM)).decode().splitlines()
    return [row["email"] for row in csv.DictReader(lines)]


class TestWorker:
    def test_worker_makes_an_export_requested_by_the_api(self, request_export):
        make_user(email="ada@example.com")
        job = request_export()

        make_exports()

        job.refresh_from_db()
        assert job.finished_at
        assert emails_in(job) == ["ada@example.com"]

    def test_worker_continues_an_export_started_in_the_dashboard(self, owner, small_parts):
        make_users(5)
        job = exports.create({}, by=Actor(user_id=owner.pk))
        runner.start(job, format="jsonl")

        make_exports()

        job.refresh_from_db()
        assert (job.position, job.files.count()) == (5, 3)
        assert job.finished_at

    def test_worker_ignores_other_jobs_and_exports_that_were_not_started(self, owner):
        waiting = exports.create({}, by=Actor(user_id=owner.pk))
        blocking = bulk_edits.TYPES["block"].create({}, by=owner)
        runner.start(blocking)

        make_exports()

        assert set(Job.objects.filter(finished_at=None)) == {waiting, blocking}

    def test_stopped_worker_resumes_after_the_last_part(self, request_export, small_parts, monkeypatch):
        make_users(5)
        job = request_export()
        stop = Event()
        monkeypatch.setattr(worker, "SQLITE_PAUSE", 0)
        runner.work(job, EXPORT.steps(job), until=lambda: True)  # a worker that is killed after one part
        stop.set()
        worker.run(stop)
        assert JobFile.objects.count() == 1

        make_exports()

        job.refresh_from_db()
        assert (job.position, len(set(emails_in(job)))) == (5, 5)

    def test_long_export_does_not_block_a_short_one(self, request_export, small_parts, monkeypatch):
        make_users(5)
        request_export()
        request_export()
        monkeypatch.setattr(worker, "TURN_SECONDS", 0)

        worker.run_due(Event())

        assert set(Job.objects.values_list("position", flat=True)) == {2}

    def test_parts_are_kept_in_the_configured_storage(self, request_export, settings, files):
        settings.STORAGES = {
            **settings.STORAGES,
            "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
        }
        make_user(email="ada@example.com")
        job = request_export()

        make_exports()

        job.refresh_from_db()
        assert emails_in(job) == ["ada@example.com"]
        assert not files.exists()


class TestFailure:
    @pytest.fixture
    def broken(self, request_export):
        job = request_export()
        Job.objects.filter(pk=job.pk).update(options_json={**job.options_json, "format": "none"})
        return job

    def test_failure_is_recorded_and_other_exports_continue(self, broken, request_export):
        other = request_export()

        make_exports()

        broken.refresh_from_db()
        other.refresh_from_db()
        assert other.finished_at
        assert (broken.finished_at, broken.failures, broken.error) == (None, 1, "KeyError: 'none'")
        assert broken.due_at > timezone.now()

    def test_failed_export_is_not_retried_at_once(self, broken):
        make_exports()
        make_exports()

        broken.refresh_from_db()
        assert broken.failures == 1

    def test_retries_wait_longer_each_time_and_end_after_nine_failures(self, broken):
        waits = []
        for _ in range(runner.MAX_FAILURES + 2):
            Job.objects.update(due_at=None)
            began = timezone.now()
            make_exports()
            broken.refresh_from_db()
            if broken.due_at:
                waits.append((broken.due_at - began).total_seconds())

        assert broken.failures == runner.MAX_FAILURES
        assert len(waits) == runner.MAX_FAILURES
        assert waits == sorted(waits)
        assert waits[0] >= 10
        assert 8 * 3600 < sum(waits[:-1]) < 12 * 3600

    def test_success_after_a_failure_clears_the_failure(self, request_export, files):
        make_user(email="ada@example.com")
        job = request_export()
        files.write_text("not a folder")
        make_exports()
        job.refresh_from_db()
        assert job.failures == 1
        files.unlink()
        Job.objects.update(due_at=None)

        make_exports()

        job.refresh_from_db()
        assert (job.failures, job.error, job.due_at) == (0, "", None)
        assert emails_in(job) == ["ada@example.com"]

    def test_failure_is_shown_in_the_dashboard(self, broken, client, owner):
        make_exports()
        client.force_login(owner)

        page = client.get(f"/dashboard/jobs/job/{broken.pk}/change/").content.decode()

        assert "The last attempt failed. KeyError" in page
        assert "Failed" in client.get("/dashboard/jobs/job/").content.decode()


class TestSeveralWorkers:
    @pytest.mark.django_db(transaction=True)
    def test_several_workers_write_each_part_once(self, request_export, small_parts):
        people = make_users(31)
        made = [request_export() for _ in range(3)]

        def run():
            try:
                make_exports()
            finally:
                connections.close_all()

        threads = [Thread(target=run) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        for job in made:
            job.refresh_from_db()
            assert (bool(job.finished_at), job.failures, job.files.count()) == (True, 0, 16)
            assert emails_in(job) == [each.email for each in people]


class TestStrayParts:
    def stray(self, files, *, days: float):
        path = files / "jobs" / "exports" / "1-stray"
        path.write_text("ada@example.com")
        then = time.time() - days * 86_400
        os.utime(path, (then, then))
        return path

    def test_clear_expired_deletes_stray_parts_after_a_day(
        self, request_export, files, django_capture_on_commit_callbacks
    ):
        request_export()
        make_exports()
        stray = self.stray(files, days=0.9)
        with django_capture_on_commit_callbacks(execute=True):
            call_command("clear_expired")
        assert stray.exists()
        stray = self.stray(files, days=1.1)

        with django_capture_on_commit_callbacks(execute=True):
            call_command("clear_expired")

        assert not stray.exists()
        assert len(list(stray.parent.iterdir())) == 1

    def test_erasing_a_customer_deletes_stray_parts(self, request_export, files, django_capture_on_commit_callbacks):
        ada = make_user()
        request_export()
        make_exports()
        stray = self.stray(files, days=0.01)

        with django_capture_on_commit_callbacks(execute=True):
            erase(ada.pk, by=SYSTEM)

        assert not list(stray.parent.iterdir())


def test_parts_of_an_unfinished_export_are_kept_for_a_week(request_export, small_parts):
    make_users(5)
    job = request_export()
    runner.work(job, EXPORT.steps(job), until=lambda: True)
    Job.objects.update(created_at=timezone.now() - timedelta(days=6))

    runner.delete_old()
    kept = JobFile.objects.count()
    Job.objects.update(created_at=timezone.now() - timedelta(days=8))
    runner.delete_old()

    assert kept == 1
    assert not Job.objects.exists()
