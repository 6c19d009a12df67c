"""What the worker deletes once a day, and what stays."""

from datetime import timedelta
from threading import Event as StopEvent

import pytest
from django.conf import settings
from django.contrib.admin.models import CHANGE, LogEntry
from django.core import checks
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from customers.core import retention as batches
from customers.jobs.models import Job
from customers.merging.models import Merge
from customers.mirror.models import MirroredStore, ReceivedEvent
from customers.models import Event
from customers.retention import services
from customers.retention.models import Cleanup
from customers.retention.worker import carry_out_due
from customers.webhooks.models import Delivery, Webhook
from oauth.audit.models import KEPT_AT_LEAST, AuditEvent
from oauth.models import ApiUsage, App
from tests.support.cases import each
from tests.support.factories import make_user

DEFAULT = settings.RETENTION_DAYS


def days_ago(number: float):
    return timezone.now() - timedelta(days=number)


def days(settings, **changes) -> None:
    settings.RETENTION_DAYS = {**DEFAULT, **changes}


@pytest.fixture
def deliveries(db):
    """Deliveries of that age, with a status."""
    webhook = Webhook.objects.create(target="https://example.com/", secret_key="s", api_version="unstable")

    def make(number: int, age: float, status: str = "delivered") -> None:
        at = days_ago(age)
        Delivery.objects.bulk_create(
            Delivery(webhook=webhook, event_type="customer.created", object_id=1, status=status, created_at=at)
            for _ in range(number)
        )

    return make


class TestWorker:
    def test_worker_deletes_all_that_is_old_in_batches_once_a_day(self, deliveries, monkeypatch):
        monkeypatch.setattr(batches, "BATCH", 10)
        monkeypatch.setattr(services, "PAUSE", {connection.vendor: 0})
        deliveries(25, age=31)
        deliveries(5, age=29)

        carry_out_due(StopEvent())
        assert Delivery.objects.count() == 5

        deliveries(1, age=31)
        carry_out_due(StopEvent())
        assert Delivery.objects.count() == 6
        Cleanup.objects.update(started_at=days_ago(1))
        carry_out_due(StopEvent())
        assert Delivery.objects.count() == 5

    def test_worker_that_is_stopped_leaves_the_rest_to_another_one(self, deliveries, monkeypatch):
        monkeypatch.setattr(batches, "BATCH", 10)
        deliveries(25, age=31)
        Cleanup.objects.bulk_create(
            Cleanup(name=rule.name, started_at=None if rule.name == "deliveries" else timezone.now())
            for rule in services.RULES
        )

        class StopAfterTheFirstBatch(StopEvent):
            def wait(self, timeout=None):
                self.set()
                return True

        carry_out_due(StopAfterTheFirstBatch())
        assert Delivery.objects.count() == 15

        carry_out_due(StopEvent())
        assert not Delivery.objects.exists()

    def test_worker_carries_out_the_other_rules_where_one_fails(self, deliveries, monkeypatch, settings, caplog):
        deliveries(1, age=31)
        days(settings, security_log=1)  # the log refuses
        AuditEvent.objects.create(event="signed_in", at=days_ago(2))

        carry_out_due(StopEvent())

        assert "Old entries of the security log could not be deleted" in caplog.text
        assert not Delivery.objects.exists()


