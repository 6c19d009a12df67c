"""Access tokens of the API: issue, authenticate, replace, revoke."""

import secrets
import string
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from oauth2_provider.models import set_token_value

from oauth.accounts.models import StaffRole
from oauth.accounts.roles import OWNER_SCOPES, limited_scopes
from oauth.actor import SYSTEM, Actor, client_ip
from oauth.audit.log import Event, record
from oauth.errors import ServiceError
from oauth.fields import digest
from oauth.models import AccessToken, App, Grant, RefreshToken, clean_app_name
from oauth.replica import needed_lsn_sql
from oauth.scopes import Scope
from oauth.statements import fetch_rows

# Every token begins with its prefix and ends with a checksum, by which secret scanners recognise it.
ACCESS_PREFIX = "shc_"
REFRESH_PREFIX = "shr_"
NEVER = datetime(9999, 1, 1, tzinfo=UTC)
BASE62 = string.digits + string.ascii_letters
USE_INTERVAL = timedelta(minutes=1)  # the last use of a token is stored at most this often


class TokenExpired(ServiceError):
    """The app's expiry has passed, so a new token would not work either."""

    code = "expired"

    def __init__(self):
        super().__init__("The token has expired. Set another day first.", "token_expires")


@dataclass(frozen=True, slots=True)
class Bearer:
    """A valid token: its app, its owner, and what it may do, which is never more than its owner's role may do.

    `is_use_due`: the stored time of its use is too old. `app_kind`: one of `App.Kind`. `needed_lsn`: see
    `oauth.replica`.
    """

    token_id: int
    scopes: frozenset[str]
    app_id: int
    api_version: str
    rate_limit: int | None
    user_id: int
    is_use_due: bool
    app_kind: str
    needed_lsn: int | None


def generate_token(prefix: str) -> str:
    """The prefix, then 36 random characters (214 bits), then their CRC-32 as six characters, all in base 62."""
    body = base62(secrets.randbelow(62**36), 36)
    return f"{prefix}{body}{checksum(body)}"


def generate_access_token(request: object = None, refresh_token: bool = False) -> str:
    """The setting ACCESS_TOKEN_GENERATOR of the toolkit, with the parameters that oauthlib passes."""
    return generate_token(ACCESS_PREFIX)


def generate_refresh_token(request: object = None, refresh_token: bool = True) -> str:
    return generate_token(REFRESH_PREFIX)


def checksum(body: str) -> str:
    return base62(zlib.crc32(body.encode()), 6)


def base62(number: int, length: int) -> str:
    digits = ""
    for _ in range(length):
        number, digit = divmod(number, 62)
        digits = BASE62[digit] + digits
    return digits


# What tokens of their owner may do at most: the scopes of the owner's role; null without a role.
OWNER_SCOPES_COLUMN = f"""
    CASE WHEN owner.is_superuser THEN '{" ".join(OWNER_SCOPES)}' ELSE (
        SELECT {"string_agg" if connection.vendor == "postgresql" else "group_concat"}(role.scopes, ' ')
        FROM {get_user_model().groups.through._meta.db_table} membership
        JOIN {StaffRole._meta.db_table} role ON role.group_id = membership.group_id
        WHERE membership.user_id = owner.id
    ) END
"""  # noqa: S608  only names of scopes, tables and a function are put in


# As the columns of the database have times.
USED_BEFORE = (
    f"CURRENT_TIMESTAMP - interval '{USE_INTERVAL.total_seconds():.0f} seconds'"
    if connection.vendor == "postgresql"
    else f"datetime('now', '-{USE_INTERVAL.total_seconds():.0f} seconds')"
)
NEEDED_LSN_COLUMN = needed_lsn_sql("app.id", is_of_store=f"app.kind = '{App.Kind.PRIVATE}'")


