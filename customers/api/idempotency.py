"""The `Idempotency-Key` of the Admin API."""

from functools import wraps

from django.http import HttpResponse

from customers.api.renderers import to_json
from customers.core.http.idempotency_key import HEADER_KEY, respond_once


def comparable_body(request) -> bytes:
    """The body, in a form that is equal for equal requests: each multipart body has another boundary."""
    if request.content_type.startswith("multipart/"):
        return to_json(request.data)
    return request._request.body


def idempotent(handler):
    """Lets a client repeat a POST safely: the same `Idempotency-Key` and body get the first answer again, another body
    gets 422. An answer is stored if the handler returns it, and not if it raises an error."""

    @wraps(handler)
    def wrapper(view, request, *args, **kwargs):
        if HEADER_KEY not in request.META:
            return handler(view, request, *args, **kwargs)

        def respond() -> tuple[HttpResponse, int | None]:
            response = handler(view, request, *args, **kwargs)
            answer = HttpResponse(to_json(response.data), status=response.status_code)
            return answer, view.customer_in(response.data)

        return respond_once(
            request._request,
            respond,
            owner_id=request.auth.app_id,
            content_type="application/json",
            body=comparable_body(request),
            is_secret=view.has_secret_answers,
        )

    return wrapper
