"""The pages of the authorization server (RFC 6749, 4.1.1), its metadata (RFC 8414), and the links to partner apps."""

import json
from copy import copy
from functools import wraps
from urllib.parse import parse_qsl, urlencode, urlsplit

from django.contrib import admin, messages
from django.contrib.auth.views import redirect_to_login
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from oauth2_provider.exceptions import FatalClientError, OAuthToolkitError
from oauth2_provider.oauth2_backends import OAuthLibCore
from oauth2_provider.views import OAuthServerMetadataView
from oauth2_provider.views.base import BaseAuthorizationView
from oauthlib.oauth2.rfc6749.errors import InvalidRequestFatalError

from oauth import partner_apps
from oauth.accounts import reauthentication
from oauth.actor import Actor
from oauth.audit.log import Event, record
from oauth.client_endpoints import known_parameters
from oauth.csp import allow_form_action
from oauth.encryption import UnreadableSecret
from oauth.models import PartnerApp
from oauth.scopes import SCOPE_LABELS, Scope
from oauth.store import store_domain, store_origin


def app_managers_only(view):
    """Guards a view for staff who may change apps. Other staff get a page that says so; everybody else is sent to the
    sign-in page, and back from there."""

    @wraps(view)
    def guarded(request: HttpRequest, *args, **kwargs) -> HttpResponse:
        if not admin.site.has_permission(request):
            return redirect_to_login(request.get_full_path(), reverse("admin:login"))
        if not request.user.has_perm("oauth.change_partnerapp"):
            return render(request, "oauth/not_allowed.html", admin.site.each_context(request), status=403)
        return view(request, *args, **kwargs)

    return guarded


class QueryStringBackend(OAuthLibCore):
    """Passes the query string of a request to oauthlib, without unknown parameters, and never its body."""

    def extract_body(self, request):
        return []

    def validate_authorization_request(self, request):
        return super().validate_authorization_request(_with_known_parameters(request))

    def create_authorization_response(self, request, scopes, credentials, allow):
        return super().create_authorization_response(_with_known_parameters(request), scopes, credentials, allow)


def _with_known_parameters(request: HttpRequest) -> HttpRequest:
    """Raises FatalClientError for a parameter that comes twice."""
    try:
        query = urlencode(known_parameters(request.GET))
    except InvalidRequestFatalError as error:
        raise FatalClientError(error=error) from None
    reduced = copy(request)
    reduced.META = {**request.META, "QUERY_STRING": query}
    return reduced


@method_decorator([never_cache, app_managers_only], name="dispatch")
class AuthorizationView(BaseAuthorizationView):
    """Asks a member of staff to grant an app its permissions (RFC 6749, 4.1.1), and redirects to the app.

    Both the page and the form read the request from the URL and validate it. The form holds only the decision. The
    person first confirms who they are, as the app gets a token.
    """

    http_method_names = ["get", "head", "post"]
    oauthlib_backend_class = QueryStringBackend

    def validate_authorization_request(self, request):
        scopes, credentials = super().validate_authorization_request(request)
        credentials["redirect_uri_was_sent"] = not credentials["request"].using_default_redirect_uri
        return scopes, credentials

    def get(self, request):
        try:
            scopes, credentials = self.validate_authorization_request(request)
        except OAuthToolkitError as error:
            return self.error_response(error, application=None)
        if page := reauthentication.interrupt(request):
            return page
        app = credentials["request"].client
        target = urlsplit(credentials["redirect_uri"])
        response = self.render_to_response(
            {
                "title": f"Install {app.name}" if not app.installed_at else f"Permissions of {app.name}",
                "app": app,
                "app_host": target.netloc,
                "new": _labels(scope for scope in scopes if scope not in app.granted_scopes),
                "known": _labels(scope for scope in scopes if scope in app.granted_scopes),
                "store": store_domain(request),
            }
        )
        return allow_form_action(request, response, f"{target.scheme}://{target.netloc}")

    def post(self, request):
        if reauthentication.is_answer(request) and (page := reauthentication.interrupt(request)):
            return page
        is_granted = request.POST.get("decision") == "authorize"
        if is_granted and not reauthentication.is_confirmed(request):
            return redirect(request.get_full_path())  # which asks first
        try:
            scopes, credentials = self.validate_authorization_request(request)
            app = credentials["request"].client
            if not is_granted:
                record(Event.CONSENT_REFUSED, Actor.from_request(request), app)
            with transaction.atomic():
                if is_granted:
                    partner_apps.record_consent(app, scopes, Actor.from_request(request))
                answer, *_ = self.create_authorization_response(request, " ".join(scopes), credentials, is_granted)
        except OAuthToolkitError as error:
            return self.error_response(error, application=None)
        # oauthlib encodes the redirect URI's own query again, and appends the answer to it. `redirect` adds `iss`.
        own, all_pairs = (
            parse_qsl(urlsplit(uri).query, keep_blank_values=True) for uri in (credentials["redirect_uri"], answer)
        )
        added = [pair for pair in all_pairs[len(own) :] if pair[0] != "iss"]
        return self.redirect(partner_apps.append_to_query(credentials["redirect_uri"], added), app)

    def redirect(self, redirect_to, application):
        """Adds `store`, and `iss` (RFC 9207) to errors, too."""
        ours = {
            "store": store_domain(self.request),
            "iss": store_origin(self.request),
        }
        return super().redirect(partner_apps.append_to_query(redirect_to, ours.items()), application)

    def render_to_response(self, context, status=200):
        context = {**admin.site.each_context(self.request), **context}
        template = "oauth/authorize.html" if status == 200 else "oauth/refused.html"
        return render(self.request, template, context, status=status)


def _labels(scopes) -> list[str]:
    return [SCOPE_LABELS[Scope(scope)] for scope in scopes]


class MetadataView(OAuthServerMetadataView):
    """RFC 8414."""

    def get(self, request):
        response = super().get(request)
        metadata = json.loads(response.content)
        for endpoint in ("token", "revocation"):  # public clients use them without a secret
            metadata[f"{endpoint}_endpoint_auth_methods_supported"].append("none")
        # All URLs in it are the store's own.
        is_url = {name: isinstance(value, str) and "://" in value for name, value in metadata.items()}
        ours = {name: store_origin(request) + urlsplit(metadata[name]).path for name in metadata if is_url[name]}
        response.content = json.dumps(metadata | ours)
        return response


@require_safe
@never_cache
@app_managers_only
def install_app(request):
    """Redirects to the app that `client_id` names, which then asks for its permissions."""
    app = get_object_or_404(PartnerApp, client_id=request.GET.get("client_id", "").replace("\0", ""), is_active=True)
    return HttpResponseRedirect(partner_apps.install_url(app, request))


@require_safe
@never_cache
@app_managers_only
def open_app(request, client_id):
    """Redirects to an installed app, with a token that names the member of staff.

    Starts the installation of an app that is not installed.
    """
    app = get_object_or_404(PartnerApp, client_id=client_id, is_active=True)
    if not app.installed_at:
        return redirect(f"{reverse('install-app')}?{urlencode({'client_id': client_id})}")
    try:
        url = partner_apps.open_url(app, request)
    except UnreadableSecret:
        messages.error(request, "The app's secret can't be decrypted with the store's present key. Replace the secret.")
        return redirect("admin:oauth_partnerapp_change", app.pk)
    record(Event.APP_OPENED, Actor.from_request(request), app)
    return HttpResponseRedirect(url)
