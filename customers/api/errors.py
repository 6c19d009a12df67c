"""What the Admin API answers when something is wrong: always JSON, in the platform's (DRF's) words."""

from django.core.exceptions import ObjectDoesNotExist, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import JsonResponse
from rest_framework import status
from rest_framework.exceptions import APIException, ErrorDetail, NotFound, ParseError, ValidationError
from rest_framework.views import exception_handler as drf_exception_handler

from customers.core.http.body_limits import BodyTooLarge, InvalidContentLength, LengthRequired
from customers.core.http.idempotency_key import InvalidIdempotencyKey
from customers.core.idempotency import KeyReused
from oauth.errors import ServiceError

# By the code of a ServiceError that is not about a field.
STATUSES = {
    InvalidIdempotencyKey.code: status.HTTP_400_BAD_REQUEST,
    KeyReused.code: status.HTTP_422_UNPROCESSABLE_ENTITY,
    InvalidContentLength.code: status.HTTP_400_BAD_REQUEST,
    LengthRequired.code: status.HTTP_411_LENGTH_REQUIRED,
    BodyTooLarge.code: status.HTTP_413_REQUEST_ENTITY_TOO_LARGE,
}


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


def exception_handler(exc, context):
    """DRF's, for which the errors of the core, of Django and of the database are put into its words."""
    if isinstance(exc, ServiceError):
        exc = to_api_exception(exc)
    elif isinstance(exc, ObjectDoesNotExist):
        exc = NotFound()
    elif isinstance(exc, SuspiciousOperation):
        exc = ParseError()
    elif isinstance(exc, RecursionError):
        exc = ParseError("The body has too many levels.")
    elif isinstance(exc, OperationalError | InterfaceError):
        exc = Unavailable()
    return drf_exception_handler(exc, context)


def to_api_exception(error: ServiceError) -> APIException:
    """The error's status from STATUSES, with its message; any other one is a 400 about the field at its path."""
    if error.code not in STATUSES:
        return ValidationError(nested(error))
    exception = APIException(error.message, error.code)
    exception.status_code = STATUSES[error.code]
    return exception


def nested(error: ServiceError):
    """As DRF nests them: `{"addresses": {"1": {"country": ["..."]}}}` for a path of ("addresses", 1, "country")."""
    shape: list | dict = [ErrorDetail(error.message, error.code)]
    for step in reversed(error.path):
        shape = {str(step): shape}
    return shape


def bad_request(request, exception):
    return JsonResponse({"detail": "Bad request."}, status=400)


def not_found(request, exception):
    return JsonResponse({"detail": "Not found."}, status=404)


def server_error(request):
    return JsonResponse({"detail": "A server error occurred."}, status=500)
