"""Access tokens of the API: issue and find. A personal one is revoked by issuing another, or with its app."""

import secrets
import string
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from django.contrib.auth.hashers import make_password
from django.db import connection, transaction

from oauth.models import AccessToken, App
from oauth.scopes import Scope

# Every token starts with it and ends with a checksum of what stands between, so that secret scanners can tell
# one of ours from noise.
PREFIX = "shc_"
NEVER = datetime(9999, 1, 1, tzinfo=UTC)
BASE62 = string.digits + string.ascii_letters


@dataclass(frozen=True, slots=True)
class Bearer:
    """What a valid token says about the request that carries it."""

    token_id: int
    scopes: frozenset[str]
    app_id: int
    api_version: str
    rate_limit: int | None
    user_id: int


def generate_token() -> str:
    """`shc_`, 36 random characters (214 bits) and their CRC-32 in six, all base 62."""
    body = "".join(secrets.choice(BASE62) for _ in range(36))
    return f"{PREFIX}{body}{checksum(body)}"


def checksum(body: str) -> str:
    number, digits = zlib.crc32(body.encode()), ""
    for _ in range(6):
        number, digit = divmod(number, 62)
        digits = BASE62[digit] + digits
    return digits


# By hand, because the ORM takes four times as long to write this query as the database to answer it, and each
# request asks it. CURRENT_TIMESTAMP is UTC in both databases.
FIND = f"""
    SELECT token.id, token.scope, app.id, app.api_version, app.rate_limit, owner.id
    FROM {AccessToken._meta.db_table} token
    JOIN {App._meta.db_table} app ON app.id = token.application_id
    JOIN {AccessToken._meta.get_field("user").related_model._meta.db_table} owner ON owner.id = token.user_id
    WHERE token.token_checksum = %s AND token.expires > CURRENT_TIMESTAMP AND app.is_active AND owner.is_active
"""  # noqa: S608  only table names are put in


def find(raw: str) -> Bearer | None:
    """The bearer of a token; None where it is unknown, expired or revoked, or its app or owner is inactive.

    Found by digest, so the comparison leaks nothing about the tokens that exist.
    """
    with connection.cursor() as cursor:
        cursor.execute(FIND, [sha256(raw.encode()).hexdigest()])
        row = cursor.fetchone()
    if row is None:
        return None
    token_id, scope, app_id, api_version, rate_limit, user_id = row
    return Bearer(token_id, frozenset(scope.split()), app_id, api_version, rate_limit, user_id)


@transaction.atomic
def issue_personal_token(
    *,
    app_name: str,
    scopes: list[Scope],
    owner,
    expires: datetime = NEVER,
    **settings: Any,
) -> str:
    """A store owner's token for the private app of this name, made where there is none. The only time it can be read.

    An app of kind `private` has one token: a former one stops working. `settings` are fields of the app, such as
    `api_version`; those that are not given stay as they are.
    """
    new = {
        "client_type": App.CLIENT_CONFIDENTIAL,
        "authorization_grant_type": App.GRANT_AUTHORIZATION_CODE,
        "client_secret": make_password(None),  # none: it takes part in no flow
    }
    app, _ = App.objects.select_for_update().update_or_create(
        kind=App.Kind.PRIVATE,
        name=app_name,
        defaults={"user": owner, **settings},
        create_defaults={"user": owner, **settings, **new},
    )
    app.accesstoken_set.all().delete()
    raw = generate_token()
    AccessToken.objects.create(
        application=app,
        user=owner,
        scope=" ".join(scopes),
        expires=expires,
        token="",
        token_checksum=sha256(raw.encode()).hexdigest(),
    )
    return raw
