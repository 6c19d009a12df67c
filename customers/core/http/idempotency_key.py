"""The header field `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header)."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.crypto import salted_hmac

from customers.core import idempotency
from oauth import encryption
from oauth.errors import ServiceError

HEADER_KEY = "HTTP_IDEMPOTENCY_KEY"
MAX_LENGTH = idempotency.MAX_KEY_LENGTH
FINGERPRINT_SALT = "customers.core.http.idempotency"


class InvalidIdempotencyKey(ServiceError):
    code = "invalid_idempotency_key"


def respond_once(
    request: HttpRequest,
    handler: Callable[[], tuple[HttpResponse, int | None]],
    *,
    owner_id: int,
    content_type: str,
    body: bytes | None = None,
    is_secret: bool = False,
) -> HttpResponse:
    """The answer of `handler`, or the stored answer to the first request with this Idempotency-Key.

    `handler` returns the response and the id of the customer it is about: the stored answer is erased with that
    customer. Only status and body are kept. `owner_id`: the app that the key belongs to, or minus the id of a person.
    `body` replaces the request's body in the comparison of two requests. A secret answer is stored encrypted.

    Raises InvalidIdempotencyKey, KeyReused if the key was used for another request, and what `handler` raises.
    """
    key = request.META[HEADER_KEY]
    if not 0 < len(key) <= MAX_LENGTH:
        raise InvalidIdempotencyKey(f"An Idempotency-Key has 1 to {MAX_LENGTH} characters.")
    if "\0" in key:
        raise InvalidIdempotencyKey("An Idempotency-Key has no NUL.")

    def first_answer() -> tuple[int, str, int | None]:
        response, user_id = handler()
        text = response.content.decode()
        return response.status_code, encryption.encrypt(text) if is_secret else text, user_id

    status, text, is_repeated = idempotency.answer_once(
        app_id=owner_id,
        key=key,
        request_fingerprint=fingerprint(request.get_full_path(), request.body if body is None else body),
        answer=first_answer,
    )
    response = HttpResponse(encryption.decrypt(text) if is_secret else text, status=status, content_type=content_type)
    if is_repeated:
        response.headers["Idempotency-Replayed"] = "true"
    return response


def fingerprint(path: str, body: bytes) -> str:
    """An HMAC: the body may contain a password, which somebody who reads a plain digest could guess."""
    return salted_hmac(FINGERPRINT_SALT, path.encode() + b"\0" + body, algorithm="sha256").hexdigest()
