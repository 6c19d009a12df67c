"""The endpoints that apps call themselves: token, revocation, introspection (RFC 6749, 7009, 7662)."""

import json
from base64 import b64decode
from functools import cache, wraps
from urllib.parse import unquote_plus, urlencode

from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST
from oauth2_provider.oauth2_backends import get_oauthlib_core
from oauthlib.oauth2.rfc6749.errors import InvalidRequestError, InvalidRequestFatalError, OAuth2Error

from oauth.accounts import lockout
from oauth.actor import Actor, client_ip
from oauth.audit.log import Event, record
from oauth.models import App
from oauth.text import is_encoded
from oauth.validator import CLAIMED_CLIENT_ID

# oauthlib makes each parameter an attribute of its request, so an unknown one could replace an attribute of its own.
PARAMETERS = frozenset(
    [
        "response_type",
        "client_id",
        "client_secret",
        "redirect_uri",
        "scope",
        "state",
        "code_challenge",
        "code_challenge_method",
        "grant_type",
        "code",
        "code_verifier",
        "refresh_token",
        "token",
        "token_type_hint",
    ]
)
NUL = "\0"  # PostgreSQL takes none, and no client id has one
LOCKED_OUT = {
    "error": "temporarily_unavailable",
    "error_description": "Too many failed attempts. Try again later.",
}

core = cache(get_oauthlib_core)


def known_parameters(given: QueryDict) -> dict[str, str]:
    """The parameters of the protocol that have a value (RFC 6749, 3.1).

    Raises InvalidRequestFatalError for any parameter that comes twice.
    """
    for name, values in given.lists():
        if len(values) > 1:
            raise InvalidRequestFatalError(f"{name} comes more than once.")
    known = {name: str(value) for name, value in given.items() if value and name in PARAMETERS}
    if "client_id" in known:
        known["client_id"] = known["client_id"].replace(NUL, "\N{REPLACEMENT CHARACTER}")
    return known


def client_endpoint(endpoint):
    """A view for apps: POST only, parameters in the body only, one transaction, and failures are counted.

    `endpoint` takes what oauthlib's endpoints take (URI, method, body, headers), and returns headers, body and status.
    """

    @csrf_exempt
    @require_POST
    @sensitive_post_parameters("client_secret", "code", "code_verifier", "refresh_token", "token")
    @wraps(endpoint)
    def view(request: HttpRequest) -> HttpResponse:
        try:
            body, headers = _checked(request)
            with transaction.atomic():
                headers, body, status = endpoint(request.path, "POST", body, headers)
        except OAuth2Error as error:
            headers = {"Content-Type": "application/json", "Cache-Control": "no-store", **error.headers}
            body, status = error.json, error.status_code
        if status == 401:
            headers["WWW-Authenticate"] = 'Basic realm="oauth2"'  # RFC 6749, 5.2
        if status in (400, 401) and _is_locked_out_after(request, json.loads(body)["error"]):
            headers = {"Retry-After": str(lockout.seconds_to_wait()), "Cache-Control": "no-store"}
            return JsonResponse(LOCKED_OUT, status=429, headers=headers)
        return HttpResponse(body, status=status, headers=headers)

    return view


def request_refused(request: HttpRequest, error) -> HttpResponse:
    """`error` has a `message` and an HTTP `status`."""
    refused = {"error": "invalid_request", "error_description": error.message}
    return JsonResponse(refused, status=error.status, headers={"Cache-Control": "no-store"})


def _checked(request: HttpRequest) -> tuple[str, dict[str, str]]:
    """The body and the headers for oauthlib. Raises OAuth2Error."""
    if request.META.get("QUERY_STRING"):
        raise InvalidRequestError("Parameters belong into the body.")
    if request.content_type != "application/x-www-form-urlencoded":
        raise InvalidRequestError("The body has to be application/x-www-form-urlencoded.")
    if not is_encoded(request.body):
        raise InvalidRequestError("The body is not UTF-8.")
    parameters, headers = known_parameters(request.POST), core().extract_headers(request)
    if credentials := _basic_credentials(request):
        # One way to authenticate in each request (RFC 6749, 2.3): the toolkit would try the body after the header.
        parameters.pop("client_secret", None)
        # The scheme in any case (RFC 9110, 11.1), while the toolkit knows one. "-" decodes to no credentials.
        is_readable = credentials.isascii() and NUL not in _claimed_client_id(request)
        headers["HTTP_AUTHORIZATION"] = f"Basic {credentials if is_readable else '-'}"
    headers[CLAIMED_CLIENT_ID] = _claimed_client_id(request).replace(NUL, "")
    return urlencode(parameters), headers


def _basic_credentials(request: HttpRequest) -> str:
    """What stands behind `Basic` in the header, still encoded; empty without it."""
    scheme, _, credentials = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    return credentials if scheme.lower() == "basic" else ""


def _claimed_client_id(request: HttpRequest) -> str:
    """The client id in the header or in the body, not verified."""
    credentials = _basic_credentials(request)
    if not credentials:
        return request.POST.get("client_id", "")
    try:
        return unquote_plus(b64decode(credentials).decode().partition(":")[0])
    except ValueError:
        return ""


def _is_locked_out_after(request: HttpRequest, error: str) -> bool:
    """Counts a refused request whose reason may be guessing. Returns whether the limit is reached.

    A right request is always answered: secrets, codes and tokens are too long to be guessed, so nobody can lock out an
    app by failing in its name.
    """
    if error not in ("invalid_client", "invalid_grant"):
        return False
    client_id = _claimed_client_id(request).replace(NUL, "")
    attempt = lockout.client(request, client_id)
    if attempt.is_locked_out():
        return True
    app, by = App.objects.filter(client_id=client_id).first(), Actor(ip=client_ip(request.META))
    record(Event.TOKEN_REFUSED, by, app, error=error)
    return attempt.count_failure(by, app)


@client_endpoint
def token(*request):
    """RFC 6749, 4.1.3 and 6."""
    return core().server.create_token_response(*request)


@client_endpoint
def revoke_token(*request):
    """RFC 7009."""
    return core().server.create_revocation_response(*request)


@client_endpoint
def introspect(*request):
    """RFC 7662, for an app's own access tokens."""
    return core().server.create_introspect_response(*request)
