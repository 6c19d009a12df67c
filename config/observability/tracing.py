"""Traces by OpenTelemetry: requests, SQL statements on PostgreSQL, attempts to deliver webhooks. TRACING asks for them.

A trace continues one whose `traceparent` a request brings (W3C Trace Context). Spans go to a collector by OTLP, as the
variables of OpenTelemetry say, such as OTEL_EXPORTER_OTLP_ENDPOINT. Needs `pip install shop-customers[tracing]`.
"""

import os
from collections.abc import Sequence
from multiprocessing.util import Finalize

from django.conf import settings
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.django import DjangoInstrumentor
from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor
from opentelemetry.sdk.trace import Event, ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Status

SERVICE = "store"  # where OTEL_SERVICE_NAME names no other one
# Attributes that are exported. All others may hold personal data: paths, query strings, addresses, texts of exceptions.
# Statements have placeholders instead of values.
SAFE = {
    "http.method", "http.request.method", "http.route", "http.status_code", "http.response.status_code", "http.scheme",
    "url.scheme", "db.system", "db.system.name", "db.name", "db.namespace", "db.statement", "db.query.text",
    "error.type", "exception.type", "webhook.id", "webhook.event_id",
}  # fmt: skip


class PrivateExporter(SpanExporter):
    """Passes on spans without personal data, whichever instrumentation has made them."""

    def __init__(self, exporter: SpanExporter):
        self.exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return self.exporter.export([without_personal_data(span) for span in spans])

    def shutdown(self) -> None:
        self.exporter.shutdown()


def without_personal_data(span: ReadableSpan) -> ReadableSpan:
    return ReadableSpan(
        name=span.name,
        context=span.get_span_context(),
        parent=span.parent,
        resource=span.resource,
        attributes=safe(span.attributes),
        events=[Event(event.name, safe(event.attributes), event.timestamp) for event in span.events],
        links=span.links,
        kind=span.kind,
        status=Status(span.status.status_code),  # its description is the text of an exception
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def safe(attributes):
    return {name: value for name, value in (attributes or {}).items() if name in SAFE}


def start(exporter: SpanExporter | None = None) -> TracerProvider:
    """Call it once in a process, before Django loads its middleware and connects to the database."""
    os.environ.setdefault("OTEL_SERVICE_NAME", SERVICE)
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(PrivateExporter(exporter or OTLPSpanExporter())))
    trace.set_tracer_provider(provider)
    # After the health checks, which are not traced and answer any host.
    position = settings.MIDDLEWARE.index("config.health.HealthMiddleware") + 1
    os.environ.setdefault("OTEL_PYTHON_DJANGO_MIDDLEWARE_POSITION", str(position))
    DjangoInstrumentor().instrument(excluded_urls="/metrics")
    PsycopgInstrumentor().instrument()
    # Sends the last spans when a process ends in order. `atexit` does not run in the workers of the server.
    Finalize(None, provider.shutdown, exitpriority=1)
    return provider
