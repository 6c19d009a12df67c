"""The answers to errors: JSON in DRF's format, as on the platform."""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import ObjectDoesNotExist, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, JsonResponse
from rest_framework import status
from rest_framework.exceptions import APIException, ErrorDetail, NotFound, ParseError, ValidationError
from rest_framework.views import exception_handler as drf_exception_handler

from customers.core.http.idempotency_key import InvalidIdempotencyKey
from customers.core.http.multipart import InvalidMultipart
from customers.core.http.refusals import RequestRefused
from customers.core.idempotency import KeyReused
from customers.jobs.exports.downloads import LinkRefused
from customers.limits import TooMany
from customers.merging.services import MergeRefused, UndoRefused, merged_into
from customers.upserts import AlreadyExists, Busy, DoesNotExist, SeveralCustomers
from customers.validation import CustomerUnknown, StaffFixed
from oauth.errors import ServiceError


class PreconditionFailed(APIException):
    status_code = status.HTTP_412_PRECONDITION_FAILED
    default_detail = "The resource has changed since the ETag in If-Match was read."
    default_code = "precondition_failed"


class ExportPending(APIException):
    status_code = status.HTTP_409_CONFLICT
    default_detail = "The export is not ready: its status is still pending."
    default_code = "pending"


class ExportFailed(ExportPending):
    default_detail = "The export failed. Ask for another one."
    default_code = "failed"


class Unavailable(APIException):
    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = "The database did not answer. A POST is repeated safely with an Idempotency-Key."
    default_code = "unavailable"
    wait = 1


def from_service_error(error: ServiceError) -> APIException:
    """The error's message with its status in STATUSES. Any other error is a 400 about the value at its path."""
    if error.code not in STATUSES:
        return ValidationError(nested(error))
    exception = APIException(error.message, error.code)
    exception.status_code = STATUSES[error.code]
    return exception


def from_unknown_customer(error: CustomerUnknown) -> APIException:
    """An app may know a customer by an id from before a merge."""
    if (kept_id := merged_into(error.id)) is not None:
        error.message = f"This customer was merged into customer {kept_id}."
    return from_service_error(error)


# By the code of a ServiceError that is not about a value of the body.
STATUSES = {
    InvalidIdempotencyKey.code: status.HTTP_400_BAD_REQUEST,
    KeyReused.code: status.HTTP_422_UNPROCESSABLE_ENTITY,
    InvalidMultipart.code: status.HTTP_400_BAD_REQUEST,
    TooMany.code: status.HTTP_400_BAD_REQUEST,
    LinkRefused.code: status.HTTP_403_FORBIDDEN,
    StaffFixed.code: status.HTTP_403_FORBIDDEN,
    MergeRefused.code: status.HTTP_409_CONFLICT,
    UndoRefused.code: status.HTTP_409_CONFLICT,
    AlreadyExists.code: status.HTTP_412_PRECONDITION_FAILED,
    DoesNotExist.code: status.HTTP_412_PRECONDITION_FAILED,
    SeveralCustomers.code: status.HTTP_409_CONFLICT,
    Busy.code: status.HTTP_503_SERVICE_UNAVAILABLE,
}

# The answers to exceptions that are not DRF's. The first class that matches counts.
ANSWERS: tuple[tuple[type[Exception], Callable[[Any], APIException]], ...] = (
    (CustomerUnknown, from_unknown_customer),
    (ServiceError, from_service_error),
    (ObjectDoesNotExist, lambda error: NotFound()),
    (SuspiciousOperation, lambda error: ParseError()),
    (RecursionError, lambda error: ParseError("The body has too many levels.")),
    (OperationalError, lambda error: Unavailable()),
    (InterfaceError, lambda error: Unavailable()),
)


def exception_handler(error, context):
    """The answer to an exception in a view; None for a bug, which is answered with 500."""
    for exception_class, to_api_exception in ANSWERS:
        if isinstance(error, exception_class):
            error = to_api_exception(error)
            break
    if isinstance(error, Http404 | NotFound):
        error = with_merged_into(error, context)
    return drf_exception_handler(error, context)


def with_merged_into(error, context):
    """404 for a customer who was merged into another one also names that one."""
    view, user_id = context["view"], (context["kwargs"] or {}).get("id")
    if user_id is None or not getattr(view, "is_about_customers", False) or (kept_id := merged_into(user_id)) is None:
        return error
    answer = NotFound()
    merged: Any = {"detail": answer.detail, "merged_into": kept_id}  # NotFound(...) would make a text of the id
    answer.detail = merged
    return answer


def nested(error: ServiceError):
    """The error in DRF's format: `{"addresses": {"1": {"country": ["..."]}}}` for ("addresses", 1, "country")."""
    shape: list | dict = [ErrorDetail(error.message, error.code)]
    for step in reversed(error.path):
        shape = {str(step): shape}
    return shape


def request_refused(request, error: RequestRefused):
    return JsonResponse({"detail": error.message}, status=error.status)


def bad_request(request, exception):
    return JsonResponse({"detail": "Bad request."}, status=400)


def not_found(request, exception):
    return JsonResponse({"detail": "Not found."}, status=404)


def server_error(request):
    return JsonResponse({"detail": "A server error occurred."}, status=500)