def _token_query(condition: str) -> str:
    """Raw SQL, because every request runs it, and the ORM takes four times as long to build this query as the database
    to answer it. CURRENT_TIMESTAMP is UTC in both databases."""
    return f"""
        SELECT token.id AS token_id, token.scope, app.id AS app_id, app.api_version, app.rate_limit,
            owner.id AS user_id, token.last_used_at IS NULL OR token.last_used_at < {USED_BEFORE} AS is_use_due,
            app.kind AS app_kind, {OWNER_SCOPES_COLUMN} AS role_scopes,
            {NEEDED_LSN_COLUMN} AS needed_lsn
        FROM {AccessToken._meta.db_table} token
        JOIN {App._meta.db_table} app ON app.id = token.application_id
        JOIN {get_user_model()._meta.db_table} owner ON owner.id = token.user_id
        WHERE {condition} AND token.expires > CURRENT_TIMESTAMP AND app.is_active
            AND owner.is_active AND owner.is_staff
    """  # noqa: S608  only names are put in


TOKEN_QUERY = _token_query("token.token_checksum = %(digest)s")
TOKEN_BY_ID_QUERY = _token_query("token.id = %(id)s")
# Whether a row of TOKEN_QUERY may do what needs a scope, as `grants` decides for a Bearer. PostgreSQL only.
REQUIRED = "ARRAY[%(scope)s, %(implied_by)s]"
MAY = f"string_to_array(role_scopes, ' ') && {REQUIRED} AND string_to_array(scope, ' ') && {REQUIRED}"

# Each token in use costs this once a minute, so it is SQL, too.
USE_AGAIN = f"""
    UPDATE {AccessToken._meta.db_table} SET last_used_at = %s, last_used_version = %s, last_used_ip = %s
    WHERE id = %s AND last_used_at < %s RETURNING id
"""  # noqa: S608  only a name is put in


def authenticate(raw: str) -> Bearer | None:
    """The bearer of a token. None where the token is unknown, expired or revoked, its app is switched off, or its owner
    is no longer an active member of staff.

    Tokens are looked up by digest, so the time that it takes reveals nothing about tokens that exist.
    """
    return _find(TOKEN_QUERY, token_params(raw))


def bearer_of(token_id: int) -> Bearer | None:
    """The bearer of a token, for what was signed in its name, such as a link. None where `authenticate` returns it."""
    return _find(TOKEN_BY_ID_QUERY, {"id": token_id})


def token_params(raw: str) -> dict[str, Any]:
    """The parameters of TOKEN_QUERY."""
    return {"digest": digest(raw)}


@cache
def may_params(scope: Scope) -> dict[str, Any]:
    """The parameters of MAY."""
    return {"scope": scope.value, "implied_by": scope.implied_by.value}


def _find(query: str, params: Mapping[str, Any]) -> Bearer | None:
    rows = fetch_rows(query, params)
    return bearer_of_row(rows[0]) if rows else None


def bearer_of_row(row: tuple) -> Bearer:
    """`row`: the columns of TOKEN_QUERY."""
    token_id, scope, app_id, api_version, rate_limit, user_id, is_use_due, app_kind, role_scopes, needed_lsn = row
    scopes = limited_scopes(scope, role_scopes or "")
    return Bearer(token_id, scopes, app_id, api_version, rate_limit, user_id, bool(is_use_due), app_kind, needed_lsn)


def record_use(bearer: Bearer, *, version: str, meta: Mapping[str, Any]) -> None:
    """Stores when, in which API version and from where a token was used, at most once a minute.

    `meta`: the WSGI environment of the request.
    """
    if not bearer.is_use_due:
        return
    ip, now = client_ip(meta), timezone.now()
    adapt = connection.ops.adapt_datetimefield_value
    if fetch_rows(USE_AGAIN, [adapt(now), version, ip, bearer.token_id, adapt(now - USE_INTERVAL)]):
        return
    unused = AccessToken.objects.filter(pk=bearer.token_id, last_used_at=None)
    if unused.update(last_used_at=now, last_used_version=version, last_used_ip=ip):
        app = App.objects.get(pk=bearer.app_id)
        record(Event.TOKEN_FIRST_USED, Actor(ip=ip), app, version=version)


