"""Inserting new customers, one or many: by one statement on PostgreSQL, by the ORM on SQLite.

Both ways write the same: the people, their addresses, tags that are new, and their history.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import orjson
from django.db import connection, transaction
from django.db.models import Model
from django.utils import timezone

from customers import history
from customers.core.computed import computed_columns, computed_fields
from customers.core.postgres import insertable_fields
from customers.metadata import services as definitions
from customers.models import Address, Event, Tag, User
from customers.validation import EmailTaken
from oauth.actor import Actor
from oauth.email_addresses import email_key
from oauth.statements import fetch_rows

MANY = 10_000

Columns = tuple[str, ...]


class NewCustomer(NamedTuple):
    """Columns of a person and of their addresses, with valid values. Columns that are not given get their defaults."""

    person: dict[str, Any]
    addresses: list[dict[str, Any]]


class Statement(NamedTuple):
    """An INSERT of PostgreSQL, without the parameters of the history."""

    sql: str
    params: list[Any]


def insert_user(customer: NewCustomer, by: Actor, bound: definitions.Bindings | None = None) -> User:
    """The new person, with `addresses` loaded, and with `inserted_addresses`. Raises EmailTaken, with nothing written.

    `bound`: the definitions that the metadata is checked against. On PostgreSQL EmailTaken may also say that they are
    no longer those of the database.
    """
    now = timezone.now()
    person = {"date_joined": now, "updated_at": now, **customer.person}
    rows = [{"created_at": now, "updated_at": now, **address} for address in customer.addresses]
    user, addresses = User(**person), [Address(**row) for row in rows]
    if takes_statement():
        params = _params_of_one(person, rows, by, bound)
        _insert_one_by_statement(user, addresses, params)
    elif _insert_by_orm([(user, addresses)], by):
        raise EmailTaken
    user.inserted_addresses = addresses
    # As a prefetch would leave it: reading them back costs no query.
    user._prefetched_objects_cache = {"addresses": addresses}  # type: ignore[attr-defined]  # Django keeps it untyped
    return user


@transaction.atomic
def insert_users(customers: Sequence[NewCustomer], by: Actor, statement: Statement | None = None) -> set[int]:
    """Inserts many people, whose emails differ from one another. Skips those whose email is taken.

    `statement`: the result of `prepare_statement` for these customers, if there is one already. Returns the positions
    in `customers` of those that were skipped.
    """
    statement = statement or prepare_statement(customers)
    if statement is None:
        people = [(User(**person), [Address(**each) for each in addresses]) for person, addresses in customers]
        return _insert_by_orm(people, by)
    with connection.cursor() as cursor:
        cursor.execute(statement.sql, [*statement.params, *history.created_params(by)])
        return set(range(len(customers))) - {ordinal for (ordinal,) in cursor.fetchall()}


def takes_statement() -> bool:
    """Whether the database inserts customers by one statement."""
    return connection.vendor == "postgresql"


def taken_emails(keys: Iterable[str]) -> set[str]:
    """Those of the emails that somebody has, all of them as `email_key` writes them."""
    return set(User.objects.filter(email_key__in=list(keys)).values_list("email_key", flat=True))


def remember_tags(names: Iterable[str]) -> None:
    """Inserts the tags that are new."""
    # Sorted as the statement below sorts them, so that two writers with the same tags never wait for each other.
    Tag.objects.bulk_create([Tag(name=name) for name in sorted(set(names))], ignore_conflicts=True)


def analyze_after_bulk_insert(count: int) -> None:
    """Refreshes the planner's statistics after many people were inserted."""
    if count >= MANY and connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"ANALYZE {', '.join(model._meta.db_table for model in (User, Address, Event))}")


@transaction.atomic
def _insert_by_orm(people: Sequence[tuple[User, list[Address]]], by: Actor) -> set[int]:
    """Sets the ids. Returns the positions of people whose email is taken, who are skipped."""
    keys = {position: email_key(user.email) for position, (user, _) in enumerate(people) if user.email}
    taken = taken_emails(keys.values())
    skipped = {position for position, key in keys.items() if key in taken}
    new = [each for position, each in enumerate(people) if position not in skipped]
    User.objects.bulk_create([user for user, _ in new])
    for user, addresses in new:
        for address in addresses:
            address.user = user
    Address.objects.bulk_create([address for _, addresses in new for address in addresses])
    remember_tags(tag for user, _ in new for tag in user.tags)
    history.record(history.created(user, by) for user, _ in new)
    return skipped


