import os
import signal
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from config.observability import apps
from customers.jobs import heartbeat
from customers.jobs.exports.parts import EXPORT
from customers.jobs.models import Job, WorkerProcess
from customers.jobs.runner import MAX_FAILURES
from customers.webhooks.models import Delivery
from oauth.accounts.models import Email
from oauth.scopes import Scope
from tests.config.observability.conftest import TOKEN
from tests.support.clients import USERS, ApiClient, user_url
from tests.support.factories import make_user
from tests.support.webhooks import installed_partner, make_webhook

pytestmark = pytest.mark.django_db


class TestGuard:
    def test_metrics_are_not_found_without_the_setting(self, client):
        assert client.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404

    def test_metrics_need_their_token(self, metrics):
        for sent in [None, "", "Bearer", "Bearer ", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}", "é"]:
            answer = metrics.client.get("/metrics", headers={} if sent is None else {"Authorization": sent})

            assert (answer.status_code, TOKEN in answer.text) == (401, False), sent
            assert answer.headers["WWW-Authenticate"] == 'Bearer realm="metrics"', sent

    def test_metrics_answer_plain_http_on_any_host(self, metrics, settings):
        settings.SECURE_SSL_REDIRECT = True

        answer = metrics.client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}", "Host": "10.1.2.3"})

        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith("text/plain; version=")


class TestRequests:
    def test_requests_are_counted_by_route_method_status_and_kind_of_app(self, metrics, api, owner):
        user = make_user(email="ada@example.com")
        private = api(Scope.USERS_READ)
        _, partner = installed_partner(owner, Scope.USERS_READ)
        anonymous = ApiClient()
        cases = [
            (private, "get", user_url(user), "/api/admin/users/<id>/", "200", "private"),
            (partner, "get", user_url(user), "/api/admin/users/<id>/", "200", "partner"),
            (private, "post", USERS, "/api/admin/users/", "403", "private"),
            (anonymous, "get", USERS, "/api/admin/users/", "401", "none"),
            (private, "get", "/ADMIN/customers", "/admin/customers/", "200", "private"),
            (anonymous, "get", "/api/admin/unknown/", "/api/admin/", "404", "none"),
            (anonymous, "get", "/", "/", "200", "none"),
            (anonymous, "get", "/dashboard/login/", "/dashboard/login/", "200", "none"),
            (anonymous, "get", "/nothing/here", "unmatched", "404", "none"),
            (anonymous, "get", "/static/nothing.css", "static", "404", "none"),
        ]
        for client, method, path, route, status, app_kind in cases:
            labels = {"route": route, "method": method.upper(), "status": status, "app_kind": app_kind}
            before = metrics.requests(**labels)

            getattr(client, method)(path)

            assert metrics.requests(**labels) == before + 1, path

    def test_throttled_requests_are_counted(self, metrics, api):
        client = api(Scope.USERS_READ, rate_limit=1)
        before = metrics.requests(status="429", app_kind="private")

        for _ in range(3):
            client.get(USERS)

        assert metrics.requests(status="429", app_kind="private") >= before + 1

    def test_neither_paths_nor_made_up_methods_become_labels(self, metrics, api):
        client = api(Scope.USERS_READ)
        client.get(f"{user_url(987_654)}?email=ada@example.com")
        client.get("/nothing/ada@example.com")
        for number in range(3):
            client.generic(f"METHOD{number}", USERS)

        text = metrics.text()

        assert not [word for word in ("987654", "ada@", "METHOD") if word in text]
        assert metrics.requests(method="other") >= 3

    def test_health_checks_are_not_counted(self, metrics):
        before = metrics.requests()
        metrics.client.get("/healthz")

        assert metrics.requests() == before


