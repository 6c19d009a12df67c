"""CORS for `/admin/`: the front ends of MEDUSA_ADMIN_CORS may call it from a browser, with the cookie of a session."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

PREFIX = "/admin"
METHODS = "GET,HEAD,PUT,PATCH,POST,DELETE"


class CorsMiddleware:
    """Answers preflights, and lets the configured origins read every answer, errors too.

    It stands before the middleware that redirects, because browsers follow no redirect of a preflight.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if not is_below(request.path_info):
            return self.get_response(request)
        is_preflight = request.method == "OPTIONS"
        response = HttpResponse(status=204) if is_preflight else self.get_response(request)
        if request.META.get("HTTP_ORIGIN") in settings.MEDUSA_ADMIN_CORS:
            response.headers["Access-Control-Allow-Origin"] = request.META["HTTP_ORIGIN"]
            response.headers["Access-Control-Allow-Credentials"] = "true"
            if is_preflight:
                response.headers["Access-Control-Allow-Methods"] = METHODS
                if requested := request.META.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS"):
                    response.headers["Access-Control-Allow-Headers"] = requested
        patch_vary_headers(response, ["Origin", *(["Access-Control-Request-Headers"] if is_preflight else [])])
        return response


def in_any_case(route: str) -> str:
    """A regular expression for a path's lower-case letters in any case. Django can't reverse one with the flag `i`."""
    return "".join(f"[{sign}{sign.upper()}]" if sign.islower() else sign for sign in route)


def is_below(path: str) -> bool:
    """Whether a path belongs to this API."""
    return f"{path.lower()}/".startswith(f"{PREFIX}/")


def is_from_allowed_origin(request: HttpRequest) -> bool:
    """Whether the store's own pages, a configured origin, or no browser at all sent a request.

    A browser sends the cookie for pages of other sites, too. A program that is no browser names no origin.
    """
    origin = request.META.get("HTTP_ORIGIN")
    if origin is not None:
        return origin == f"{request.scheme}://{request.get_host()}" or origin in settings.MEDUSA_ADMIN_CORS
    return request.META.get("HTTP_SEC_FETCH_SITE", "none") in ("same-origin", "none")
