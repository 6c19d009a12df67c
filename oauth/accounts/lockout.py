"""Limits on failed attempts, per account and per address: the only module that knows django-axes.

Sign-in in the dashboard and through Medusa's API, codes of the second factor, and the credentials of apps are counted.
"""

from collections.abc import Iterable
from ipaddress import ip_network

from axes.handlers.proxy import AxesProxyHandler
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from axes.signals import user_locked_out
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.signals import user_logged_in
from django.db.models import QuerySet
from django.db.models.signals import pre_save
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from oauth.actor import Actor, client_ip
from oauth.audit.log import Event, record
from oauth.email_addresses import email_key

MAX_ACCOUNT_LENGTH = 255  # axes' column


def account_of(request: HttpRequest, credentials: dict | None) -> str:
    """The account that attempts are counted under: an email address or, for an app, its client id."""
    name = (credentials or {}).get("username") or request.POST.get("username") or ""
    return account_name(name)


def account_name(typed: str) -> str:
    """One name for all spellings of an email address: each spelling has no attempts of its own."""
    return email_key(typed.replace("\0", "").strip())[:MAX_ACCOUNT_LENGTH]


def address_of(request: HttpRequest) -> str | None:
    """The address that attempts are counted under. For IPv6 it is the /64: providers give each customer a whole one."""
    address = client_ip(request.META)
    if address and ":" in address:
        return str(ip_network(f"{address.partition('%')[0]}/64", strict=False).network_address)
    return address


def is_locked_out(request: HttpRequest, credentials: dict) -> bool:
    """Whether the account, `credentials["username"]`, or the address of the request has failed too often."""
    return not AxesProxyHandler.is_allowed(request, credentials)


def count_failure(request: HttpRequest, credentials: dict) -> None:
    """Counts a failure that is not one of `django.contrib.auth.authenticate`, which are counted by its signal."""
    AxesProxyHandler.user_login_failed(count_failure, credentials, request)


def refuse(request: HttpRequest) -> HttpResponse:
    """Refuses the request for a lockout: axes' middleware replaces the response by `lockout_page`."""
    request.axes_locked_out = True  # type: ignore[attr-defined]
    return HttpResponse(status=429)


def is_refused(request: HttpRequest | None) -> bool:
    """Whether this request was refused for a lockout, by `refuse` or while it was authenticated."""
    return getattr(request, "axes_locked_out", False)


def withdraw_page(request: HttpRequest) -> None:
    """Leaves the response to a refused request to the caller, whose format is not a page."""
    request.axes_locked_out = False  # type: ignore[attr-defined]


def seconds_to_wait() -> int:
    return int(settings.AXES_COOLOFF_TIME.total_seconds())


def lockout_page(request: HttpRequest, response: HttpResponse, credentials: dict | None) -> HttpResponse:
    context = {**admin.site.each_context(request), "minutes": seconds_to_wait() // 60}
    page = render(request, "accounts/locked_out.html", context, status=429)
    page.headers["Retry-After"] = str(seconds_to_wait())
    page.headers["Cache-Control"] = "no-store"
    return page


def attempts_with(emails: Iterable[str]) -> QuerySet[AccessAttempt]:
    """Failed attempts to sign in with one of these email addresses, given as `account_name` writes them."""
    return AccessAttempt.objects.filter(username__in=[email[:MAX_ACCOUNT_LENGTH] for email in emails])


def delete_attempts_with(emails: Iterable[str]) -> None:
    emails = set(emails)
    accounts = {*emails, *attempts_with(emails).values_list("username", flat=True)}
    for model in (AccessAttempt, AccessFailureLog, AccessLog):
        model.objects.filter(username__in=accounts).delete()


@receiver(pre_save, sender=AccessAttempt)
def strip_parameters(instance, **kwargs):
    """Stores no parameters of a failed attempt: people type passwords into wrong fields."""
    instance.get_data = instance.post_data = ""


@receiver(user_logged_in)
def reset_failures_of_account(sender, user, **kwargs):
    """Resets the account, not the address: otherwise somebody with an account could guess at others without limit."""
    AxesProxyHandler.reset_attempts(username=account_name(user.get_username()))


@receiver(user_locked_out)
def record_lockout(sender, request, username, ip_address, **kwargs):
    # None: the account was locked out before this attempt, so the log has it already.
    if request.axes_failures_since_start is not None:
        record(Event.LOCKED_OUT, Actor(email=username or "", ip=ip_address))