@transaction.atomic
def issue_personal_token(
    *,
    app_name: str,
    scopes: list[Scope],
    owner,
    expires: datetime | None = None,
    by: Actor = SYSTEM,
    **settings: Any,
) -> str:
    """Issues a personal token, and returns it: it can't be read again. Creates the private app if it is missing.

    An app of kind `private` has one token, so a former one stops working. `settings`: other fields of the app, such as
    `api_version`; fields that are not given stay as they are. Raises ServiceError for the name.
    """
    app_name = clean_app_name(app_name)
    updated = {"user": owner, "allowed_scopes": list(scopes), "token_expires": expires}
    created = {
        "client_type": App.CLIENT_CONFIDENTIAL,
        "authorization_grant_type": App.GRANT_AUTHORIZATION_CODE,
        "client_secret": make_password(None),  # unusable: the app takes part in no flow
    }
    app, is_new = App.objects.select_for_update().update_or_create(
        kind=App.Kind.PRIVATE,
        name=app_name,
        defaults={**updated, **settings},
        create_defaults={**updated, **settings, **created},
    )
    if not is_new:
        revoke_tokens(app, by)
    return _issue(app, by)


@transaction.atomic
def replace_personal_token(app: App, *, owner, by: Actor) -> str:
    """Issues a new token to `owner`, with the permissions and the expiry of the former token, which stops working.

    Raises TokenExpired.
    """
    app = App.objects.select_for_update().get(pk=app.pk)
    if app.token_expires and app.token_expires <= timezone.now():
        raise TokenExpired
    app.user = owner
    app.save(update_fields=["user", "updated"])
    revoke_tokens(app, by)
    return _issue(app, by)


def _issue(app: App, by: Actor) -> str:
    """A new token of a private app that has none."""
    raw = generate_access_token()
    scope = " ".join(app.allowed_scopes)
    store_access_token(raw, app=app, user=app.user, scope=scope, expires=app.token_expires or NEVER)
    record(Event.TOKEN_ISSUED, by, app, scopes=app.allowed_scopes)
    return raw


@transaction.atomic
def change_personal_token(app: App, *, scopes: list[Scope], expires: datetime | None) -> None:
    """Changes what the token of a private app may do, and until when. `expires=None`: it does not expire."""
    App.objects.filter(pk=app.pk).update(allowed_scopes=scopes, token_expires=expires)
    AccessToken.objects.filter(application=app).update(scope=" ".join(scopes), expires=expires or NEVER)


def apps_with_tokens_of(user: Any) -> QuerySet[App]:
    """Private apps whose token the person made, and partner apps with a token that they consented to."""
    tokens = AccessToken.objects.filter(application=OuterRef("pk"), user=user)
    return App.objects.filter(Exists(tokens)).order_by("name")


def store_access_token(raw: str, *, app: App, **fields: Any) -> AccessToken:
    """Stores the digest of a token. `fields`: user, scope, expires, and other fields of the model."""
    token = AccessToken(application=app, **fields)
    set_token_value(token, raw)
    token.save()
    return token


@transaction.atomic
def revoke_tokens(app: App, by: Actor) -> None:
    """Revokes every token and every authorization code of an app."""
    Grant.objects.filter(application=app).delete()
    RefreshToken.objects.filter(application=app).delete()
    revoked, _ = AccessToken.objects.filter(application=app).delete()
    if revoked:
        record(Event.TOKEN_REVOKED, by, app, tokens=revoked)


@transaction.atomic
def revoke_tokens_of_user(user, by: Actor) -> None:
    """Revokes every token that the person made, and every token and authorization code that they consented to."""
    Grant.objects.filter(user=user).delete()
    RefreshToken.objects.filter(user=user).delete()
    for token in AccessToken.objects.filter(user=user).select_related("application").order_by("pk"):
        token.delete()
        record(Event.TOKEN_REVOKED, by, token.application, tokens=1)
