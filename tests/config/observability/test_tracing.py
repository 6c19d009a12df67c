import os
import subprocess
import sys
from pathlib import Path
from threading import Event

import pytest
from django.db import connection
from opentelemetry.instrumentation.django import DjangoInstrumentor
from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from config.observability import tracing
from customers import services
from customers.api import webhook_payloads  # noqa: F401  imported to register the payloads, as run_worker does
from customers.webhooks.delivery.worker import Worker
from oauth.scopes import Scope
from tests.support.clients import USERS, ApiClient
from tests.support.webhook_receiver import served
from tests.support.webhooks import make_webhook

PROJECT = Path(__file__).resolve().parents[3]
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


@pytest.fixture(scope="session")
def tracing_of_process():
    """A process has one provider. The middleware that it adds to the settings goes at once."""
    exporter = InMemorySpanExporter()
    provider = tracing.start(exporter)
    DjangoInstrumentor().uninstrument()
    PsycopgInstrumentor().uninstrument()
    return provider, exporter


@pytest.fixture
def spans(settings, tracing_of_process):
    """`spans()`: what was exported since the start of the test."""
    provider, exporter = tracing_of_process
    settings.TRACING = True
    settings.MIDDLEWARE = [*settings.MIDDLEWARE]
    exporter.clear()
    DjangoInstrumentor().instrument(excluded_urls="/metrics")
    PsycopgInstrumentor().instrument()
    connection.close()  # the next one is traced

    def exported():
        provider.force_flush()
        return exporter.get_finished_spans()

    yield exported
    DjangoInstrumentor().uninstrument()
    PsycopgInstrumentor().uninstrument()
    connection.close()


@pytest.mark.django_db(transaction=True)
class TestTracing:
    def test_trace_of_the_client_is_continued_by_the_request_and_its_statements(self, spans, api):
        client = api(Scope.USERS_READ)

        client.get(f"{USERS}?email=ada@example.com", headers={"traceparent": PARENT})

        found = [span for span in spans() if f"{span.context.trace_id:032x}" == TRACE]
        (request,) = [span for span in found if span.name == "GET api/admin/users/"]
        assert f"{request.parent.span_id:016x}" == "00f067aa0ba902b7"
        statements = [span for span in found if span is not request]
        assert bool(statements) == (connection.vendor == "postgresql")
        assert all(span.parent.span_id == request.context.span_id for span in statements)

    def test_health_checks_answer_any_host_and_are_not_traced(self, spans):
        assert ApiClient().get("/healthz", headers={"Host": "10.1.2.3"}).status_code == 200
        assert [span for span in spans() if span.name.startswith("GET")] == []

    def test_spans_have_no_personal_data_and_no_secrets(self, spans, api, monkeypatch):
        client = api(Scope.USERS_READ, Scope.USERS_WRITE)
        person = {"email": "ada@example.com", "last_name": "Lovelace"}

        client.post(USERS, person)
        client.post(USERS, person)
        client.get(f"{USERS}?email=ada@example.com&search=Lovelace")
        client.get("/nothing/ada@example.com")

        def crash(**fields):
            raise RuntimeError(f"no room for {fields}, {client.token}")

        monkeypatch.setattr(services, "insert_user", crash)
        client.post(USERS, {"email": "zoe@example.com"})

        text = "".join(span.to_json() for span in spans())
        assert [word for word in ("ada@", "zoe@", "Lovelace", client.token, "127.0.0.1") if word in text] == []
        assert "RuntimeError" in text

    def test_webhook_is_sent_with_the_traceparent_of_its_attempt(self, spans, api):
        with served() as receiver:
            make_webhook(target=f"{receiver.url}/500?key=secret")
            api(Scope.USERS_WRITE).post(USERS, {"email": "ada@example.com"})
            Worker().run(Event(), until_empty=True)

        (span,) = [span for span in spans() if span.name == "deliver customer.created"]
        sent = receiver.received[0].traceparent
        assert sent.startswith(f"00-{span.context.trace_id:032x}-{span.context.span_id:016x}-0")
        assert span.attributes["http.response.status_code"] == 500
        assert not span.status.is_ok
        assert "secret" not in span.to_json()


@pytest.mark.once
class TestOff:
    def test_nothing_is_imported_without_the_settings(self, tmp_path):
        """The client of Redis imports a part of OpenTelemetry by itself, where that is installed."""
        script = (
            "import sys, config.server.rsgi, customers.management.commands.run_worker;"
            "unwanted = ('opentelemetry.instrumentation', 'opentelemetry.exporter', 'prometheus_client',"
            " 'config.observability.metrics', 'config.observability.logs', 'config.observability.tracing');"
            "print([name for name in sys.modules if name.startswith(unwanted)])"
        )
        environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", "DEVELOPMENT": "1"}
        environment |= {"VAR_DIR": str(tmp_path), "DATABASE_URL": f"sqlite:///{tmp_path}/store.sqlite3"}
        done = subprocess.run(
            [sys.executable, "-c", script], cwd=PROJECT, env=environment, capture_output=True, text=True, check=True
        )

        assert done.stdout == "[]\n"
