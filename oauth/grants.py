"""What the token endpoint reads and writes: three statements for a code or a refresh token on PostgreSQL.

Raw SQL, because the ORM takes longer to build such statements than the database to answer them, and each has a round
trip. By the ORM, the exchange of a code took nine round trips and a refresh 22. Both take five now, and less than half
of the CPU time.
"""

import json
from datetime import timedelta
from functools import cache
from itertools import chain
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from django.contrib.auth import get_user_model
from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import Model
from django.utils import timezone
from oauth2_provider.models import set_token_value
from oauth2_provider.settings import oauth2_settings

from oauth.audit.models import AuditEvent
from oauth.fields import digest
from oauth.models import AccessToken, App, Grant, RefreshToken, requestable
from oauth.statements import fetch_rows

# After the access token.
REFRESHABLE_FOR = timedelta(seconds=oauth2_settings.REFRESH_TOKEN_EXPIRE_SECONDS)
# Without what the flows of OAuth do not need, such as the settings of an app. In the order of the model's fields.
APP_FIELDS = {
    *("id", "client_id", "client_type", "client_secret", "authorization_grant_type", "name", "kind", "is_active"),
    *("redirect_uris", "allowed_scopes", "granted_scopes"),
}
APP_COLUMNS = [field.column for field in App._meta.concrete_fields if field.name in APP_FIELDS]
FIND_APP = f"SELECT {', '.join(APP_COLUMNS)} FROM {App._meta.db_table} WHERE client_id = %s"  # noqa: S608  names are put in

# SQLite has no locks of rows: a transaction has the whole database.
IS_POSTGRESQL = connection.vendor == "postgresql"
LOCK_APP, LOCK_FOUND = ("FOR NO KEY UPDATE", "FOR NO KEY UPDATE OF found") if IS_POSTGRESQL else ("", "")


class Used(NamedTuple):
    """What tokens are issued for, and whose: an authorization code, or a former refresh token.

    `ends_family`: the code or the token was used before. `may_grant`: the owner is an active member of staff, and what
    they granted has not expired. `access_token_id`: of a refresh token. `allowed_scopes`: what the app may ask for.
    """

    id: int
    owner_id: int
    owner_email: str | None
    may_grant: bool
    is_used: bool
    family: UUID | str | None
    scope: str | None
    allowed_scopes: str
    access_token_id: int | None = None
    redirect_uri: str = ""
    code_challenge: str = ""
    code_challenge_method: str = ""

    @property
    def is_code(self) -> bool:
        return self.access_token_id is None

    @property
    def requestable_scopes(self) -> list[str]:
        """Those of `scope` that the app may still ask for."""
        allowed = requestable(json.loads(self.allowed_scopes))
        return [scope for scope in (self.scope or "").split() if scope in allowed]


def _find_used(table: str, columns: str, condition: str, joins: str = "") -> str:
    """Locks the app, then finds and locks a row of `table` that belongs to it, in the form of `Used`.

    On PostgreSQL a statement that waits for a row gets its newest version, but sees other rows as they were when the
    statement began. So the row itself is locked, too, and its use or deletion by another request is noticed.
    """
    return f"""
        WITH app AS {"MATERIALIZED" if IS_POSTGRESQL else ""} (
            SELECT id, allowed_scopes FROM {App._meta.db_table} WHERE id = %(app)s AND is_active {LOCK_APP}
        )
        SELECT found.id, owner.id, owner.email, {columns}
        FROM app
        JOIN {table} found ON found.application_id = app.id
        JOIN {get_user_model()._meta.db_table} owner ON owner.id = found.user_id
        {joins}
        WHERE {condition}
        {LOCK_FOUND}
    """  # noqa: S608  only names and conditions of this module are put in


FIND_CODE = _find_used(
    Grant._meta.db_table,
    """
        owner.is_active AND owner.is_staff AND found.expires > %(now)s, found.token_family IS NOT NULL,
        found.token_family, found.scope, app.allowed_scopes, NULL, found.redirect_uri, found.code_challenge,
        found.code_challenge_method
    """,
    "found.code = %(digest)s",
)
# Its expiry slides with the access token. One without an access token was orphaned when that was deleted.
FIND_REFRESH_TOKEN = _find_used(
    RefreshToken._meta.db_table,
    """
        owner.is_active AND owner.is_staff AND access.id IS NOT NULL AND access.expires > %(expired)s,
        found.revoked IS NOT NULL, found.token_family, access.scope, app.allowed_scopes, access.id
    """,
    "found.token_checksum = %(digest)s",
    f"LEFT JOIN {AccessToken._meta.db_table} access ON access.id = found.access_token_id",
)