class TestKinds:
    def test_deliveries_that_still_wait_are_kept_for_a_month(self, deliveries, settings):
        days(settings, deliveries=2)
        deliveries(1, age=3)
        deliveries(1, age=3, status="waiting")
        deliveries(1, age=31, status="waiting")

        call_command("clear_expired")

        assert Delivery.objects.get().status == "waiting"

    def test_timeline_is_kept_unless_it_is_given_an_end(self, db, settings):
        ada = make_user()
        rows = [
            Event(user=ada, kind="changed", at=days_ago(1000), changes=changes)
            for changes in ({"first_name": ["A", "B"]}, {"accepts_marketing": [False, True]})
        ]
        Event.objects.bulk_create([*rows, Event(user=ada, kind="erased", at=days_ago(1000))])
        call_command("clear_expired")
        before = Event.objects.filter(user=ada, at__lt=days_ago(999)).count()
        days(settings, timeline=900)

        call_command("clear_expired")

        assert before == 3
        left = Event.objects.filter(user=ada, at__lt=days_ago(999)).values_list("kind", "changes")
        assert sorted(left) == [("changed", {"accepts_marketing": [False, True]}), ("erased", {})]

    def test_api_usage_and_the_dashboard_s_log_are_deleted_after_their_time(self, owner):
        for age in (401, 399):
            ApiUsage.objects.create(app=App(pk=1), hour=days_ago(age), calls=1)
        for age in (731, 729):
            LogEntry.objects.create(user=owner, action_flag=CHANGE, action_time=days_ago(age))

        call_command("clear_expired")

        assert (ApiUsage.objects.count(), LogEntry.objects.count()) == (1, 1)

    def test_security_log_is_deleted_after_its_time(self, db):
        for age in (731, 729):
            AuditEvent.objects.create(event="signed_in", at=days_ago(age))

        call_command("clear_expired")

        assert AuditEvent.objects.count() == 1

    @each("kind", ["timeline", "security_log", "dashboard_log", "api_usage", "deliveries", "received_events"])
    def test_kind_that_is_kept_for_ever_is_kept_while_the_others_are_deleted(self, deliveries, owner, settings, kind):
        days(settings, **{"timeline": 5_000, kind: None})
        at = days_ago(10_000)
        deliveries(1, age=10_000)
        AuditEvent.objects.create(event="signed_in", at=at)
        LogEntry.objects.create(user=owner, action_flag=CHANGE, action_time=at)
        ApiUsage.objects.create(app=App(pk=1), hour=at, calls=1)
        store = MirroredStore.objects.create(url="https://store.example", secret_key="s")
        ReceivedEvent.objects.create(store=store, event_id="1", event_type="customer.created", received_at=at)
        Event.objects.create(user=owner, kind="changed", at=at, changes={"first_name": ["A", "B"]})

        call_command("clear_expired")

        kept = {
            "timeline": Event.objects.filter(at=at),
            "security_log": AuditEvent.objects.filter(at=at),
            "dashboard_log": LogEntry.objects,
            "api_usage": ApiUsage.objects,
            "deliveries": Delivery.objects,
            "received_events": ReceivedEvent.objects,
        }
        assert [name for name, rows in kept.items() if rows.exists()] == [kind]

    def test_jobs_files_and_merges_are_kept_as_long_as_the_settings_say(self, db, settings):
        days(settings, jobs=10, files=3, merges=5)
        for age in (9, 11):
            Job.objects.create(kind="export", started_at=days_ago(age), created_at=days_ago(age))
        for age in (2, 4):
            Job.objects.create(kind="import", created_at=days_ago(age))  # nobody started it
        for age in (4, 6):
            Merge.objects.create(merged_id=age, kept_id=1, merged_at=days_ago(age), snapshot={})

        call_command("clear_expired")

        jobs = Job.objects.order_by("kind").values_list("kind", "created_at")
        ages = [(kind, (timezone.now() - created_at).days) for kind, created_at in jobs]
        assert ages == [("export", 9), ("import", 2)]
        assert [merge.merged_id for merge in Merge.objects.exclude(snapshot=None)] == [4]


class TestSecurityLog:
    def test_year_of_the_security_log_can_not_be_deleted(self, db):
        AuditEvent.objects.create(event="signed_in", at=days_ago(364))

        with pytest.raises(TypeError, match="365 days"):
            AuditEvent.objects.delete_batch(days_ago(364))

        assert AuditEvent.objects.exists()

    def test_year_of_the_security_log_can_not_be_deleted_by_sql(self, db):
        if connection.vendor != "postgresql":
            pytest.skip("only PostgreSQL refuses by itself")
        ages = (KEPT_AT_LEAST.days + 1, KEPT_AT_LEAST.days - 1)
        old, young = (AuditEvent.objects.create(event="signed_in", at=days_ago(age)) for age in ages)

        def delete(event: AuditEvent) -> None:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("DELETE FROM audit_auditevent WHERE id = %s", [event.pk])

        delete(old)
        with pytest.raises(DatabaseError, match="can't be changed"):
            delete(young)
        assert AuditEvent.objects.get() == young


@each(
    "changes, problems",
    [
        ({}, []),
        ({"timeline": 100}, ["retention.W001"]),
        ({"timeline": 730}, []),
        ({"timeline": 5000, "security_log": None}, ["retention.W001"]),
        ({"security_log": 364}, ["retention.E003"]),
        ({"files": 0}, ["retention.E002"]),
        ({"deliveries": -1}, ["retention.E001"]),
    ],
)
def test_checks_refuse_days_that_contradict_a_promise(settings, changes, problems):
    days(settings, **changes)

    assert [problem.id for problem in checks.run_checks() if problem.id.startswith("retention.")] == problems
