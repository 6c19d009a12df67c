"""Medusa's API: the requests, and the ceiling of Python under them, which sends the same SQL and nothing else."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from itertools import count, cycle
from types import ModuleType

from tests.bench.traffic import repeated, request

PATH = "/admin/customers"
NEW = {
    "email": "ada@example.com", "first_name": "Ada", "last_name": "Lovelace", "password": "", "phone": "+12025550143",
    "metadata": {"source": "landing page", "campaign": 7},
}  # fmt: skip

_numbers = count(1)


def lists(tokens: list[str], customers: list[dict]) -> Iterator[bytes]:
    return repeated("GET", [PATH], tokens)


def retrieves(tokens: list[str], customers: list[dict]) -> Iterator[bytes]:
    return repeated("GET", paths_of(customers), tokens)


def creates(tokens: list[str], customers: list[dict]) -> Iterator[bytes]:
    """Guests: the hash of a password takes as long as it is meant to."""
    body = json.dumps(NEW | {"email": "guest-0000000000@example.net"})
    return numbered([request("POST", PATH, token, body) for token in tokens])


def updates(tokens: list[str], customers: list[dict]) -> Iterator[bytes]:
    """Each makes a name another one."""
    body = json.dumps({"first_name": "Ada-0000000000@"})
    paths = zip(cycle(paths_of(customers)), tokens * 2, strict=False)
    return numbered([request("POST", path, token, body) for path, token in paths])


def paths_of(customers: list[dict]) -> list[str]:
    from customers.medusa import ids

    moments = [datetime.fromisoformat(str(customer["date_joined"])) for customer in customers]
    numbers = [customer["id"] for customer in customers]
    return [f"{PATH}/{ids.encoded(ids.CUSTOMER, *each)}" for each in zip(numbers, moments, strict=True)]


def numbered(requests: list[bytes]) -> Iterator[bytes]:
    templates = cycle([each.replace(b"%", b"%%").replace(b"-0000000000@", b"-%010d@") for each in requests])
    return (template % number for template, number in zip(templates, _numbers, strict=False))


# As `traffic.OPERATIONS`.
OPERATIONS = {
    "Medusa list": lists,
    "Medusa retrieve": retrieves,
    "Medusa create": creates,
    "Medusa update": updates,
}


def check_answers(servers: dict, shape: Callable) -> None:
    """Exits unless all answer the four requests alike."""
    expected = None
    for name, server in servers.items():
        email = f"{name.replace(' ', '-')}@example.org"
        created = server.ask("POST", PATH, NEW | {"email": email})
        path = f"{PATH}/{created['customer']['id']}"
        answers = [
            created,
            server.ask("GET", path),
            server.ask("POST", path, {"first_name": "Eve"}),
            server.ask("GET", PATH),
        ]
        known = [len(answers[-1]["customers"]), *(shape(answer) for answer in answers)]
        expected = expected or known
        if known != expected:
            raise SystemExit(f"{name} answers otherwise than {next(iter(servers))}:\n{known}\n{expected}")


# --- The ceiling -----------------------------------------------------------------------------------------------------

RELATIONS = frozenset(("orders", "shipping_addresses"))
CUSTOMER_PATH = re.compile(rf"{PATH}/(\w+)")
LOCK = "SELECT {columns} FROM customers_user WHERE id = %s LIMIT 21 FOR UPDATE"


def count_of_all(raw: ModuleType) -> int:
    """The number that a worker has counted, with what is new."""
    from customers import customer_count

    while True:
        (row,) = fetched(raw, customer_count._read[True], _last["up_to"])
        if row["up_to"] == _last["up_to"]:
            return row["kept"] + row["newer"]
        _last["up_to"] = row["up_to"]


_last = {"up_to": 0}


@cache
def statement(compiled, *places: int) -> tuple[str, list]:
    _, sql, params, _, _ = compiled._statement(len(places))
    return sql, params


def fetched(raw: ModuleType, compiled, *values: int) -> list[dict]:
    sql, params = statement(compiled, *range(len(values)))
    return raw.database().execute(sql, [values[each] if isinstance(each, int) else each for each in params]).fetchall()


def respond(raw: ModuleType, environ: dict, user_id: int, app_id: int) -> tuple[str, dict]:
    from customers.medusa import ids, serializers

    path, is_post = environ["PATH_INFO"], environ["REQUEST_METHOD"] == "POST"
    body = raw.orjson.loads(environ["wsgi.input"].read()) if is_post else {}
    if path == PATH:
        if is_post:
            return "201 Created", {"customer": create(raw, body, user_id, app_id)}
        people = [serializers.customer(row) for row in fetched(raw, serializers.newest_customers(50))]
        number = count_of_all(raw)
        return "200 OK", {"customers": people, "count": number, "offset": 0, "limit": 50}
    number = ids.decoded(ids.CUSTOMER, CUSTOMER_PATH.fullmatch(path)[1])
    if is_post:
        update(raw, number, body, user_id, app_id)
    row = fetched(raw, serializers.one_customer(RELATIONS), number)[0]
    customer = serializers.customer(row)
    orders, addresses = (raw.orjson.loads(row[name]) for name in ("order_list", "address_list"))
    customer["orders"] = [serializers.order(each, customer) for each in orders]
    customer["shipping_addresses"] = [serializers.address(each, customer["id"]) for each in addresses]
    return "200 OK", {"customer": customer}


def create(raw: ModuleType, body: dict, user_id: int, app_id: int) -> dict:
    from customers.medusa import serializers

    user = {field.column: field.get_default() for field in raw.insertable_fields(raw.User)}
    user |= {name: body[name] for name in ("email", "first_name", "last_name", "metadata")}
    user["phone_number"] = body["phone"]
    user |= raw.computed_columns(raw.User, user)
    columns = user | {"tags": raw.Jsonb([]), "metadata": raw.Jsonb(user["metadata"])}
    happened = raw.history.created_params(raw.Actor(user_id=user_id, app_id=app_id), user["date_joined"])
    user["id"], _, _ = raw.fetch_tuple(
        raw.INSERT, [*columns.values(), *raw.unchanged_params(user["metadata"], {}), "[]", "[]", *happened]
    )
    return serializers.customer(user | {"has_account": False, "billing__id": None})


def update(raw: ModuleType, customer_id: int, body: dict, user_id: int, app_id: int) -> None:
    from customers import changes
    from customers.core.computed import computed_fields
    from customers.models import Event

    columns = ", ".join(field.column for field in raw.User._meta.concrete_fields)
    now = datetime.now(UTC)
    with raw.database().transaction():
        former = raw.database().execute(LOCK.format(columns=columns), [customer_id]).fetchone()
        changed = {"first_name": body["first_name"], "updated_at": now}
        computed = computed_fields(raw.User, changed)
        changed |= {field.attname: field.computed(former | changed) for field in computed}
        difference = raw.orjson.dumps({"first_name": [former["first_name"], body["first_name"]]}).decode()
        sql = changes._save_sql(tuple(changed), (Event.Kind.CHANGED,), True)
        raw.database().execute(sql, [*changed.values(), customer_id, now, user_id, app_id, difference])
