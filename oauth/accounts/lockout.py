"""Limits on guessing. After ten failures in a row, further attempts are refused for 15 minutes.

Each kind of attempt counts apart: an app with an old secret does not lock sign-in from its address. Sign-ins count for
the account and for the address, but those from a trusted device count for the device alone: failures of strangers keep
nobody out of their own browser.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

from django.contrib import admin
from django.contrib.auth.signals import user_login_failed
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Case, F, Q, QuerySet, When
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from oauth.accounts import trusted_devices
from oauth.accounts.models import FailedAttempts
from oauth.actor import Actor, client_ip
from oauth.audit.log import Event, LoggedApp, record
from oauth.email_addresses import email_key

Kind = FailedAttempts.Kind

MAX_FAILURES = 10
LOCKED_FOR = timedelta(minutes=15)
MAX_SUBJECT_LENGTH = FailedAttempts._meta.get_field("subject").max_length
# Prefixes in which each IPv6 address stands for one IPv4 address (RFC 6052, 8215, 2765). Elsewhere providers give each
# customer a /64 at least.
TRANSLATED = [ip_network(prefix) for prefix in ("64:ff9b::/96", "64:ff9b:1::/48", "::ffff:0:0:0/96")]


@dataclass(frozen=True, slots=True)
class Attempt:
    """What an attempt counts for: pairs of Kind and subject. It is refused where one of them has failed too often."""

    counted_for: tuple[tuple[Kind, str], ...]

    def is_locked_out(self) -> bool:
        return self._rows().filter(failures__gte=MAX_FAILURES, last_at__gt=timezone.now() - LOCKED_FOR).exists()

    @transaction.atomic
    def count_failure(self, by: Actor, app: LoggedApp | None = None) -> bool:
        """Counts a failure. Returns whether the limit is reached, and records in the security log when it is.

        Failures that are 15 minutes old are forgotten.
        """
        now = timezone.now()
        failures = []
        for kind, subject in self.counted_for:
            row, _ = FailedAttempts.objects.get_or_create(kind=kind, subject=subject, defaults={"last_at": now})
            next_number = Case(When(last_at__lte=now - LOCKED_FOR, then=1), default=F("failures") + 1)
            FailedAttempts.objects.filter(pk=row.pk).update(failures=next_number, last_at=now)
            row.refresh_from_db(fields=["failures"])
            failures.append(row.failures)
        if MAX_FAILURES in failures:
            record(Event.LOCKED_OUT, by, app)
        return max(failures, default=0) >= MAX_FAILURES

    def reset(self) -> None:
        """Forgets the failures, except those from the address: otherwise somebody with an account could guess at others
        without limit."""
        self._rows().exclude(kind__in=(Kind.ADDRESS, Kind.CLIENT_ADDRESS)).delete()

    def _rows(self) -> QuerySet[FailedAttempts]:
        matching = Q(pk__in=())
        for kind, subject in self.counted_for:
            matching |= Q(kind=kind, subject=subject)
        return FailedAttempts.objects.filter(matching)


def sign_in(request: HttpRequest, email: str) -> Attempt:
    """An attempt to sign in: by password, or by the code that follows."""
    if device := trusted_devices.device_of(request, email):
        return Attempt(((Kind.DEVICE, device),))
    return Attempt(((Kind.ACCOUNT, account_name(email)), *_address(Kind.ADDRESS, request)))


def confirmation(user: Any) -> Attempt:
    """An attempt of somebody who is signed in to confirm that it is them."""
    return Attempt(((Kind.IDENTITY, str(user.pk)),))


def client(request: HttpRequest, client_id: str) -> Attempt:
    """An app's attempt to get or to use a token."""
    return Attempt(((Kind.CLIENT, client_id[:MAX_SUBJECT_LENGTH]), *_address(Kind.CLIENT_ADDRESS, request)))


def account_name(typed: str) -> str:
    """One name for all spellings of an email address: each spelling has no attempts of its own."""
    return email_key(typed.replace("\0", "").strip())[:MAX_SUBJECT_LENGTH]


def _address(kind: Kind, request: HttpRequest) -> list[tuple[Kind, str]]:
    """Nothing for an address that can't be read: it would be one for everybody."""
    ip = client_ip(request.META)
    return [(kind, network_of(ip))] if ip else []


def network_of(ip: str) -> str:
    """What belongs to one customer of a provider: an IPv4 address, or the /64 of an IPv6 address.

    6to4 and Teredo (RFC 3056, 4380) count as the IPv4 address inside.
    """
    address = ip_address(ip)
    if not isinstance(address, IPv6Address) or any(address in prefix for prefix in TRANSLATED):
        return ip
    _, behind_teredo = address.teredo or (None, None)
    if embedded := address.sixtofour or behind_teredo:
        return str(embedded)
    return str(ip_network((address, 64), strict=False).network_address)


class LockoutBackend:
    """The first of AUTHENTICATION_BACKENDS: no password is checked during a lockout."""

    def authenticate(self, request: HttpRequest, username: str | None = None, **credentials: Any) -> None:
        if sign_in(request, username or "").is_locked_out():
            refuse(request)
            raise PermissionDenied


@receiver(user_login_failed)
def count_failed_password(sender, credentials, request, **kwargs):
    count_failed_sign_in(request, str(credentials.get("username") or ""))


def count_failed_sign_in(request: HttpRequest, email: str, **detail: Any) -> None:
    """Counts the failure and records it. Refuses the request where the limit is reached."""
    if is_refused(request):
        return  # further attempts during a lockout would fill the log
    typed, account = email.replace("\0", ""), account_name(email)
    # As typed, unless it is another spelling of an email address: an erasure has to find it.
    by = Actor(email=typed if typed.strip().lower() == account else account, ip=client_ip(request.META))
    if sign_in(request, email).count_failure(by):
        refuse(request)
    else:
        record(Event.SIGN_IN_FAILED, by, **detail)


def refuse(request: HttpRequest) -> None:
    """Marks the request as refused for a lockout."""
    request.is_locked_out = True  # type: ignore[attr-defined]  # a mark of our own


def is_refused(request: HttpRequest) -> bool:
    """Whether this request was refused for a lockout. The view has to answer with `page`, or in its own format."""
    return getattr(request, "is_locked_out", False)


def seconds_to_wait() -> int:
    return int(LOCKED_FOR.total_seconds())


def page(request: HttpRequest) -> HttpResponse:
    context = {**admin.site.each_context(request), "minutes": seconds_to_wait() // 60}
    response = render(request, "accounts/locked_out.html", context, status=429)
    response.headers["Retry-After"] = str(seconds_to_wait())
    response.headers["Cache-Control"] = "no-store"
    return response


def attempts_with(emails: Iterable[str]) -> QuerySet[FailedAttempts]:
    """Failed attempts to sign in with one of these email addresses."""
    return FailedAttempts.objects.filter(kind=Kind.ACCOUNT, subject__in=[account_name(email) for email in emails])


def delete_attempts_with(emails: Iterable[str], ips: Iterable[str]) -> None:
    """Deletes the failed attempts of these accounts and those from these addresses."""
    attempts_with(emails).delete()
    FailedAttempts.objects.filter(kind=Kind.ADDRESS, subject__in=[network_of(ip) for ip in ips]).delete()


def reset_account(email: str) -> None:
    """Opens the account to attempts again, from all addresses that have not failed too often."""
    attempts_with([email]).delete()


def expired() -> QuerySet[FailedAttempts]:
    """What counts no longer."""
    return FailedAttempts.objects.filter(last_at__lte=timezone.now() - LOCKED_FOR)
