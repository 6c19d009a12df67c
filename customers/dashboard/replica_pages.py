"""Pages that a replica may answer, and the writes that it has to have replayed then: see `oauth.replica`."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from oauth import replica

View = Callable[..., HttpResponseBase]


def records_writes(view: View) -> View:
    """Decorates a view of a person who is signed in."""

    @wraps(view)
    def recorded(request: HttpRequest, *args: Any, **options: Any) -> HttpResponseBase:
        person_id: Any = request.user.pk  # a view may sign them out
        with replica.writes_of_person(person_id, str(request.method)):
            return view(request, *args, **options)

    return recorded


def may_be_stale(view: View) -> View:
    """Decorates a view that writes nothing through GET, or only what `from_primary` computes. The page is rendered at
    once, while its statements still run on the replica.

    The site has read the person, and whether they may see pages, before: from the primary."""
    if not replica.IS_CONFIGURED:
        return view

    @wraps(view)
    def answered(request: HttpRequest, *args: Any, **options: Any) -> HttpResponseBase:
        def answer() -> HttpResponseBase:
            response: Any = view(request, *args, **options)
            return response.render() if hasattr(response, "render") else response

        if request.method not in replica.SAFE_METHODS:
            return view(request, *args, **options)
        person_id: Any = request.user.pk
        return replica.read_for_person(answer, person_id)

    return answered
