"""What metrics and logs say about a request: its route, never its path, its query or its body, which hold personal
data and secrets."""

import re
from functools import cache

from django.conf import settings
from django.contrib.admindocs.views import simplify_regex
from django.http import HttpRequest
from django.urls import ResolverMatch

STATIC = "static"  # the route of all static files
UNMATCHED = "unmatched"  # no route: an unknown path, or a request that was refused before its view was looked for
METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
OTHER_METHOD = "other"


def raw_route_of(request: HttpRequest) -> str:
    """The pattern that the path matches, as Django has it. `readable` makes it short."""
    match: ResolverMatch | None = request.resolver_match
    if match:
        return match.route or "/"
    return STATIC if request.path_info.startswith(settings.STATIC_URL) else UNMATCHED


@cache
def readable(route: str) -> str:
    """A pattern for people: `api/admin/users/<id:id>/` is `/api/admin/users/<id>/`, and `[aA]` is `a`."""
    if route in (STATIC, UNMATCHED):
        return route
    in_lower_case = re.sub(r"\[([a-z])[A-Z]\]", r"\1", route)
    return re.sub(r"<\w+:", "<", simplify_regex(in_lower_case))


def method_of(request: HttpRequest) -> str:
    """A client may send any word as a method; the number of time series stays bounded."""
    return request.method if request.method in METHODS else OTHER_METHOD


def app_kind_of(request: HttpRequest) -> str:
    """`private` or `partner`, the kind of the app whose token was accepted; empty without one."""
    return getattr(getattr(request, "auth", None), "app_kind", "")


def app_id_of(request: HttpRequest) -> int | None:
    return getattr(getattr(request, "auth", None), "app_id", None)
