"""Requests to an API skip most of the middleware."""

from io import BytesIO
from typing import Any

from django.core.handlers.exception import convert_exception_to_response
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpResponse
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.security import SecurityMiddleware

from config.body_limits import BodyLimitMiddleware
from customers.core.http.headers import set_headers


class ApiMiddleware:
    """Answers a request to an API without the middleware below this one.

    It does what they would do for such a request: it redirects to HTTPS, checks the length of the body and the host,
    and sets the headers. Both APIs answer every path below their prefix in JSON, so they need no middleware for pages
    and no redirect to a path with a slash. Django still calls `process_view` of all middleware.

    This saves 6 % of the CPU time of a retrieve.
    """

    def __init__(self, get_response):
        self.get_response = get_response
        self.answer = convert_exception_to_response(self.answer_by_https)
        self.answer_small_body = BodyLimitMiddleware(self.answer_of_view)
        self.view = innermost(get_response)
        self.security = SecurityMiddleware(get_response)
        self.headers = {scheme: self.headers_of_answers(scheme) for scheme in ("http", "https")}

    def __call__(self, request):
        if not is_api(request.path_info):
            return self.get_response(request)
        response: Any = self.answer(request)
        headers = response.headers._store  # its methods take 2 % of the CPU time of a retrieve
        for key, header in self.headers[request.scheme]:
            headers.setdefault(key, header)
        if not (response.streaming or "content-length" in headers):
            set_headers(response, {"Content-Length": str(len(response.content))})
        return response

    def answer_by_https(self, request):
        return self.security.process_request(request) or self.answer_small_body(request)

    def answer_of_view(self, request):
        request.get_host()  # raises DisallowedHost
        return self.view(request)

    def headers_of_answers(self, scheme: str) -> list[tuple[str, tuple[str, str]]]:
        """The headers that every answer has, by their names in lower case. A view may set other values."""
        request = WSGIRequest({"REQUEST_METHOD": "GET", "wsgi.input": BytesIO(), "wsgi.url_scheme": scheme})
        response = HttpResponse(headers={"Cache-Control": "no-store"})
        self.security.process_response(request, response)
        XFrameOptionsMiddleware(self.get_response).process_response(request, response)
        return [(name.lower(), (name, value)) for name, value in response.headers.items() if name != "Content-Type"]


def is_api(path: str) -> bool:
    return path.startswith("/api/admin/") or path[:7].lower() == "/admin/"


def innermost(get_response):
    """The function that the last middleware calls: it finds and calls the view.

    Django gives each middleware a function that calls the next one, and has the attributes of the next one.
    """
    while hasattr(get_response, "get_response"):
        get_response = get_response.get_response
    return get_response
