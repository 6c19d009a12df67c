"""The Content-Security-Policy of single responses. The policy of all pages is in the settings."""

from csp.decorators import csp_update
from django.http import HttpRequest, HttpResponse


def allow_form_action(request: HttpRequest, response: HttpResponse, *sources: str) -> HttpResponse:
    """Lets the forms of this page lead to `sources`, too, by themselves or by a redirect.

    Browsers check the redirect that answers a form against `form-action`, not only the form's own target.
    """
    csp_update({"form-action": list(sources)})(lambda request: response)(request)
    return response
