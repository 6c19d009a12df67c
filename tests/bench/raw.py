"""The ceiling: the same SQL and the same JSON, with nothing in between. No framework, no validation, no filters."""

import base64
import os
import re
import sys
from functools import cache
from hashlib import sha256

import django
import orjson
import psycopg
from psycopg.rows import dict_row, tuple_row
from psycopg.types.json import Jsonb, set_json_dumps, set_json_loads

django.setup()

from customers import history, insertion
from customers.api.resources.addresses import ADDRESS_COLUMNS
from customers.api.resources.users import USER_COLUMNS, UserRepresentation, newest_users
from customers.core import ratelimit
from customers.core.computed import computed_columns
from customers.core.postgres import insertable_fields
from customers.metadata.services import unchanged_params
from customers.models import Address, Tag, User
from oauth import tokens
from oauth.actor import Actor
from oauth.scopes import Scope
from tests.bench import medusa

PATH = "/api/admin/users/"
USER_PATH = re.compile(rf"{PATH}(\d+)/")
PAGE_SIZE = 20
MAY_WRITE = tokens.may_params(Scope.USERS_WRITE)
INSERT = insertion.insert_one_sql()
set_json_loads(orjson.loads)
set_json_dumps(orjson.dumps)


@cache
def database() -> psycopg.Connection:
    """One connection per worker, which has one thread."""
    return psycopg.connect(
        os.environ["DATABASE_URL"],
        autocommit=True,
        prepare_threshold=0,
        options="-c TimeZone=UTC",
        row_factory=dict_row,
    )


def fetch_tuple(statement: str, values) -> tuple | None:
    with database().cursor(row_factory=tuple_row) as cursor:
        return cursor.execute(statement, values).fetchone()


def application(environ, start_response):
    status, answer = respond(environ)
    body = orjson.dumps(answer, default=str, option=orjson.OPT_UTC_Z)
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


def respond(environ) -> tuple[str, dict]:
    token = environ.get("HTTP_AUTHORIZATION", "").removeprefix("Bearer ")
    given = {
        **MAY_WRITE,
        "digest": sha256(token.encode()).hexdigest(),
        "default": 4,
    }
    bearer = fetch_tuple(ratelimit.AUTHENTICATE_AND_TAKE, given)
    if bearer is None:
        return "401 Unauthorized", {}
    _, _, app_id, _, _, user_id, *_, used = bearer
    if used is None:
        return "429 Too Many Requests", {}
    if environ["PATH_INFO"].startswith(medusa.PATH):
        return medusa.respond(sys.modules[__name__], environ, user_id, app_id)
    if environ["REQUEST_METHOD"] == "POST":
        return "201 Created", create(orjson.loads(environ["wsgi.input"].read()), user_id, app_id)
    if environ["PATH_INFO"] == PATH:
        return "200 OK", page(environ["HTTP_HOST"])
    user_id = int(USER_PATH.fullmatch(environ["PATH_INFO"])[1])
    found = medusa.fetched(sys.modules[__name__], UserRepresentation._rows_with_ids, user_id)
    return "200 OK", with_addresses(found)[0]


def create(body: dict, actor_id: int, app_id: int) -> dict:
    user = (
        {field.column: field.get_default() for field in insertable_fields(User)} | body | computed_columns(User, body)
    )
    addresses = [
        {field.column: field.get_default() for field in insertable_fields(Address)}
        | {"place": place}
        | address
        | computed_columns(Address, address)
        for place, address in enumerate(user.pop("addresses"))
    ]
    addresses[0]["is_default_for_shipping"] = addresses[0]["is_default_for_billing"] = True
    columns = user | {"tags": Jsonb(user["tags"]), "metadata": Jsonb(user["metadata"])}
    happened = history.created_params(Actor(user_id=actor_id, app_id=app_id), user["date_joined"])
    tags = [{"name": name, **computed_columns(Tag, {"name": name})} for name in user["tags"]]
    given = [
        *columns.values(),
        *unchanged_params(user["metadata"], {}),
        orjson.dumps(addresses).decode(),
        orjson.dumps(tags).decode(),
        *happened,
    ]
    user["id"], _, address_ids = fetch_tuple(INSERT, given)
    for address, address_id in zip(addresses, address_ids, strict=True):
        address["id"] = address_id
    return {name: user[name] for name in USER_COLUMNS} | {
        "addresses": [{name: address[name] for name in ADDRESS_COLUMNS} for address in addresses]
    }


def page(host: str) -> dict:
    users = medusa.fetched(sys.modules[__name__], newest_users(PAGE_SIZE + 1))
    next_page = None
    if len(users) > PAGE_SIZE:
        users.pop()
        key = orjson.dumps(["a", users[-1]["date_joined"], users[-1]["id"]])
        next_page = f"http://{host}{PATH}?cursor={base64.urlsafe_b64encode(key).decode().rstrip('=')}"
    return {"next": next_page, "previous": None, "results": with_addresses(users)}


def with_addresses(users: list[dict]) -> list[dict]:
    for user in users:
        user["addresses"] = orjson.loads(user.pop("address_list"))
    return users
