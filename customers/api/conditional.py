"""Conditional requests with ETags (RFC 9110, section 13)."""

from hashlib import blake2b

from django.http import HttpResponse, HttpResponseNotModified
from django.utils.http import parse_etags
from rest_framework.response import Response

from customers.api.errors import PreconditionFailed
from customers.api.renderers import JSONRenderer, to_json
from customers.core.http.headers import set_headers

PRIVATE = {"Cache-Control": "private, no-cache"}


def etag_of(body: bytes) -> str:
    return f'"{blake2b(body, digest_size=16).hexdigest()}"'


def respond_with_etag(representation) -> Response:
    return Response(representation, headers={"ETag": etag_of(to_json(representation)), **PRIVATE})


def respond_if_modified(request, representation) -> HttpResponse:
    """200 with the ETag, or 304 if `If-None-Match` contains it. Raises PreconditionFailed.

    The body is encoded already, so DRF has nothing to render: 2 % of the CPU time of a retrieve.
    """
    require_match(request, representation)
    body = to_json(representation)
    etag = etag_of(body)
    response = HttpResponse(body, content_type=JSONRenderer.media_type)
    if known := request.META.get("HTTP_IF_NONE_MATCH"):
        etags = parse_etags(known)
        if etags == ["*"] or etag in (each.removeprefix("W/") for each in etags):
            response = HttpResponseNotModified()
    set_headers(response, {"ETag": etag, **PRIVATE})
    return response


def require_match(request, representation) -> None:
    """Raises PreconditionFailed for an `If-Match` without the ETag of the representation."""
    if (if_match := request.META.get("HTTP_IF_MATCH")) is not None:
        etags = parse_etags(if_match)
        if etags != ["*"] and etag_of(to_json(representation)) not in etags:
            raise PreconditionFailed
