"""The endpoint for the webhook events of mirrored stores.

A store sends an event again until the answer is 200. So 200 means that the event was processed, or never can be.
"""

from http import HTTPStatus

from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from customers.mirror import payload, services
from customers.mirror.models import MirroredStore
from customers.mirror.orders import CustomerUnknown
from customers.webhooks.signing import SIGNATURE_HEADER
from oauth.encryption import UnreadableSecret
from oauth.errors import ServiceError


@csrf_exempt
def receive_event(request: HttpRequest, store_id: int) -> HttpResponse:
    if request.method != "POST":
        return HttpResponse(status=HTTPStatus.METHOD_NOT_ALLOWED, headers={"Allow": "POST"})
    store = MirroredStore.objects.filter(pk=store_id).first()
    if store is None:
        return _answer(HTTPStatus.NOT_FOUND, "Unknown store.")
    try:
        services.check_signature(store, request.body, request.headers.get(SIGNATURE_HEADER, ""))
        is_new = services.process_event(store, payload.parse_event(request.body))
    except UnreadableSecret:
        message = "The secret key can't be read, because SECRET_KEY has changed."
        return _answer(HTTPStatus.SERVICE_UNAVAILABLE, message)
    except services.InvalidSignature:
        return _answer(HTTPStatus.UNAUTHORIZED, f"The {SIGNATURE_HEADER} header does not match the body.")
    except CustomerUnknown as error:
        return _answer(HTTPStatus.CONFLICT, error.message)
    except IntegrityError:  # another writer took an email or an id at the same moment
        return _answer(HTTPStatus.CONFLICT, "Retry later.")
    except ServiceError as error:
        return _answer(HTTPStatus.BAD_REQUEST, error.message)
    return _answer(HTTPStatus.OK, "Accepted." if is_new else "Already processed.")


def _answer(status: HTTPStatus, detail: str) -> HttpResponse:
    return JsonResponse({"detail": detail}, status=status)
