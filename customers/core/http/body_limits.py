"""Checks of a request body that need its headers only."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from oauth.errors import ServiceError


class LengthRequired(ServiceError):
    code = "length_required"

    def __init__(self):
        super().__init__("A body needs a Content-Length.")


class InvalidContentLength(ServiceError):
    code = "invalid_content_length"

    def __init__(self):
        super().__init__("The Content-Length is not a number.")


class BodyTooLarge(ServiceError):
    code = "body_too_large"

    def __init__(self):
        super().__init__("The request body is too large.")


def check_content_length(meta: Mapping[str, Any]) -> None:
    """Checks the Content-Length of a request against MAX_BODY_BYTES. `meta`: the request's WSGI environment.

    Raises LengthRequired for a chunked body, which Django would take for an empty one, InvalidContentLength and
    BodyTooLarge.
    """
    length = meta.get("CONTENT_LENGTH") or "0"
    if length == "0" and "HTTP_TRANSFER_ENCODING" in meta:
        raise LengthRequired
    if not (length.isascii() and length.isdecimal()):
        raise InvalidContentLength
    if int(length) > settings.MAX_BODY_BYTES:
        raise BodyTooLarge
