"""Where the webhooks of followed stores arrive. 200: it was taken, or never can be; any other answer: tell us again."""

import json
from http import HTTPStatus
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from customers.mirror import services
from customers.mirror.models import FollowedStore
from customers.mirror.orders import NotKnownYet
from customers.validation import EmailTaken
from customers.webhooks.signing import SIGNATURE_HEADER
from oauth.encryption import UnreadableSecret
from oauth.errors import ServiceError


@csrf_exempt
def receive(request: HttpRequest, store_id: int) -> HttpResponse:
    if request.method != "POST":
        return HttpResponse(status=HTTPStatus.METHOD_NOT_ALLOWED, headers={"Allow": "POST"})
    store = FollowedStore.objects.filter(pk=store_id).first()
    if store is None:
        return _answer(HTTPStatus.NOT_FOUND, "No such store is followed.")
    try:
        services.check_signature(store, request.body, request.headers.get(SIGNATURE_HEADER, ""))
        is_new = services.receive(store, **_read(request.body))
    except RequestDataTooBig:
        return _answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The event is too large.")
    except services.Unsigned:
        return _answer(HTTPStatus.UNAUTHORIZED, f"{SIGNATURE_HEADER} is not that of this body.")
    except ServiceError as error:
        return _answer(HTTPStatus.BAD_REQUEST, error.message)
    except NotKnownYet:
        return _answer(HTTPStatus.CONFLICT, "The customer is not known yet.")
    except (IntegrityError, EmailTaken):  # somebody was at it at the same moment
        return _answer(HTTPStatus.CONFLICT, "Tell it again.")
    except UnreadableSecret:
        return _answer(HTTPStatus.SERVICE_UNAVAILABLE, "The secret key can't be read: SECRET_KEY has changed.")
    return _answer(HTTPStatus.OK, "Taken." if is_new else "It had come before.")


def _read(body: bytes) -> dict[str, Any]:
    """Raises ServiceError."""
    try:
        event = json.loads(body)
    except (ValueError, RecursionError):
        event = None
    if not isinstance(event, dict):
        raise ServiceError("An event is a JSON object.")
    names = {name: event.get(name) for name in ("event_id", "event_type")}
    if not all(isinstance(name, str) for name in names.values()):
        raise ServiceError("An event has an event_id and an event_type.")
    return {**names, "data": event.get("data")}


def _answer(status: HTTPStatus, text: str) -> HttpResponse:
    return JsonResponse({"detail": text}, status=status)
