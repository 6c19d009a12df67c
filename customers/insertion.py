"""Inserting new customers, one or many: by one statement on PostgreSQL, by the ORM on SQLite.

Both ways write the same: the people, their addresses, tags that are new, and their history.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, partial
from typing import Any, NamedTuple

import orjson
from django.db import connection, transaction
from django.db.models import GenericIPAddressField, JSONField, Model
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

ON_CONFLICT = "ON CONFLICT (email_key) DO NOTHING RETURNING id, metadata, accepts_marketing, ip"

Columns = tuple[str, ...]


class NewCustomer(NamedTuple):
    """Columns of a person and of their addresses, with valid values. Columns that are not given get their defaults."""

    person: dict[str, Any]
    addresses: list[dict[str, Any]]


class Inserted(NamedTuple):
    """A customer who was just inserted: all columns of the person and of their addresses, with the ids."""

    person: dict[str, Any]
    addresses: list[dict[str, Any]]

    def to_user(self) -> User:
        """With `addresses` loaded. To make models takes a tenth of the CPU time of a create."""
        user = _stored(User, self.person)
        # As a prefetch would leave it: reading them back costs no query.
        user._prefetched_objects_cache = {"addresses": [_stored(Address, each) for each in self.addresses]}
        return user


class Statement(NamedTuple):
    """An INSERT of PostgreSQL, without the parameters of the history."""

    sql: str
    params: list[Any]


def insert_user(customer: NewCustomer, by: Actor, bound: definitions.Bindings | None = None) -> Inserted:
    """Raises EmailTaken, with nothing written.

    `bound`: the definitions that the metadata is checked against. On PostgreSQL EmailTaken may also say that they are
    no longer those of the database.
    """
    now = timezone.now()
    person = {"date_joined": now, "updated_at": now, **customer.person}
    addresses = [{"created_at": now, "updated_at": now, **address} for address in customer.addresses]
    if takes_statement():
        return _insert_one_by_statement(person, addresses, by, bound)
    user, rows = User(**person), [Address(**address) for address in addresses]
    if _insert_by_orm([(user, rows)], by):
        raise EmailTaken
    return Inserted(_columns_of(user), [_columns_of(row) for row in rows])


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


@cache
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


def _columns_of(row: Model) -> dict[str, Any]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields if not field.generated}


def _stored(model: Any, columns: Mapping[str, Any]) -> Any:
    row = model(**columns)
    row._state.adding = False
    return row


def _insert_one_by_statement(
    person: Mapping[str, Any], addresses: Sequence[Mapping[str, Any]], by: Actor, bound: definitions.Bindings | None
) -> Inserted:
    """Raises EmailTaken. Every create runs this, so no model takes part."""
    row, rows = _completed_row(User, person), [_completed_row(Address, address) for address in addresses]
    inserted = fetch_rows(
        insert_one_sql(),
        [
            *[row[name] if prepare is None else prepare(row[name]) for name, prepare in _preparations().items()],
            *definitions.unchanged_params((row["metadata"] or {}) if bound is not None else (), bound or {}),
            orjson.dumps([{"place": place, **each} for place, each in enumerate(rows)]).decode(),
            orjson.dumps([_tag_row(name) for name in row["tags"]]).decode(),
            *history.created_params(by),
        ],
    )
    if not inserted:
        raise EmailTaken
    row["id"], metadata, address_ids = inserted[0]
    row["metadata"] = metadata and orjson.loads(metadata)  # keys in the order in which they will be read
    for each, address_id in zip(rows, address_ids, strict=True):
        each["id"], each["user_id"] = address_id, row["id"]
    return Inserted(row, rows)


def _completed_row(model: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """All columns of a new row but its ids."""
    constants, makers = _defaults(model)
    made = {name: make() for name, make in makers.items() if name not in given}
    return {**constants, **made, **given, **computed_columns(model, given)}


@cache
def _defaults(model: Any) -> tuple[dict[str, Any], dict[str, Callable[[], Any]]]:
    """The default values of columns, and the functions that make a new one for each row."""
    fields = _fields_of_new(model)
    makers = {name: field.default for name, field in fields.items() if field.has_default() and callable(field.default)}
    return {name: field.get_default() for name, field in fields.items() if name not in makers}, makers


@cache
def _preparations() -> dict[str, Callable[[Any], Any] | None]:
    """What makes a parameter of the value of each column of a person. None where psycopg takes the value as it is."""

    def preparation(field: Any) -> Callable[[Any], Any] | None:
        if isinstance(field, JSONField):
            return _json_text
        if isinstance(field, GenericIPAddressField):
            return partial(field.get_db_prep_save, connection=connection)
        return None

    return {name: preparation(field) for name, field in _fields_of_new(User).items()}


def _json_text(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value).decode()


@cache
def _fields_of_new(model: Any) -> dict[str, Any]:
    """By column, the fields that an INSERT fills with values of one row."""
    return {field.attname: field for field in insertable_fields(model) if field.name != "user"}


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
                columns[name] = _tag_row(name)
            rows.append({"ordinal": ordinal, **columns[name]})
    return orjson.dumps(rows).decode()


def _tag_row(name: str) -> dict[str, Any]:
    return {"name": name, **computed_columns(Tag, {"name": name})}


def _varying_and_same(plain: Model, rows: Iterable[Mapping[str, Any]]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The columns of new rows with their defaults, which `plain` has: those that some row sets, and the others, as the
    database takes them. Few values vary, so little has to be sent."""
    given = set().union(*rows)
    fields = _fields_of_new(type(plain))
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

    Parameters: the columns of a person, as `insertable_fields` has them; `definitions.unchanged_params`; the addresses
    as a list of JSON, with their `place`; the tags as a list of JSON; `history.created_params`.
    """
    columns = tuple(_fields_of_new(User))
    # PostgreSQL needs 8 % less time than for the statement below, which looks for the sequence of the ids, and joins.
    person = f"""person AS (
            INSERT INTO {User._meta.db_table} ({", ".join(columns)})
            SELECT {", ".join(["%s"] * len(columns))} WHERE {definitions.unchanged_sql()}
            {ON_CONFLICT}
        )"""
    belongings = _belongings_sql((), tuple(_fields_of_new(Address)), ())
    returned = "person.id, person.metadata, ARRAY(SELECT id FROM address ORDER BY id)"
    return f"WITH {person}, {belongings} SELECT {returned} FROM person"  # noqa: S608  names of tables and columns


@cache
def _insert_sql(person: Columns, same_person: Columns, address: Columns, same_address: Columns) -> str:
    """Inserts people and returns the ordinals of those who are new.

    Parameters: the people as a list of JSON, with `ordinal` and the columns `person`; the values of `same_person` and
    of `same_address`; the addresses as a list of JSON, with `ordinal`, their `place` and the columns `address`; the
    tags as a list of JSON, with `ordinal` and the columns of a tag; `history.created_params`.
    """
    return f"""
        WITH given AS MATERIALIZED (
            SELECT nextval((SELECT pg_get_serial_sequence('{User._meta.db_table}', 'id')::regclass)) AS id, given.*
            FROM {_json_rows(User, ("ordinal", *person))}
        ), inserted AS (
            INSERT INTO {User._meta.db_table} ({", ".join(("id", *person, *same_person))})
            SELECT {", ".join(("id", *person, *["%s"] * len(same_person)))} FROM given ORDER BY ordinal
            {ON_CONFLICT}
        ), person AS MATERIALIZED (
            SELECT inserted.*, given.ordinal FROM inserted JOIN given USING (id)
        ), {_belongings_sql(("ordinal",), address, same_address)}
        SELECT person.ordinal FROM person
    """  # noqa: S608  names of tables and columns are put in; all values are parameters


def _belongings_sql(key: Columns, address: Columns, same_address: Columns) -> str:
    """The items of a WITH clause that insert what belongs to the people of the item `person`.

    `key`: the column by which the addresses and the tags of a person are found; empty where there is one person.
    """
    tag = ("name", *(field.attname for field in computed_fields(Tag)))
    join = f"JOIN person USING ({key[0]})" if key else "CROSS JOIN person"
    return f"""address AS (
            INSERT INTO {Address._meta.db_table} ({", ".join(("user_id", *address, *same_address))})
            SELECT {", ".join(("person.id", *address, *["%s"] * len(same_address)))}
            FROM {_json_rows(Address, (*key, "place", *address))} {join} ORDER BY {", ".join((*key, "place"))}
            RETURNING id
        ), tag AS (
            INSERT INTO {Tag._meta.db_table} ({", ".join(tag)})
            SELECT DISTINCT given.name COLLATE "C", {", ".join(tag[1:])}
            FROM {_json_rows(Tag, (*key, *tag))} {join}
            WHERE NOT EXISTS (SELECT FROM {Tag._meta.db_table} AS known WHERE known.name = given.name)
            ORDER BY 1
            ON CONFLICT DO NOTHING
        ), {history.created_sql("person")}"""  # noqa: S608  names of tables and columns are put in; all values are parameters


def _json_rows(model: Any, columns: Columns) -> str:
    def type_of(column: str) -> str:
        return "bigint" if column in ("ordinal", "place") else model._meta.get_field(column).db_type(connection)

    return f"json_to_recordset(%s) AS given ({', '.join(f'{column} {type_of(column)}' for column in columns)})"
