from functools import wraps

from django.http import HttpResponse
from rest_framework.exceptions import ParseError

from customers.api.errors import IdempotencyKeyReused
from customers.api.renderers import to_json
from customers.core import idempotency
from oauth import encryption


def body_of(request) -> bytes:
    """The same for the same request: a multipart body is sent with another boundary each time."""
    if request.content_type.startswith("multipart/"):
        return to_json(request.data)
    return request._request.body


def idempotent(handler):
    """Lets a client repeat a POST without fear: the same `Idempotency-Key` and body get the first answer again,
    another body 422. Only what succeeded is remembered."""

    @wraps(handler)
    def wrapper(view, request, *args, **kwargs):
        key = request.META.get("HTTP_IDEMPOTENCY_KEY")
        if key is None:
            return handler(view, request, *args, **kwargs)
        if not 0 < len(key) <= idempotency.MAX_KEY_LENGTH:
            raise ParseError(f"An Idempotency-Key has 1 to {idempotency.MAX_KEY_LENGTH} characters.")

        def answer() -> tuple[int, str, int | None]:
            response = handler(view, request, *args, **kwargs)
            body = to_json(response.data).decode()
            if view.answers_are_secret:
                body = encryption.encrypt(body)
            # The person of the path, or the new one.
            about = (kwargs.get("id") or response.data.get("id")) if view.is_about_people else None
            return response.status_code, body, about

        try:
            status, body, repeated = idempotency.answer_once(
                app_id=request.auth.app_id,
                key=key,
                request_fingerprint=idempotency.fingerprint(request.get_full_path().encode(), body_of(request)),
                answer=answer,
            )
        except idempotency.KeyReused:
            raise IdempotencyKeyReused from None
        if view.answers_are_secret:
            body = encryption.decrypt(body)
        headers = {"Idempotency-Replayed": "true"} if repeated else {}
        return HttpResponse(body, status=status, content_type="application/json", headers=headers)

    return wrapper
