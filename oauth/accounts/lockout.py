"""Limits on failed attempts, per account and per address, at the sign-in page and the token endpoint: django-axes'."""

from base64 import b64decode
from ipaddress import ip_network
from urllib.parse import unquote_plus

from axes.handlers.proxy import AxesProxyHandler
from axes.models import AccessAttempt
from axes.signals import user_locked_out
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.signals import user_logged_in
from django.db.models.signals import pre_save
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from oauth.actor import Actor, client_ip
from oauth.audit.log import Event, record
from oauth.models import App


def account(request: HttpRequest, credentials: dict | None) -> str:
    """What attempts are counted under: an email address or, of an app, its client id."""
    name = (credentials or {}).get("username") or request.POST.get("username") or ""
    return name.replace("\0", "").strip().lower()[:255]


def address(request: HttpRequest) -> str | None:
    """What attempts are counted under: of IPv6 the /64, which is one customer's of a provider."""
    address = client_ip(request.META)
    if address and ":" in address:
        return str(ip_network(f"{address.partition('%')[0]}/64", strict=False).network_address)
    return address


def count_failure(request: HttpRequest, error: str) -> None:
    """A request to the token endpoint that was refused, where the reason is one that guessing leads to.

    Past the limit the answer becomes 429. A right request is always answered: secrets, codes and tokens are too long to
    be guessed, so nobody can lock out an app by failing in its name.
    """
    if error not in ("invalid_client", "invalid_grant"):
        return
    client_id = _client_id(request).replace("\0", "")
    credentials = {"username": f"client {client_id}"}
    if not AxesProxyHandler.is_allowed(request, credentials):
        request.axes_locked_out = True  # type: ignore[attr-defined]  # what axes' middleware looks for
        return
    app = App.objects.filter(client_id=client_id).first()
    record(Event.TOKEN_REFUSED, Actor(ip=address(request)), app, error=error)
    AxesProxyHandler.user_login_failed(count_failure, credentials, request)


def _client_id(request: HttpRequest) -> str:
    """As claimed, in the header or in the body."""
    scheme, _, claimed = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() != "basic":
        return request.POST.get("client_id", "")
    try:
        return unquote_plus(b64decode(claimed).decode()).partition(":")[0]
    except ValueError:
        return ""


def locked_out(request: HttpRequest, response: HttpResponse, credentials: dict | None) -> HttpResponse:
    wait = int(settings.AXES_COOLOFF_TIME.total_seconds())
    if request.path.startswith("/oauth2/"):
        error = {"error": "temporarily_unavailable", "error_description": "Too many failed attempts. Try again later."}
        response = JsonResponse(error, status=429)
    else:
        response = render(
            request, "accounts/locked_out.html", {**admin.site.each_context(request), "minutes": wait // 60}, status=429
        )
    response.headers["Retry-After"] = str(wait)
    response.headers["Cache-Control"] = "no-store"
    return response


@receiver(pre_save, sender=AccessAttempt)
def keep_no_parameters(instance, **kwargs):
    """Of a failed attempt: who knows which secret was put into which field?"""
    instance.get_data = instance.post_data = ""


@receiver(user_logged_in)
def forget_failures(sender, user, **kwargs):
    """Of the account alone: or whoever has one could go on guessing from their address at those of others."""
    AxesProxyHandler.reset_attempts(username=user.get_username().lower()[:255])


@receiver(user_locked_out)
def record_lockout(sender, request, username, ip_address, **kwargs):
    # None: it was locked out before, which is in the log already.
    if request.axes_failures_since_start is not None:
        record(Event.LOCKED_OUT, Actor(email=username or "", ip=ip_address))
