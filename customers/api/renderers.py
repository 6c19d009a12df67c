"""Answers in JSON. Other media types are refused."""

from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.utils.encoders import JSONEncoder

from customers.core.http import json_response

_convert = JSONEncoder().default


def to_json(data) -> bytes:
    return json_response.to_json(data, default=_convert)


class JSONRenderer(BaseRenderer):
    media_type = "application/json"
    format = "json"
    charset = None

    def render(self, data, accepted_media_type=None, renderer_context=None):
        return b"" if data is None else to_json(data)


class JSONNegotiation(DefaultContentNegotiation):
    """Skips the negotiation for the Accept headers that nearly every client sends."""

    def select_renderer(self, request, renderers, format_suffix=None):
        if request.META.get("HTTP_ACCEPT", "") in ("", "*/*", JSONRenderer.media_type):
            return renderers[0], JSONRenderer.media_type
        return super().select_renderer(request, renderers, format_suffix)
