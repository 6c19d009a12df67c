"""Conditional requests with ETags (RFC 9110, section 13)."""

from hashlib import blake2b

from django.utils.http import parse_etags
from rest_framework import status
from rest_framework.response import Response

from customers.api.errors import PreconditionFailed
from customers.api.renderers import to_json


def etag_of(representation) -> str:
    return f'"{blake2b(to_json(representation), digest_size=16).hexdigest()}"'


def respond_with_etag(representation) -> Response:
    return Response(representation, headers={"ETag": etag_of(representation), "Cache-Control": "private, no-cache"})


def respond_if_modified(request, representation):
    """200 with the ETag, or 304 if `If-None-Match` contains it. Raises PreconditionFailed."""
    require_match(request, representation)
    response = respond_with_etag(representation)
    known = parse_etags(request.META.get("HTTP_IF_NONE_MATCH", ""))
    if known == ["*"] or response.headers["ETag"] in (etag.removeprefix("W/") for etag in known):
        response.status_code, response.data = status.HTTP_304_NOT_MODIFIED, None
    return response


def require_match(request, representation) -> None:
    """Raises PreconditionFailed for an `If-Match` without the ETag of the representation."""
    if (if_match := request.META.get("HTTP_IF_MATCH")) is not None:
        etags = parse_etags(if_match)
        if etags != ["*"] and etag_of(representation) not in etags:
            raise PreconditionFailed
