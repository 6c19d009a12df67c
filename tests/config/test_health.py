from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from customers.jobs.models import WorkerProcess
from customers.webhooks.models import Delivery
from tests.support.webhooks import make_webhook


class TestLive:
    def test_healthz_answers_without_a_database(self, client):
        """Without the mark, a test that touches the database fails."""
        response = client.get("/healthz")

        assert (response.status_code, response.json()) == (200, {"status": "ok"})


@pytest.mark.django_db
class TestReady:
    def test_readyz_is_200_if_the_database_answers(self, client):
        response = client.get("/readyz")

        assert (response.status_code, response.json()) == (
            200,
            {"status": "ok", "database": "ok", "migrations": "applied", "webhook_queue_seconds": 0, "workers": 0},
        )

    def test_readyz_shows_how_far_the_workers_are_behind(self, client):
        late = timezone.now() - timedelta(minutes=3)
        WorkerProcess.objects.create(pk="0" * 32, host="a", process=1, seen_at=timezone.now())
        Delivery.objects.create(webhook=make_webhook(), event_type="customer.created", object_id=1, due_at=late)

        shown = client.get("/readyz").json()

        assert shown["workers"] == 1
        assert 180 <= shown["webhook_queue_seconds"] < 400

    def test_readyz_is_503_if_the_database_does_not_answer(self, client):
        def away(execute, *args):
            raise OperationalError("connection refused")

        with connection.execute_wrapper(away):
            response = client.get("/readyz")

        assert (response.status_code, response.json()) == (503, {"status": "not ready", "database": "no answer"})

    def test_readyz_is_503_until_all_migrations_are_applied(self, client):
        applied = MigrationRecorder(connection)
        applied.record_unapplied("jobs", "0001_initial")

        response = client.get("/readyz")
        assert (response.status_code, response.json()["migrations"]) == (503, "missing")

        applied.record_applied("jobs", "0001_initial")
        assert client.get("/readyz").json()["migrations"] == "applied"

    def test_readyz_is_200_on_a_database_that_a_newer_version_has_migrated(self, client):
        MigrationRecorder(connection).record_applied("jobs", "0999_of_a_newer_version")

        assert client.get("/readyz").status_code == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
@pytest.mark.django_db
class TestBoth:
    def test_health_checks_answer_plain_http(self, client, settings, path):
        settings.SECURE_SSL_REDIRECT = True

        assert client.get(path).status_code == 200
        assert client.get("/api/admin/users/").status_code == 301


class TestHost:
    @pytest.mark.django_db
    @pytest.mark.parametrize("path", ["/healthz", "/readyz"])
    def test_health_checks_answer_any_host(self, client, path):
        assert client.get(path, headers={"Host": "10.1.2.3"}).status_code == 200
