"""Log lines as JSON objects, one a line, for programs that collect logs. LOG_FORMAT=json asks for them.

A line has no personal data and no secrets: a request is described by its route, and an exception by its type and where
it was raised, because messages of exceptions quote values.
"""

import logging
import traceback
from datetime import UTC, datetime
from http.client import responses
from time import perf_counter
from types import TracebackType
from typing import Any

import orjson
from django.conf import settings

from config.observability.requests import app_id_of, app_kind_of, method_of, raw_route_of, readable
from config.request_id import NO_REQUEST, request_id

FRAMES = 12  # of a traceback, the innermost ones

logger = logging.getLogger(__name__)


class JsonFormatter(logging.Formatter):
    """The attribute `fields` of a record has further members of the object."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": message_of(record),
            "process": record.process,
            "thread": record.threadName,
        }
        if (current := request_id.get()) != NO_REQUEST:
            line["request_id"] = current
        if settings.TRACING and (trace_id := current_trace_id()):
            line["trace_id"] = trace_id
        if request := getattr(record, "request", None):
            line["route"] = readable(raw_route_of(request))
        line |= getattr(record, "fields", {})
        if record.exc_info and record.exc_info[1]:
            line["error"] = describe(record.exc_info[1])
        return orjson.dumps(line, default=str).decode()


def current_trace_id() -> str:
    """As in `traceparent`; empty outside a trace."""
    from opentelemetry import trace

    context = trace.get_current_span().get_span_context()
    return trace.format_trace_id(context.trace_id) if context.is_valid else ""


def message_of(record: logging.LogRecord) -> str:
    """Django logs the path of a request that failed: its status says as much. The text of an exception is left out."""
    if status := getattr(record, "status_code", None):
        return f"{status} {responses.get(status, '')}".strip()
    arguments = record.args if isinstance(record.args, tuple) else ()
    if any(isinstance(each, BaseException) for each in arguments):
        shown = (type(each).__name__ if isinstance(each, BaseException) else each for each in arguments)
        return str(record.msg) % tuple(shown)
    return record.getMessage()


def describe(error: BaseException) -> dict[str, Any]:
    described: dict[str, Any] = {"type": f"{type(error).__module__}.{type(error).__qualname__}"}
    if state := getattr(error, "sqlstate", None):
        described["sqlstate"] = state
    if error.__traceback__:
        described["at"] = places(error.__traceback__)
    if error.__cause__:
        described["cause"] = describe(error.__cause__)
    return described


def places(innermost: TracebackType) -> list[str]:
    frames = traceback.extract_tb(innermost)[-FRAMES:]
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]


class RequestLogMiddleware:
    """Writes a line for each request. It is installed only where LOG_FORMAT asks for JSON."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        began = perf_counter()
        response = self.get_response(request)
        fields = {
            "method": method_of(request),
            "route": readable(raw_route_of(request)),
            "status": response.status_code,
            "ms": round((perf_counter() - began) * 1000, 1),
        }
        if app_kind := app_kind_of(request):
            fields |= {"app_id": app_id_of(request), "app_kind": app_kind}
        logger.info("request", extra={"fields": fields})
        return response


def log_attempt(*, delivery: Any, seconds: float, code: int | None, outcome: str, **kwargs: object) -> None:
    """Receives `attempt_recorded`. A target may have a secret in its URL, so the line has the webhook's id."""
    fields = {
        "webhook_id": delivery.webhook_id,
        "event_id": str(delivery.event_id),
        "event_type": delivery.event_type,
        "outcome": outcome,
        "status": code,
        "ms": round(seconds * 1000, 1),
    }
    logger.info("webhook attempt", extra={"fields": fields})
