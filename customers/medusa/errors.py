"""Errors in the shape and the words of Medusa: `{"code"?, "type", "message"}`."""

import logging
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, UnreadablePostError

from customers.core.http.json_response import json_response
from customers.core.http.refusals import RequestRefused
from customers.core.idempotency import KeyReused
from oauth.errors import ServiceError

logger = logging.getLogger(__name__)

INVALID_REQUEST = "invalid_request_error"
# Names on the wire of fields of the core.
NAMES = {"phone_number": "phone"}
# By the code of a ServiceError: what differs from the answer for InvalidData.
SERVICE_ERRORS: dict[str, dict[str, Any]] = {
    KeyReused.code: {"status": 422, "code": INVALID_REQUEST},
}


class MedusaError(Exception):
    status, type, code = 400, "invalid_data", ""
    retry_after: int | None = None  # seconds

    def __init__(self, message: str, **attributes: Any):
        """`attributes` replaces `status`, `type`, `code` or `retry_after` of the class."""
        super().__init__(message)
        self.message = message
        for name, value in attributes.items():
            setattr(self, name, value)


class InvalidData(MedusaError):
    pass


class NotFound(MedusaError):
    status, type = 404, "not_found"


class Duplicate(MedusaError):
    status, type, code = 422, "duplicate_error", INVALID_REQUEST


class NotAllowed(MedusaError):
    status, type = 403, "not_allowed"


class TooManyRequests(MedusaError):
    status, type, retry_after = 429, "not_allowed", 1


class Unauthorized(Exception):
    """401 in plain text, as Medusa answers."""


def to_response(error: Exception) -> HttpResponse | None:
    """None for an unexpected error."""
    if isinstance(error, Unauthorized):
        return HttpResponse("Unauthorized", status=401, content_type="text/plain; charset=utf-8")
    if isinstance(error, ServiceError):
        error = InvalidData(message_of(error), **SERVICE_ERRORS.get(error.code, {}))
    elif isinstance(error, SuspiciousOperation | UnreadablePostError):
        error = InvalidData("The request can't be read.")
    elif isinstance(error, OperationalError | InterfaceError):
        logger.warning("The database did not answer: %s", error)
        error = MedusaError(
            "The database did not answer. A POST is repeated safely with an Idempotency-Key.",
            status=503, type="database_error", code="api_error", retry_after=1,
        )  # fmt: skip
    if not isinstance(error, MedusaError):
        return None
    response = answer(error.status, error.type, error.message, error.code)
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def message_of(error: ServiceError) -> str:
    """The message, after the path of the value if there is one."""
    path = ".".join(NAMES.get(str(step), str(step)) for step in error.path)
    return f"{path}: {error.message}" if path else error.message


def answer(status: int, type: str, message: str, code: str = "") -> HttpResponse:
    body = {**({"code": code} if code else {}), "type": type, "message": message}
    return json_response(body, status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(400, "invalid_data", "The request can't be read.")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(404, "not_found", f"Cannot {request.method} {request.path}")


def server_error(request: HttpRequest) -> HttpResponse:
    return answer(500, "unknown_error", "An unknown error occurred.", "unknown_error")


def request_refused(request: HttpRequest, error: RequestRefused) -> HttpResponse:
    type = "unexpected_state" if error.status >= 500 else "invalid_data"
    return answer(error.status, type, error.message)
