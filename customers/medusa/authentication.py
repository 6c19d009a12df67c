"""Authentication in Medusa's order: the cookie of a session, a JWT, an API token. The first valid one counts.

Sessions and JWTs belong to staff. They may do here what their role may do in the dashboard.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib import auth
from django.contrib.auth.signals import user_logged_out
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import salted_hmac
from jwcrypto.common import JWException
from jwcrypto.jwk import JWK
from jwcrypto.jwt import JWT

from customers.core.http.rate_limit import RateLimit, authenticate_and_count
from customers.medusa import ids
from customers.medusa.cors import is_from_allowed_origin
from customers.medusa.errors import TooManyRequests, Unauthorized
from customers.models import User
from oauth import api_usage, tokens
from oauth.accounts import lockout, sessions, two_factor
from oauth.accounts.session_store import SURFACE, SessionStore
from oauth.actor import Actor
from oauth.fields import digest
from oauth.scopes import Scope

COOKIE = "connect.sid"
COOKIE_PATH = "/admin"
SESSION_LIFETIME = timedelta(hours=10)
JWT_LIFETIME = timedelta(hours=24)
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
VERSION = "medusa v1"  # recorded with the last use of a token
# The dashboard permissions that a person needs for each scope.
SCOPES_OF_PERMISSIONS = {
    Scope.USERS_READ: ("customers.view_customer",),
    Scope.USERS_WRITE: ("customers.add_customer", "customers.change_customer"),
}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls. `rate_limit_key` is the id that the rate limit counts under: the id of the token or, for a session or
    a JWT, minus the id of the person. `counted`: the state of the rate limit, if the request has been counted.
    `app_kind`: one of `App.Kind`; empty without an app.
    `session`: the digest of the session that the cookie or the JWT belongs to. `needed_lsn`: see
    `oauth.replica`."""

    user_id: int
    scopes: frozenset[str]
    rate_limit_key: int
    app_id: int | None = None
    app_kind: str = ""
    rate_limit: int | None = None
    session: str = ""
    counted: RateLimit | None = None
    needed_lsn: int | None = None

    @property
    def actor(self) -> Actor:
        return Actor(user_id=self.user_id, app_id=self.app_id)

    @property
    def idempotency_owner(self) -> int:
        """The owner of an `Idempotency-Key`: the id of the app, or minus the id of the person."""
        return -self.user_id if self.app_id is None else self.app_id


def authenticate(request: HttpRequest, scope: Scope | None) -> Caller:
    """`scope`: what the request needs; None if that is not a scope. Raises Unauthorized."""
    if session := _by_cookie(request) or _by_jwt(_bearer(request)):
        member, session_digest = session
        return Caller(member.pk, _scopes_of(member), -member.pk, session=session_digest)
    for raw in _api_tokens(request):
        bearer, counted = _by_token(raw, scope)
        if bearer:
            tokens.record_use(bearer, version=VERSION, meta=request.META)
            api_usage.count_call(bearer.app_id)
            return Caller(
                bearer.user_id,
                bearer.scopes,
                bearer.token_id,
                bearer.app_id,
                bearer.app_kind,
                bearer.rate_limit,
                counted=counted,
                needed_lsn=bearer.needed_lsn,
            )
    raise Unauthorized


def sign_in(request: HttpRequest, *, email: str, password: str) -> User:
    """The member of staff with this email and password. Failures count as failures at the dashboard do; a browser that
    is trusted there is trusted here, too.

    Raises TooManyRequests after many failures, and Unauthorized. Staff who have two-factor sign-in, or have to set
    it up, can't sign in here, because the protocol has no field for a code. They use an API token.
    """
    member: Any = auth.authenticate(request, username=email, password=password)
    attempt = lockout.sign_in(request, email)
    if lockout.is_refused(request) or (member and attempt.is_locked_out()):
        wait = lockout.seconds_to_wait()
        raise TooManyRequests("Too many failed attempts. Try again later.", retry_after=wait)
    if member is None or not member.is_staff or two_factor.is_on(member) or two_factor.is_required(member):
        raise Unauthorized
    attempt.reset()
    return member


class MedusaSessionStore(SessionStore):
    surface = "medusa"


