"""Access tokens of the API: issue, find, replace, revoke."""

import secrets
import string
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth.hashers import make_password
from django.db import connection, transaction
from django.utils import timezone

from oauth.actor import Actor, client_ip
from oauth.audit.log import Event, record
from oauth.fields import digest
from oauth.models import AccessToken, App, Grant, RefreshToken
from oauth.scopes import Scope

# What every token begins with. It ends with a checksum of what stands between, so that secret scanners can tell one of
# ours from noise.
ACCESS_PREFIX = "shc_"
REFRESH_PREFIX = "shr_"
NEVER = datetime(9999, 1, 1, tzinfo=UTC)
BASE62 = string.digits + string.ascii_letters
# Between two notes of when a token was last used.
USE_INTERVAL = timedelta(minutes=1)


class TokenExpired(Exception):
    """The expiry of an app's token is over: another one would not work either."""


@dataclass(frozen=True, slots=True)
class Bearer:
    """What a valid token says about the request that carries it."""

    token_id: int
    scopes: frozenset[str]
    app_id: int
    api_version: str
    rate_limit: int | None
    user_id: int
    is_use_due: bool


def generate_token(prefix: str) -> str:
    """The prefix, 36 random characters (214 bits) and their CRC-32 in six, all base 62."""
    body = "".join(secrets.choice(BASE62) for _ in range(36))
    return f"{prefix}{body}{checksum(body)}"


def generate_access_token(request: object = None, refresh_token: bool = False) -> str:
    """With the parameters that oauthlib gives."""
    return generate_token(ACCESS_PREFIX)


def generate_refresh_token(request: object = None, refresh_token: bool = True) -> str:
    return generate_token(REFRESH_PREFIX)


def checksum(body: str) -> str:
    number, digits = zlib.crc32(body.encode()), ""
    for _ in range(6):
        number, digit = divmod(number, 62)
        digits = BASE62[digit] + digits
    return digits


# By hand, because the ORM takes four times as long to write this query as the database to answer it, and each
# request asks it. CURRENT_TIMESTAMP is UTC in both databases.
FIND = f"""
    SELECT token.id, token.scope, app.id, app.api_version, app.rate_limit, owner.id,
        token.last_used_at IS NULL OR token.last_used_at < %s
    FROM {AccessToken._meta.db_table} token
    JOIN {App._meta.db_table} app ON app.id = token.application_id
    JOIN {AccessToken._meta.get_field("user").related_model._meta.db_table} owner ON owner.id = token.user_id
    WHERE token.token_checksum = %s AND token.expires > CURRENT_TIMESTAMP AND app.is_active
        AND owner.is_active AND owner.user_type = 'dashboard'
"""  # noqa: S608  only table names are put in


def find(raw: str) -> Bearer | None:
    """The bearer of a token; None where it is unknown, expired or revoked, or its app is switched off, or its owner is
    no active member of staff any more.

    Found by digest, so the comparison leaks nothing about the tokens that exist.
    """
    used_before = connection.ops.adapt_datetimefield_value(timezone.now() - USE_INTERVAL)
    with connection.cursor() as cursor:
        cursor.execute(FIND, [used_before, digest(raw)])
        row = cursor.fetchone()
    if row is None:
        return None
    token_id, scope, app_id, api_version, rate_limit, user_id, is_use_due = row
    return Bearer(token_id, frozenset(scope.split()), app_id, api_version, rate_limit, user_id, bool(is_use_due))


def record_use(bearer: Bearer, *, version: str, meta: Mapping[str, Any]) -> None:
    """Notes when, in which API version and from where a token was used, at most once a minute.

    `meta`: the WSGI environment of the request.
    """
    if not bearer.is_use_due:
        return
    ip = client_ip(meta)
    token = AccessToken.objects.filter(pk=bearer.token_id)
    now = timezone.now()
    use = {"last_used_at": now, "last_used_version": version, "last_used_ip": ip}
    if token.filter(last_used_at__lt=now - USE_INTERVAL).update(**use):
        return
    if token.filter(last_used_at=None).update(**use):
        app = App.objects.get(pk=bearer.app_id)
        record(Event.TOKEN_FIRST_USED, Actor(ip=ip), app, version=version)


@transaction.atomic
def issue_personal_token(
    *,
    app_name: str,
    scopes: list[Scope],
    owner,
    expires: datetime | None = None,
    by: Actor = Actor(),  # noqa: B008  immutable
    **settings: Any,
) -> str:
    """A store owner's token for the private app of this name, made where there is none. The only time it can be read.

    An app of kind `private` has one token: a former one stops working. `settings` are fields of the app, such as
    `api_version`; those that are not given stay as they are.
    """
    kept = {"user": owner, "allowed_scopes": list(scopes), "token_expires": expires}
    new = {
        "client_type": App.CLIENT_CONFIDENTIAL,
        "authorization_grant_type": App.GRANT_AUTHORIZATION_CODE,
        "client_secret": make_password(None),  # none: it takes part in no flow
    }
    app, is_new = App.objects.select_for_update().update_or_create(
        kind=App.Kind.PRIVATE,
        name=app_name,
        defaults={**kept, **settings},
        create_defaults={**kept, **settings, **new},
    )
    if not is_new:
        revoke_tokens(app, by)
    raw = generate_access_token()
    store_access_token(raw, app=app, user=owner, scope=" ".join(scopes), expires=expires or NEVER)
    record(Event.TOKEN_ISSUED, by, app, scopes=list(scopes))
    return raw


@transaction.atomic
def replace_personal_token(app: App, *, owner, by: Actor) -> str:
    """A new token, of the person who asks, with the permissions and the expiry of the former one, which stops working.

    Raises TokenExpired.
    """
    app = App.objects.select_for_update().get(pk=app.pk)
    if app.token_expires and app.token_expires <= timezone.now():
        raise TokenExpired
    return issue_personal_token(
        app_name=app.name, scopes=app.allowed_scopes, owner=owner, expires=app.token_expires, by=by
    )


@transaction.atomic
def change_personal_token(app: App, *, scopes: list[Scope], expires: datetime | None) -> None:
    """What the token of a private app may do from now on, and how long; None: it does not expire."""
    App.objects.filter(pk=app.pk).update(allowed_scopes=scopes, token_expires=expires)
    AccessToken.objects.filter(application=app).update(scope=" ".join(scopes), expires=expires or NEVER)


def store_access_token(raw: str, **fields: Any) -> AccessToken:
    """Keeps the digest of a token. `fields`: app, user, scope, expires, and what else its model has."""
    return AccessToken.objects.create(application=fields.pop("app"), token="", token_checksum=digest(raw), **fields)


@transaction.atomic
def revoke_tokens(app: App, by: Actor) -> None:
    """Ends every token and every authorization code of an app at once."""
    Grant.objects.filter(application=app).delete()
    RefreshToken.objects.filter(application=app).delete()
    revoked, _ = AccessToken.objects.filter(application=app).delete()
    if revoked:
        record(Event.TOKEN_REVOKED, by, app, tokens=revoked)


@transaction.atomic
def revoke_tokens_of(user, by: Actor) -> None:
    """Ends every token and every authorization code that a person has made or consented to, at once and for good."""
    Grant.objects.filter(user=user).delete()
    RefreshToken.objects.filter(user=user).delete()
    for token in AccessToken.objects.filter(user=user).select_related("application").order_by("pk"):
        token.delete()
        record(Event.TOKEN_REVOKED, by, token.application, tokens=1)
