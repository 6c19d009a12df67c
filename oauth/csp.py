"""The Content-Security-Policy of single responses. The policy of all pages is in the settings."""

import re

from csp.decorators import csp_update
from django.http import HttpRequest, HttpResponse

ORIGIN = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+")


def allow_form_action(request: HttpRequest, response: HttpResponse, *sources: str) -> HttpResponse:
    """Lets the forms of this page lead to `sources`, too, by themselves or by a redirect.

    Browsers check the redirect that answers a form against `form-action`, not only the form's own target. What is no
    plain origin is left out: a separator in it would begin a directive or a policy of its own.
    """
    csp_update({"form-action": list(filter(ORIGIN.fullmatch, sources))})(lambda request: response)(request)
    return response