class TestStore:
    def test_age_of_the_webhook_queue_is_that_of_the_oldest_due_delivery(self, metrics):
        now = timezone.now()
        healthy, paused = make_webhook(), make_webhook(next_check_date=now + timedelta(hours=1))
        due_ago = {healthy: (-600, 40, 30), paused: (900,)}  # seconds; the first is a retry that is not due yet
        for webhook, ages in due_ago.items():
            for number, seconds in enumerate(ages):
                Delivery.objects.create(
                    webhook=webhook,
                    event_type="customer.created",
                    object_id=number,
                    due_at=now - timedelta(seconds=seconds),
                )

        assert metrics.value("store_webhook_queue_length") == 4
        assert 40 <= metrics.value("store_webhook_queue_age_seconds") < 300

    def test_age_of_an_empty_queue_is_zero(self, metrics):
        assert metrics.value("store_webhook_queue_age_seconds") == 0
        assert ("store_webhook_queue_age_seconds",) in metrics.samples()

    def test_jobs_are_counted_by_their_state(self, metrics):
        now = timezone.now()
        for failures, finished_at in [(0, None), (0, None), (1, None), (MAX_FAILURES, None), (0, now)]:
            Job.objects.create(kind=EXPORT.key, started_at=now, finished_at=finished_at, failures=failures)
        Job.objects.create(kind=EXPORT.key)  # nobody has started it

        states = {state: metrics.value("store_jobs", state=state) for state in ("running", "retrying", "failed")}
        assert states == {"running": 2, "retrying": 1, "failed": 1}

    def test_due_emails_are_counted(self, metrics):
        now = timezone.now()
        for number, seconds in enumerate((120, -120)):
            Email.objects.create(kind="x", recipient=f"{number}@example.com", due_at=now - timedelta(seconds=seconds))

        assert metrics.value("store_email_queue_length") == 1
        assert 120 <= metrics.value("store_email_queue_age_seconds") < 300

    def test_workers_that_were_seen_lately_are_counted(self, metrics):
        now = timezone.now()
        for number, seconds in enumerate((0, 30, 90)):
            seen_at = now - timedelta(seconds=seconds)
            WorkerProcess.objects.create(pk=f"{number:032}", host="a", process=number, seen_at=seen_at)

        assert metrics.value("store_workers") == 2

    def test_connections_are_counted_on_postgresql(self, metrics):
        if connection.vendor != "postgresql":
            pytest.skip("SQLite has no connections to count.")
        assert metrics.value("store_database_connections", state="active") >= 1
        assert metrics.value("store_database_connections_max") >= 10

    def test_without_a_database_the_metrics_say_so(self, metrics):
        def away(execute, *args):
            raise OperationalError("connection refused")

        assert metrics.value("store_database_up") == 1
        with connection.execute_wrapper(away):
            samples = metrics.samples()

        assert samples["store_database_up",] == 0
        assert ("store_workers",) not in samples


@pytest.mark.once
class TestProcesses:
    """Real processes: each counts in a file of its own."""

    def start(self) -> int:
        """The id of a process that has counted five attempts, and waits to be killed."""
        reader, writer = os.pipe()
        if not (pid := os.fork()):
            for _ in range(5):
                apps.count_attempt(seconds=0.2, outcome="delivered")
            os.write(writer, b".")
            signal.pause()
        assert os.read(reader, 1) == b"."
        return pid

    def kill(self, pid: int) -> None:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)

    def test_counts_of_all_processes_are_added_up_and_outlive_a_kill(self, metrics, metrics_folder):
        metrics.text()  # this process has a file, too
        apps.count_attempt(seconds=0.1, outcome="retry")
        before = metrics.value("store_webhook_attempt_seconds_count", outcome="delivered")

        running = [self.start(), self.start()]
        self.kill(running.pop(0))
        running.append(self.start())  # takes the place of the killed one
        for pid in running:
            self.kill(pid)

        assert metrics.value("store_webhook_attempt_seconds_count", outcome="delivered") == before + 15
        assert len(list(metrics_folder.glob("histogram_*.db"))) == 3


class TestHeartbeat:
    def test_beat_touches_the_file_and_the_row_unless_a_part_is_stuck(self, settings, tmp_path, monkeypatch):
        settings.WORKER_ALIVE_FILE = tmp_path / "alive"
        worker = heartbeat.Heartbeat()

        worker.beat()

        assert settings.WORKER_ALIVE_FILE.exists()
        assert heartbeat.workers_alive() == 1

        settings.WORKER_ALIVE_FILE.unlink()
        WorkerProcess.objects.update(seen_at=timezone.now() - timedelta(hours=1))
        monkeypatch.setitem(heartbeat.polling.steps_began, "webhooks", -heartbeat.STUCK_AFTER)
        worker.beat()

        assert not settings.WORKER_ALIVE_FILE.exists()
        assert heartbeat.workers_alive() == 0
