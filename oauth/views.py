"""The authorization server's endpoints, named after RFC 6749, 7009, 7662 and 8414, and the links of partner apps."""

import json
from functools import cache, wraps
from urllib.parse import parse_qsl, urlencode, urlsplit

from django.contrib import admin, messages
from django.contrib.auth.views import redirect_to_login
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe
from oauth2_provider.exceptions import OAuthToolkitError
from oauth2_provider.oauth2_backends import OAuthLibCore, get_oauthlib_core
from oauth2_provider.settings import oauth2_settings
from oauth2_provider.views import OAuthServerMetadataView
from oauth2_provider.views.base import BaseAuthorizationView
from oauthlib.oauth2.rfc6749.errors import InvalidRequestError, InvalidRequestFatalError, OAuth2Error

from oauth import partner_apps
from oauth.accounts.lockout import count_failure
from oauth.actor import Actor
from oauth.audit.log import Event, record
from oauth.encryption import UnreadableSecret
from oauth.models import PartnerApp
from oauth.scopes import SCOPE_LABELS, Scope


def for_app_managers(view):
    """Of a view: staff who may change apps. Other staff are told so; everybody else is sent to the sign-in page, and
    back."""

    @wraps(view)
    def guarded(request: HttpRequest, *args, **kwargs) -> HttpResponse:
        if not admin.site.has_permission(request):
            return redirect_to_login(request.get_full_path(), reverse("admin:login"))
        if not request.user.has_perm("oauth.change_partnerapp"):
            return render(request, "oauth/not_allowed.html", admin.site.each_context(request), status=403)
        return view(request, *args, **kwargs)

    return guarded


# oauthlib makes each parameter an attribute of its request: others could stand in for what it keeps there.
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


def parameters(given: QueryDict) -> str:
    """As a query string, without unknown ones and those that have no value (RFC 6749, 3.1).

    Raises InvalidRequestFatalError for one that comes twice.
    """
    for name, values in given.lists():
        if len(values) > 1:
            raise InvalidRequestFatalError(f"{name} comes more than once.")
    return urlencode({name: value for name, value in given.items() if value and name in PARAMETERS})


class FromTheUrl(OAuthLibCore):
    def _extract_params(self, request):
        return f"{request.path}?{parameters(request.GET)}", "GET", "", self.extract_headers(request)


@method_decorator([never_cache, for_app_managers], name="dispatch")
class AuthorizationView(BaseAuthorizationView):
    """RFC 6749, 4.1.1: shows what an app asks for, and sends the answer to the app.

    What is granted is read from the URL both times, and checked both times: the form holds nothing but the decision.
    """

    http_method_names = ["get", "head", "post"]
    oauthlib_backend_class = FromTheUrl

    def validate_authorization_request(self, request):
        scopes, credentials = super().validate_authorization_request(request)
        credentials["redirect_uri_was_sent"] = not credentials["request"].using_default_redirect_uri
        return scopes, credentials

    def get(self, request):
        try:
            scopes, credentials = self.validate_authorization_request(request)
        except OAuthToolkitError as error:
            return self.error_response(error, application=None)
        app = credentials["request"].client
        # Browsers hold the redirect after the form against `form-action`, too.
        target = urlsplit(credentials["redirect_uri"])
        response = self.render_to_response(
            {
                "title": f"Install {app.name}" if not app.installed_at else f"Permissions of {app.name}",
                "app": app,
                "app_host": urlsplit(credentials["redirect_uri"]).netloc,
                "new": _labels(scope for scope in scopes if scope not in app.granted_scopes),
                "known": _labels(scope for scope in scopes if scope in app.granted_scopes),
                "store": partner_apps.store_domain(request),
            }
        )
        response._csp_update = {"form-action": [f"{target.scheme}://{target.netloc}"]}
        return response

    def post(self, request):
        is_granted = request.POST.get("decision") == "authorize"
        try:
            scopes, credentials = self.validate_authorization_request(request)
            app = credentials["request"].client
            if not is_granted:
                record(Event.CONSENT_REFUSED, Actor.from_request(request), app)
            with transaction.atomic():
                if is_granted:
                    partner_apps.record_consent(app, scopes, Actor.from_request(request))
                uri, *_ = self.create_authorization_response(request, " ".join(scopes), credentials, is_granted)
        except OAuthToolkitError as error:
            return self.error_response(error, application=None)
        return self.redirect(uri, app)

    def redirect(self, redirect_to, application):
        """With `store`, and `iss` (RFC 9207) on errors, too."""
        own = {
            "store": partner_apps.store_domain(self.request),
            "iss": oauth2_settings.oauth2_authorization_server_issuer(self.request),
        }
        parts = urlsplit(redirect_to)
        theirs = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] not in own]
        return super().redirect(parts._replace(query=urlencode([*theirs, *own.items()])).geturl(), application)

    def render_to_response(self, context, status=200):
        context = {**admin.site.each_context(self.request), **context}
        template = "oauth/authorize.html" if status == 200 else "oauth/refused.html"
        return render(self.request, template, context, status=status)