def begin_session(request: HttpRequest, response: HttpResponse, member: User) -> None:
    key = _sign_in(request, member, SESSION_LIFETIME)
    response.set_cookie(COOKIE, key, max_age=SESSION_LIFETIME, httponly=True, **_cookie())


def issue_jwt(request: HttpRequest, member: User) -> str:
    """A JWT (HS256). It belongs to a session, without which it does not work, and ends when the password changes."""
    key = _sign_in(request, member, JWT_LIFETIME)
    now = int(timezone.now().timestamp())
    claims = {
        "user_id": ids.encoded(ids.USER, member.pk, member.date_joined),
        "domain": "admin",
        "session": digest(key),
        "password": _password_digest(member),
        "iat": now,
        "exp": now + int(JWT_LIFETIME.total_seconds()),
    }
    token = JWT(header={"alg": "HS256", "typ": "JWT"}, claims=claims)
    token.make_signed_token(_key())
    return token.serialize()


def end_session(request: HttpRequest, response: HttpResponse, caller: Caller) -> None:
    """Ends the session of the cookie, or that of the JWT."""
    if caller.session:
        member = sessions.end_session(caller.session)
        user_logged_out.send(sender=User, request=request, user=member)
    response.delete_cookie(COOKIE, path=COOKIE_PATH, samesite=settings.MEDUSA_COOKIE_SAMESITE)


def _sign_in(request: HttpRequest, member: User, lifetime: timedelta) -> str:
    """Begins a session, and returns its key."""
    request.session = MedusaSessionStore()
    request.session.set_expiry(lifetime)
    auth.login(request, member)
    request.session[SURFACE] = MedusaSessionStore.surface
    request.session.save()
    return str(request.session.session_key)


def _by_cookie(request: HttpRequest) -> tuple[User, str] | None:
    key = request.COOKIES.get(COOKIE)
    if not key or (request.method not in SAFE_METHODS and not is_from_allowed_origin(request)):
        return None
    request.session = MedusaSessionStore(key)
    member: Any = auth.get_user(request)
    if not member.is_authenticated or not member.is_staff:
        return None
    return member, digest(key)


def _is_jwt(raw: str) -> bool:
    return raw.count(".") == 2


def _by_jwt(raw: str) -> tuple[User, str] | None:
    if not _is_jwt(raw):
        return None
    try:
        claims = json.loads(
            JWT(jwt=raw, key=_key(), algs=["HS256"], check_claims={"exp": None, "domain": "admin"}).claims
        )
        member: Any = sessions.user_of(claims["session"])
    except (JWException, ValueError, KeyError, TypeError, AttributeError):
        return None
    if member is None or not (member.is_active and member.is_staff) or claims["password"] != _password_digest(member):
        return None
    return member, claims["session"]


def _by_token(raw: str, scope: Scope | None) -> tuple[tokens.Bearer | None, RateLimit | None]:
    if scope is None:
        return tokens.authenticate(raw), None
    return authenticate_and_count(raw, scope, default_limit=settings.MEDUSA_RATE_LIMIT)


def _bearer(request: HttpRequest) -> str:
    scheme, _, raw = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    return raw.strip() if scheme.lower() == "bearer" else ""


def _api_tokens(request: HttpRequest) -> Iterator[str]:
    for raw in (request.META.get("HTTP_X_MEDUSA_ACCESS_TOKEN", ""), _bearer(request)):
        if raw and not _is_jwt(raw):
            yield raw


def _scopes_of(member: User) -> frozenset[str]:
    return frozenset(scope for scope, permissions in SCOPES_OF_PERMISSIONS.items() if member.has_perms(permissions))


def _key() -> JWK:
    return JWK.from_password(salted_hmac("customers.medusa.jwt", "key", algorithm="sha256").hexdigest())


def _password_digest(member: User) -> str:
    return digest(member.get_session_auth_hash())[:32]


def _cookie() -> dict[str, Any]:
    same_site = settings.MEDUSA_COOKIE_SAMESITE
    return {
        "path": COOKIE_PATH,
        "samesite": same_site,
        "secure": settings.SESSION_COOKIE_SECURE or same_site.lower() == "none",
    }
