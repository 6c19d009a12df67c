"""What may be wrong with the length of a request body."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from customers.core.http.refusals import RequestRefused


class BodyRefused(RequestRefused):
    """A body that is refused before anything reads it."""


class LengthRequired(BodyRefused):
    code, status = "length_required", HTTPStatus.LENGTH_REQUIRED
    text = "A body needs a Content-Length."


class InvalidContentLength(BodyRefused):
    code, status = "invalid_content_length", HTTPStatus.BAD_REQUEST
    text = "The Content-Length is not a number."


class BodyTooLarge(BodyRefused):
    code, status = "body_too_large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    text = "The request body is too large."


def content_length(meta: Mapping[str, Any]) -> int:
    """The number of bytes in a request's body. `meta`: the request's WSGI environment.

    Raises LengthRequired for a chunked body (RFC 9110, 15.5.12: a server may insist on the length), and
    InvalidContentLength.
    """
    length = meta.get("CONTENT_LENGTH") or "0"
    if "HTTP_TRANSFER_ENCODING" in meta:
        raise LengthRequired
    if not (length.isascii() and length.isdecimal()):
        raise InvalidContentLength
    return int(length)