def _labels(scopes) -> list[str]:
    return [SCOPE_LABELS[Scope(scope)] for scope in scopes]


core = cache(get_oauthlib_core)


def for_clients(endpoint):
    """Of an endpoint that apps call: POST, parameters in the body alone, as one transaction; failures are counted.

    `endpoint` takes what oauthlib's endpoints take (URI, method, body, headers), and returns headers, body and status.
    """

    @csrf_exempt
    @require_POST
    @sensitive_post_parameters("client_secret", "code", "code_verifier", "refresh_token", "token")
    @wraps(endpoint)
    def view(request: HttpRequest) -> HttpResponse:
        try:
            if request.META.get("QUERY_STRING"):
                raise InvalidRequestError("Parameters belong into the body.")
            if request.content_type != "application/x-www-form-urlencoded":
                raise InvalidRequestError("The body has to be application/x-www-form-urlencoded.")
            sent, headers = parameters(request.POST), core().extract_headers(request)
            scheme, space, credentials = headers.get("HTTP_AUTHORIZATION", "").partition(" ")
            if scheme.lower() == "basic":  # in any case (RFC 9110, 11.1); the toolkit knows one
                headers["HTTP_AUTHORIZATION"] = f"Basic{space}{credentials}"
            with transaction.atomic():
                headers, body, status = endpoint(request.path, "POST", sent, headers)
        except OAuth2Error as error:
            headers = {"Content-Type": "application/json", "Cache-Control": "no-store", **error.headers}
            body, status = error.json, error.status_code
        if status == 401:
            headers["WWW-Authenticate"] = 'Basic realm="oauth2"'  # RFC 6749, 5.2
        if status in (400, 401):
            count_failure(request, json.loads(body)["error"])
        return HttpResponse(body, status=status, headers=headers)

    return view


@for_clients
def token(*request):
    """RFC 6749, 4.1.3 and 6."""
    return core().server.create_token_response(*request)


@for_clients
def revoke_token(*request):
    """RFC 7009."""
    return core().server.create_revocation_response(*request)


@for_clients
def introspect(*request):
    """RFC 7662, for an app's own access tokens."""
    return core().server.create_introspect_response(*request)


class MetadataView(OAuthServerMetadataView):
    """RFC 8414."""

    def get(self, request):
        response = super().get(request)
        metadata = json.loads(response.content)
        for endpoint in ("token", "revocation"):  # where public clients name themselves
            metadata[f"{endpoint}_endpoint_auth_methods_supported"].append("none")
        response.content = json.dumps(metadata)
        return response


@require_safe
@never_cache
@for_app_managers
def install_app(request):
    """Sends staff to the app that `client_id` names, which then asks for what it needs."""
    app = get_object_or_404(PartnerApp, client_id=request.GET.get("client_id", "").replace("\0", ""), is_active=True)
    return HttpResponseRedirect(partner_apps.install_url(app, request))


@require_safe
@never_cache
@for_app_managers
def open_app(request, client_id):
    """Sends staff to an installed app, which learns who they are; to its installation where it is not installed."""
    app = get_object_or_404(PartnerApp, client_id=client_id, is_active=True)
    if not app.installed_at:
        return redirect(f"{reverse('install-app')}?{urlencode({'client_id': client_id})}")
    try:
        url = partner_apps.open_url(app, request)
    except UnreadableSecret:
        messages.error(request, "The app's secret can't be read with the store's present key. Replace the secret.")
        return redirect("admin:oauth_partnerapp_change", app.pk)
    record(Event.APP_OPENED, Actor.from_request(request), app)
    return HttpResponseRedirect(url)
