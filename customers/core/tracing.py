"""Spans for what no instrumentation of OpenTelemetry knows. Without TRACING nothing is imported."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings


class Outgoing:
    """A request to another server. Without TRACING it has no headers and no span.

    `headers`: by these the other server continues the trace (W3C Trace Context).
    """

    def __init__(self, span: Any = None) -> None:
        self.span = span
        self.headers: dict[str, str] = {}

    def finish(self, *, status: int | None, is_success: bool) -> None:
        """`status`: of the response; None if there was no complete one."""
        if self.span is None:
            return
        from opentelemetry.trace import StatusCode

        if status:
            self.span.set_attribute("http.response.status_code", status)
        if not is_success:
            self.span.set_status(StatusCode.ERROR)


@contextmanager
def outgoing(name: str, **attributes: str | int) -> Iterator[Outgoing]:
    """A span around a request to another server."""
    if not settings.TRACING:
        yield Outgoing()
        return
    from opentelemetry import propagate, trace

    tracer = trace.get_tracer(__name__)
    with tracer.start_as_current_span(name, kind=trace.SpanKind.CLIENT, attributes=attributes) as span:
        request = Outgoing(span)
        propagate.inject(request.headers)
        yield request