def find_app(client_id: str) -> App | None:
    """An app with APP_COLUMNS; the others are read when they are needed."""
    rows = fetch_rows(FIND_APP, [client_id])
    if not rows:
        return None
    app = App.from_db(DEFAULT_DB_ALIAS, APP_COLUMNS, rows[0])
    app.allowed_scopes, app.granted_scopes = json.loads(app.allowed_scopes), json.loads(app.granted_scopes)
    return app


def find_code(code: str, app: App) -> Used | None:
    """Locks the app and the code until the end of the transaction."""
    return _find(FIND_CODE, code, app)


def find_refresh_token(token: str, app: App) -> Used | None:
    """Locks the app and the token until the end of the transaction."""
    return _find(FIND_REFRESH_TOKEN, token, app)


def _find(statement: str, secret: str, app: App) -> Used | None:
    now, adapt = timezone.now(), connection.ops.adapt_datetimefield_value
    params = {"app": app.pk, "digest": digest(secret), "now": adapt(now), "expired": adapt(now - REFRESHABLE_FOR)}
    rows = [Used(*row) for row in fetch_rows(statement, params)]
    return min(rows, key=lambda used: used.is_used, default=None)  # a checksum is unique among used and among others


def issue_tokens(token: dict[str, Any], app: App, used: Used, event: AuditEvent) -> None:
    """Stores the tokens of an answer and `event`, and marks the code as used, or revokes the former tokens.

    Runs inside the transaction that has found and locked `used`.
    """
    now = timezone.now()
    access = AccessToken(
        application=app,
        user_id=used.owner_id,
        scope=token["scope"],
        expires=now + timedelta(seconds=token["expires_in"]),
        source_refresh_token_id=None if used.is_code else used.id,
    )
    refresh = RefreshToken(application=app, user_id=used.owner_id, token_family=used.family or uuid4())
    set_token_value(access, token["access_token"])
    set_token_value(refresh, token["refresh_token"])
    if used.is_code:
        family = Grant._meta.get_field("token_family").get_db_prep_save(refresh.token_family, connection)
        ended = [[family, used.id]]
    else:
        revoked = connection.ops.adapt_datetimefield_value(now)
        ended = [[revoked, revoked, used.id], [used.access_token_id]]
    if IS_POSTGRESQL:
        rows = [*_values(access), *_values(refresh, "access_token"), *_values(event)]
        fetch_rows(_issue_sql(used.is_code), [*chain.from_iterable(ended), *rows])
        return
    with connection.cursor() as cursor:
        for sql, params in zip(END_CODE if used.is_code else END_REFRESH_TOKEN, ended, strict=True):
            cursor.execute(sql, params)
    access.save()
    refresh.access_token = access
    refresh.save()
    event.save()


END_CODE = [f"UPDATE {Grant._meta.db_table} SET token_family = %s WHERE id = %s"]  # noqa: S608  a name of a table is put in
# What is put in are names of tables; all values are parameters.
END_REFRESH_TOKEN = [
    f"UPDATE {RefreshToken._meta.db_table} SET revoked = %s, updated = %s, access_token_id = NULL WHERE id = %s",  # noqa: S608  see above
    f"DELETE FROM {AccessToken._meta.db_table} WHERE id = %s",  # noqa: S608  see above
]


@cache
def _issue_sql(is_code: bool) -> str:
    """All that `issue_tokens` writes, for PostgreSQL."""
    ended = [f"ended_{number} AS ({sql})" for number, sql in enumerate(END_CODE if is_code else END_REFRESH_TOKEN)]
    return f"""
        WITH {", ".join(ended)},
        access AS ({_insert(AccessToken)} RETURNING id),
        refresh AS ({_insert(RefreshToken, "access_token", "(SELECT id FROM access)")})
        {_insert(AuditEvent)} RETURNING id
    """  # noqa: S608  only statements of this module are put in


def _insert(model: type[Model], computed: str = "", expression: str = "") -> str:
    """Inserts a row with `_values`. An SQL expression gives the value of the field `computed`."""
    fields = _fields(model)
    values = [expression if field.name == computed else "%s" for field in fields]
    columns = ", ".join(field.column for field in fields)
    return f"INSERT INTO {model._meta.db_table} ({columns}) VALUES ({', '.join(values)})"  # noqa: S608  names of a model are put in


def _values(row: Model, computed: str = "") -> list[Any]:
    """What the database gets for a new row, without the field `computed`."""
    fields = [field for field in _fields(type(row)) if field.name != computed]
    return [field.get_db_prep_save(field.pre_save(row, add=True), connection) for field in fields]


@cache
def _fields(model: type[Model]) -> list[Any]:
    return [field for field in model._meta.concrete_fields if not field.primary_key]
