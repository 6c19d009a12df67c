"""ETags: read only what is new, write only what you have seen (RFC 9110, section 13)."""

from hashlib import blake2b

from django.utils.http import parse_etags
from rest_framework import status
from rest_framework.response import Response

from customers.api.errors import PreconditionFailed
from customers.api.renderers import to_json


def etag_of(representation) -> str:
    return f'"{blake2b(to_json(representation), digest_size=16).hexdigest()}"'


def answer_with_etag(representation) -> Response:
    return Response(representation, headers={"ETag": etag_of(representation), "Cache-Control": "private, no-cache"})


def answer_if_new(request, representation):
    """200 with the ETag, or 304 where `If-None-Match` names it."""
    require_match(request, representation)
    response = answer_with_etag(representation)
    known = parse_etags(request.META.get("HTTP_IF_NONE_MATCH", ""))
    if known == ["*"] or response.headers["ETag"] in (etag.removeprefix("W/") for etag in known):
        response.status_code, response.data = status.HTTP_304_NOT_MODIFIED, None
    return response


def require_match(request, representation) -> None:
    """Raises PreconditionFailed where there is an `If-Match` that does not name the ETag of the representation."""
    if (named := request.META.get("HTTP_IF_MATCH")) is not None:
        etags = parse_etags(named)
        if etags != ["*"] and etag_of(representation) not in etags:
            raise PreconditionFailed
