"""The security log: staff read it, and nobody changes it."""

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client

from customers.dashboard import audit
from oauth.audit.models import AuditEvent
from tests.support.cases import each
from tests.support.factories import make_user

LOG = "/dashboard/audit/auditevent/"


class TestPage:
    def test_security_log_shows_the_owner_who_did_what_from_where(self, dashboard_client, partner):
        partner.consent(dashboard_client)

        page = dashboard_client.get(LOG).content.decode()

        for text in ("Permissions granted", "owner@store.example", partner.app.name, "127.0.0.1"):
            assert text in page

    @each(
        "query, found",
        [
            ({"kind": "apps"}, 2),
            ({"kind": "refused"}, 0),
            ({"q": "owner@store.example"}, 2),
            ({"q": "Partner 1"}, 2),
            ({"q": "203.0.113"}, 0),
            ({"at__gte": "2026-01-01 00:00:00+00:00"}, 3),
            ({"at__gte": "9999-01-01 00:00:00+00:00"}, 0),
        ],
    )
    def test_security_log_filters(self, dashboard_client, partner, query, found):
        partner.consent(dashboard_client)

        page = dashboard_client.get(LOG, query)

        assert page.context["cl"].result_count == found

    def test_security_log_searches_the_newest_events_that_the_filters_find(
        self, dashboard_client, partner, monkeypatch
    ):
        partner.consent(dashboard_client)
        monkeypatch.setattr(audit, "SEARCHED_EVENTS", 1)

        def found(**query) -> int:
            return dashboard_client.get(LOG, query).context["cl"].result_count

        assert (found(), found(q="owner"), found(q="owner", kind="refused")) == (3, 1, 0)
        assert found(q="owner", kind="sign-in") == 1

    def test_security_log_needs_a_permission(self, owner):
        browser = Client()
        browser.force_login(make_user(user_type="dashboard"))

        assert browser.get(LOG).status_code == 403


class TestAnEvent:
    @pytest.fixture
    def event(self, partner):
        return AuditEvent.objects.get(event="app_registered")

    @each("method", ["get", "post"])
    @each("url", ["add/", "{}/delete/"])
    def test_security_log_entry_can_not_be_added_or_deleted(self, dashboard_client, event, method, url):
        assert getattr(dashboard_client, method)(LOG + url.format(event.pk), {"post": "yes"}).status_code == 403

        assert AuditEvent.objects.filter(pk=event.pk).exists()

    def test_security_log_entry_is_not_changed_in_the_dashboard(self, dashboard_client, event):
        changes = {"event": "signed_in", "actor": "eve@example.com", "_save": "Save"}

        assert dashboard_client.post(f"{LOG}{event.pk}/change/", changes).status_code == 403

        assert AuditEvent.objects.get(pk=event.pk).actor == ""

    def test_security_log_entry_is_not_deleted_by_an_action(self, dashboard_client, event):
        dashboard_client.post(LOG, {"action": "delete_selected", "_selected_action": event.pk, "post": "yes"})

        assert AuditEvent.objects.filter(pk=event.pk).exists()

    @each(
        "change",
        [
            lambda event: event.save(),
            lambda event: event.delete(),
            lambda event: AuditEvent.objects.update(actor="eve@example.com"),
            lambda event: AuditEvent.objects.bulk_update([event], ["actor"]),
            lambda event: AuditEvent.objects.filter(pk=event.pk).delete(),
        ],
    )
    def test_security_log_entry_is_not_changed_by_code(self, event, change):
        event.actor = "eve@example.com"

        with pytest.raises(TypeError), transaction.atomic():
            change(event)

        assert AuditEvent.objects.get().actor == ""

    @each("statement", ["UPDATE audit_auditevent SET actor = 'eve'", "DELETE FROM audit_auditevent"])
    def test_security_log_entry_is_not_changed_by_sql(self, event, statement):
        if connection.vendor != "postgresql":
            pytest.skip("only PostgreSQL refuses by itself")

        with (
            pytest.raises(DatabaseError, match="can't be changed"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)

        assert AuditEvent.objects.get().actor == ""