def _params_of_one(
    person: Mapping[str, Any], addresses: Sequence[Mapping[str, Any]], by: Actor, bound: definitions.Bindings | None
) -> list[Any]:
    """Those of `insert_one_sql`. Every create runs this, so defaults are prepared once, and no model takes part."""
    fields, defaults = _columns_of_new(User)
    prepared = {name: fields[name].get_db_prep_save(value, connection) for name, value in person.items()}
    row = {**defaults, **prepared, **computed_columns(User, person)}
    address_defaults = _columns_of_new(Address)[1]
    address_rows = [
        {"ordinal": 0, "place": place, **address_defaults, **address, **computed_columns(Address, address)}
        for place, address in enumerate(addresses)
    ]
    return [
        *definitions.unchanged_params((person.get("metadata") or {}) if bound is not None else (), bound or {}),
        *[row[name] for name in fields],
        orjson.dumps(address_rows).decode(),
        _tags_json([person.get("tags", ())]),
        *history.created_params(by),
    ]


@cache
def _columns_of_new(model: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The fields that an INSERT fills, and their defaults as the database takes them, both by column."""
    fields = {field.attname: field for field in insertable_fields(model) if field.name != "user"}
    return fields, {name: field.get_db_prep_save(field.get_default(), connection) for name, field in fields.items()}


def _insert_one_by_statement(user: User, addresses: list[Address], params: list[Any]) -> None:
    """Sets the ids. Raises EmailTaken."""
    inserted = fetch_rows(insert_one_sql(), params)
    if not inserted:
        raise EmailTaken
    user.pk, metadata, address_ids = inserted[0]
    user.metadata = metadata and orjson.loads(metadata)  # keys in the order in which they will be read
    user._state.adding = False
    for address, address_id in zip(addresses, address_ids, strict=True):
        address.pk, address.user_id, address._state.adding = address_id, user.pk, False


def prepare_statement(customers: Sequence[NewCustomer]) -> Statement | None:
    """What `insert_users` executes; None if it executes nothing prepared. This function does not use the database, so
    another thread can call it."""
    if not customers or not takes_statement():
        return None
    now = timezone.now()
    people = [
        {"ordinal": ordinal, **customer.person, **computed_columns(User, customer.person)}
        for ordinal, customer in enumerate(customers)
    ]
    addresses = [
        {"ordinal": ordinal, "place": place, **address, **computed_columns(Address, address)}
        for ordinal, customer in enumerate(customers)
        for place, address in enumerate(customer.addresses)
    ]
    person, same_person = _varying_and_same(User(date_joined=now, updated_at=now), people)
    address, same_address = _varying_and_same(Address(created_at=now, updated_at=now), addresses)
    people_json = orjson.dumps([_completed(row, person) for row in people])
    addresses_json = orjson.dumps([_completed(row, address) for row in addresses])
    tags_json = _tags_json(customer.person.get("tags", ()) for customer in customers)
    return Statement(
        _insert_sql(*map(tuple, (person, same_person, address, same_address))),
        [people_json.decode(), *same_person.values(), *same_address.values(), addresses_json.decode(), tags_json],
    )


def _completed(row: dict[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """With the defaults of the columns that the row lacks. In most files, no row lacks any."""
    return row if row.keys() >= defaults.keys() else {**defaults, **row}


def _tags_json(tags_of_people: Iterable[Iterable[str]]) -> str:
    """The tags of people in the order of their ordinals, with their folded columns."""
    columns: dict[str, dict[str, Any]] = {}
    rows = []
    for ordinal, tags in enumerate(tags_of_people):
        for name in tags:
            if name not in columns:
                columns[name] = {"name": name, **computed_columns(Tag, {"name": name})}
            rows.append({"ordinal": ordinal, **columns[name]})
    return orjson.dumps(rows).decode()


def _varying_and_same(plain: Model, rows: Iterable[Mapping[str, Any]]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The columns of new rows with their defaults, which `plain` has: those that some row sets, and the others, as the
    database takes them. Few values vary, so little has to be sent."""
    given = set().union(*rows)
    fields = {field.attname: field for field in insertable_fields(type(plain)) if field.name != "user"}
    varying = {name: getattr(plain, name) for name in fields if name in given}
    return varying, {
        name: field.get_db_prep_save(getattr(plain, name), connection)
        for name, field in fields.items()
        if name not in given
    }


@cache
def insert_one_sql() -> str:
    """Inserts one person, and returns the id, the metadata and the ids of the addresses, or no row if the email is
    taken, or if the definitions of metadata are other ones.

    Parameters: `definitions.unchanged_params`; the columns of a person, as `insertable_fields` has them; the addresses
    as a list of JSON, with `ordinal` 0 and their `place`; the tags as a list of JSON, with `ordinal` 0;
    `history.created_params`.
    """
    person, address = (
        tuple(field.attname for field in insertable_fields(model) if field.name != "user") for model in (User, Address)
    )
    return _insert_sql((), person, address, (), one=True)


@cache
def _insert_sql(
    person: Columns, same_person: Columns, address: Columns, same_address: Columns, *, one: bool = False
) -> str:
    """Inserts people and returns the ordinals of those who are new.

    Parameters: the people as a list of JSON, with `ordinal` and the columns `person` (if there are any); the values of
    `same_person` and of `same_address`; the addresses as a list of JSON, with `ordinal`, their `place` and the columns
    `address`; the tags as a list of JSON, with `ordinal` and the columns of a tag; `history.created_params`.
    """
    people = (
        f"json_to_recordset(%s) AS given (ordinal bigint{_typed(User, person)})"
        if person
        else "(VALUES (0::bigint)) AS given (ordinal)"
    )
    tag = ("name", *(field.attname for field in computed_fields(Tag)))
    returned = "person.id, person.metadata, ARRAY(SELECT id FROM address ORDER BY id)" if one else "person.ordinal"
    return f"""
        WITH given AS MATERIALIZED (
            SELECT nextval((SELECT pg_get_serial_sequence('{User._meta.db_table}', 'id')::regclass)) AS id, given.*
            FROM {people} {f"WHERE {definitions.unchanged_sql()}" if one else ""}
        ), inserted AS (
            INSERT INTO {User._meta.db_table} ({", ".join(("id", *person, *same_person))})
            SELECT {", ".join(("id", *person, *["%s"] * len(same_person)))} FROM given ORDER BY ordinal
            ON CONFLICT (email_key) DO NOTHING
            RETURNING id, metadata, accepts_marketing, ip
        ), person AS MATERIALIZED (
            SELECT inserted.*, given.ordinal FROM inserted JOIN given USING (id)
        ), address AS (
            INSERT INTO {Address._meta.db_table} ({", ".join(("user_id", *address, *same_address))})
            SELECT {", ".join(("person.id", *address, *["%s"] * len(same_address)))}
            FROM json_to_recordset(%s) AS given (ordinal bigint, place bigint{_typed(Address, address)})
            JOIN person USING (ordinal) ORDER BY ordinal, place
            RETURNING id
        ), tag AS (
            INSERT INTO {Tag._meta.db_table} ({", ".join(tag)})
            SELECT DISTINCT given.name COLLATE "C", {", ".join(tag[1:])}
            FROM json_to_recordset(%s) AS given (ordinal bigint{_typed(Tag, tag)}) JOIN person USING (ordinal)
            WHERE NOT EXISTS (SELECT FROM {Tag._meta.db_table} AS known WHERE known.name = given.name)
            ORDER BY 1
            ON CONFLICT DO NOTHING
        ), {history.created_sql("person")}
        SELECT {returned} FROM person
    """  # noqa: S608  only names of tables and columns are put in


def _typed(model: Any, columns: Columns) -> str:
    return "".join(f", {name} {model._meta.get_field(name).db_type(connection)}" for name in columns)
