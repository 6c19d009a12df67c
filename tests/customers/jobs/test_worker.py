"""The worker that makes exports: by itself, beside others, and when something is wrong."""

import os
import time
from datetime import timedelta
from threading import Event, Thread

import pytest
from django.core.management import call_command
from django.db import connections
from django.utils import timezone

from customers.jobs import bulk_edits, runner, worker
from customers.jobs.exports import downloads
from customers.jobs.exports import services as exports
from customers.jobs.models import Job, JobFile
from customers.privacy.erasure import erase
from oauth.actor import SYSTEM
from oauth.scopes import Scope
from tests.support.clients import ApiClient
from tests.support.exports import EVERYBODY, EXPORTS, work
from tests.support.factories import make_user, make_users

pytestmark = pytest.mark.usefixtures("files")


@pytest.fixture
def asked(api):
    """`asked()`: a new export, as an app asks for it."""
    client: ApiClient = api(Scope.EXPORTS_WRITE)

    def ask() -> Job:
        return Job.objects.get(pk=client.post(EXPORTS, EVERYBODY).json()["id"])

    return ask


@pytest.fixture
def small(monkeypatch):
    """Two customers a step."""
    monkeypatch.setattr(exports, "PART", 2)


def emails_in(job: Job) -> list[str]:
    lines = b"".join(downloads.answer(job)).decode().splitlines()
    return [line.partition(",")[0] for line in lines[1:]]


class TestAWorker:
    def test_makes_what_the_api_asked_for(self, asked):
        make_user(email="ada@example.com")
        job = asked()

        work()

        job.refresh_from_db()
        assert job.finished_at
        assert emails_in(job) == ["ada@example.com"]

    def test_goes_on_with_what_was_started_in_the_dashboard(self, owner, small):
        make_users(5)
        job = exports.prepare({}, by=owner)
        runner.start(job, format="jsonl")

        work()

        job.refresh_from_db()
        assert (job.position, job.files.count()) == (5, 3)
        assert job.finished_at

    def test_leaves_alone_what_nobody_started_and_what_is_no_export(self, owner):
        waiting = exports.prepare({}, by=owner)
        blocking = bulk_edits.prepare(Job.Kind.BLOCK, {}, by=owner)
        runner.start(blocking)

        work()

        assert set(Job.objects.filter(finished_at=None)) == {waiting, blocking}

    def test_ends_between_two_steps_and_goes_on_there(self, asked, small, monkeypatch):
        make_users(5)
        job = asked()
        stop = Event()
        monkeypatch.setattr(worker, "BREATH", 0)
        runner.work(job, exports.steps(job), until=lambda: True)  # as far as a worker that was killed then
        stop.set()
        worker.run(stop)
        assert JobFile.objects.count() == 1

        work()

        job.refresh_from_db()
        assert (job.position, len(set(emails_in(job)))) == (5, 5)

    def test_takes_turns(self, asked, small, monkeypatch):
        """A long export does not keep a short one waiting."""
        make_users(5)
        asked()
        asked()
        monkeypatch.setattr(worker, "TURN", 0)

        worker.turn(Event())

        assert set(Job.objects.values_list("position", flat=True)) == {2}

    def test_keeps_files_wherever_the_store_keeps_them(self, asked, settings, files):
        settings.STORAGES = {
            **settings.STORAGES,
            "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
        }
        make_user(email="ada@example.com")
        job = asked()

        work()

        job.refresh_from_db()
        assert emails_in(job) == ["ada@example.com"]
        assert not files.exists()


class TestAFailure:
    @pytest.fixture
    def broken(self, asked):
        job = asked()
        Job.objects.filter(pk=job.pk).update(options={**job.options, "format": "none"})
        return job

    def test_is_noted_and_stops_no_other_export(self, broken, asked):
        other = asked()

        work()

        broken.refresh_from_db()
        other.refresh_from_db()
        assert other.finished_at
        assert (broken.finished_at, broken.failures, broken.error) == (None, 1, "KeyError: 'none'")
        assert broken.due_at > timezone.now()

    def test_is_not_tried_again_at_once(self, broken):
        work()
        work()

        broken.refresh_from_db()
        assert broken.failures == 1

    def test_is_tried_again_later_each_time_after_a_longer_while_and_not_for_ever(self, broken):
        waits = []
        for _ in range(runner.MAX_FAILURES + 2):
            Job.objects.update(due_at=None)
            began = timezone.now()
            work()
            broken.refresh_from_db()
            if broken.due_at:
                waits.append((broken.due_at - began).total_seconds())

        assert broken.failures == runner.MAX_FAILURES
        assert len(waits) == runner.MAX_FAILURES
        assert waits == sorted(waits)
        assert waits[0] >= 10
        assert 8 * 3600 < sum(waits[:-1]) < 12 * 3600

    def test_that_is_over_leaves_nothing_behind(self, asked, files):
        make_user(email="ada@example.com")
        job = asked()
        files.write_text("not a folder")
        work()
        job.refresh_from_db()
        assert job.failures == 1
        files.unlink()
        Job.objects.update(due_at=None)

        work()

        job.refresh_from_db()
        assert (job.failures, job.error, job.due_at) == (0, "", None)
        assert emails_in(job) == ["ada@example.com"]

    def test_is_shown_in_the_dashboard(self, broken, client, owner):
        work()
        client.force_login(owner)

        page = client.get(f"/dashboard/jobs/job/{broken.pk}/change/").content.decode()

        assert "The last attempt failed. KeyError" in page
        assert "failed" in client.get("/dashboard/jobs/job/").content.decode()


class TestSeveralAtOnce:
    @pytest.mark.django_db(transaction=True)
    def test_do_each_step_once(self, asked, small):
        people = make_users(31)
        made = [asked() for _ in range(3)]

        def run():
            try:
                work()
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


class TestWhatAKilledStepWrote:
    def stray(self, files, *, days: float):
        path = files / "jobs" / "exports" / "1-stray"
        path.write_text("ada@example.com")
        then = time.time() - days * 86_400
        os.utime(path, (then, then))
        return path

    def test_goes_with_the_daily_command_once_it_is_a_day_old(self, asked, files, django_capture_on_commit_callbacks):
        asked()
        work()
        stray = self.stray(files, days=0.9)
        with django_capture_on_commit_callbacks(execute=True):
            call_command("clear_expired")
        assert stray.exists()
        stray = self.stray(files, days=1.1)

        with django_capture_on_commit_callbacks(execute=True):
            call_command("clear_expired")

        assert not stray.exists()
        assert len(list(stray.parent.iterdir())) == 1

    def test_goes_when_somebody_is_erased(self, asked, files, django_capture_on_commit_callbacks):
        ada = make_user()
        asked()
        work()
        stray = self.stray(files, days=0.01)

        with django_capture_on_commit_callbacks(execute=True):
            erase(ada.pk, by=SYSTEM)

        assert not list(stray.parent.iterdir())


def test_parts_of_an_export_in_the_making_are_kept_however_old_it_is(asked, small):
    make_users(5)
    job = asked()
    runner.work(job, exports.steps(job), until=lambda: True)
    Job.objects.update(created_at=timezone.now() - timedelta(days=6))

    runner.delete_old()
    kept = JobFile.objects.count()
    Job.objects.update(created_at=timezone.now() - timedelta(days=8))
    runner.delete_old()

    assert kept == 1
    assert not Job.objects.exists()
