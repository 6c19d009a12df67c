"""Inserting new customers: on PostgreSQL one by a statement and many by COPY, on SQLite by the ORM.

All ways write the same: the people, their addresses, tags that are new, and their history.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, lru_cache, partial
from itertools import repeat
from typing import Any, NamedTuple

import orjson
from django.db import IntegrityError, connection, transaction
from django.db.models import GenericIPAddressField, JSONField, Model
from django.utils import timezone

from customers import history
from customers.core.computed import ComputedField, computed_columns, computed_fields
from customers.core.postgres import (
    MIN_ROWS_FOR_COPY,
    CopyRows,
    analyze_grown,
    copy_into,
    copy_rows,
    expect_new_rows,
    insertable_fields,
    sort_into_indexes,
)
from customers.metadata import services as definitions
from customers.models import Address, Event, Tag, User
from customers.validation import EmailTaken, is_email_conflict
from oauth.actor import Actor
from oauth.email_addresses import email_key
from oauth.statements import fetch_rows

TABLES = (User, Address, Event)  # that grow with each customer
MANY = 10_000
MAX_ATTEMPTS = 100  # to insert people, while others insert some of them


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


class Prepared(NamedTuple):
    """Many new customers, as COPY takes them. `owners`: the position of each address's customer."""

    emails: list[str | None]  # as `email_key` writes them
    people: CopyRows
    addresses: CopyRows
    owners: list[int]


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


def insert_users(customers: Sequence[NewCustomer], by: Actor, prepared: Prepared | None = None) -> set[int]:
    """Inserts many people, whose emails differ from one another. Skips those whose email is taken.

    `prepared`: the result of `prepare` for these customers, if there is one already. Returns the positions in
    `customers` of those that were skipped.
    """
    if not customers:
        return set()
    if not takes_statement():
        people = [(User(**person), [Address(**each) for each in addresses]) for person, addresses in customers]
        return _insert_by_orm(people, by)
    prepared = prepared or prepare(customers)
    for _ in range(MAX_ATTEMPTS - 1):
        try:
            return _copy_new(customers, prepared, by)
        except IntegrityError as error:
            # Somebody inserted one of the emails in the meantime. The next attempt finds that it is taken.
            if not is_email_conflict(error):
                raise
    return _copy_new(customers, prepared, by)


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


def finish_bulk_insert(count: int) -> None:
    """Does at once what autovacuum would do later, if many people were inserted. `count`: by the whole job."""
    if count >= MANY and connection.vendor == "postgresql":
        sort_into_indexes(TABLES)
        analyze_grown(TABLES, times=1.1)


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
            *[
                value if (value := row[name]) is None or prepare is None else prepare(value)
                for name, prepare in _preparations().items()
            ],
            *definitions.unchanged_params((row["metadata"] or {}) if bound is not None else (), bound or {}),
            orjson.dumps([{"place": place, **each} for place, each in enumerate(rows)]).decode(),
            _tags_json(row["tags"]),
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
    """What makes a parameter of the value of each column of a person, if that is not null. None where psycopg takes the
    value as it is."""

    def preparation(field: Any) -> Callable[[Any], Any] | None:
        if isinstance(field, JSONField):
            return _json_text
        if isinstance(field, GenericIPAddressField):
            return partial(field.get_db_prep_save, connection=connection)
        return None

    return {name: preparation(field) for name, field in _fields_of_new(User).items()}


def _json_text(value: Any) -> str:
    return orjson.dumps(value).decode()


def _tags_json(names: Iterable[str]) -> str:
    return orjson.dumps(list(map(_tag_row, names))).decode()


@lru_cache(maxsize=1024)  # many people share tags
def _tag_row(name: str) -> dict[str, Any]:
    return {"name": name, **computed_columns(Tag, {"name": name})}


@cache
def _fields_of_new(model: Any) -> dict[str, Any]:
    """By column, the fields that an INSERT fills with values of one row."""
    return {field.attname: field for field in insertable_fields(model) if field.name != "user"}


def prepare(customers: Sequence[NewCustomer]) -> Prepared:
    """What `insert_users` copies on PostgreSQL. This function does not use the database, so another thread can call
    it."""
    now = timezone.now()
    people = [customer.person for customer in customers]
    addresses = [address for customer in customers for address in customer.addresses]
    columns = _columns(User(date_joined=now, updated_at=now), people)
    return Prepared(
        columns[User._meta.get_field("email_key")],
        copy_rows(columns),
        copy_rows(_columns(Address(created_at=now, updated_at=now), addresses)),
        [position for position, customer in enumerate(customers) for _ in customer.addresses],
    )


def _columns(plain: Model, rows: Sequence[Mapping[str, Any]]) -> dict[Any, Any]:
    """The values of new rows by field, as `copy_rows` takes them. `plain` has the default values."""
    given = set().union(*rows)

    def column(field: Any) -> Iterable[Any]:
        if isinstance(field, ComputedField):
            return field.computed_for_all(rows)
        default = getattr(plain, field.attname)
        return [row.get(field.attname, default) for row in rows] if field.attname in given else repeat(default)

    return {field: column(field) for field in _fields_of_new(type(plain)).values()}


@transaction.atomic
def _copy_new(customers: Sequence[NewCustomer], prepared: Prepared, by: Actor) -> set[int]:
    """Does what `insert_users` does. Raises IntegrityError if somebody inserts one of the emails in the meantime."""
    if len(customers) >= MIN_ROWS_FOR_COPY:
        # Each connection keeps the plans that check foreign keys and look up emails. A plan for a small table reads all
        # of it for each row, until the table is analyzed.
        analyze_grown(TABLES, times=2)
    expect_new_rows(User, len(customers))
    with connection.cursor() as cursor:
        cursor.execute(_new_ids_sql(), [orjson.dumps(prepared.emails).decode()])
        ids: dict[int, int] = dict(cursor.fetchall())
        new = [customers[position].person for position in ids]
        copy_into(User, prepared.people, "id", ids.items())
        owners = [(number, ids[owner]) for number, owner in enumerate(prepared.owners) if owner in ids]
        copy_into(Address, prepared.addresses, "user_id", owners)
        tags = {tag for person in new for tag in person.get("tags", ())}
        consents = [person.get("accepts_marketing", False) for person in new]
        addresses = [person.get("ip") for person in new]
        people = [orjson.dumps(column).decode() for column in (list(ids.values()), consents, addresses)]
        cursor.execute(_belongings_of_copied_sql(), [*people, _tags_json(tags), *history.created_params(by)])
    return set(range(len(customers))) - ids.keys()


@cache
def insert_one_sql() -> str:
    """Inserts one person, and returns the id, the metadata and the ids of the addresses, or no row if the email is
    taken, or if the definitions of metadata are other ones.

    Parameters: the columns of a person, as `insertable_fields` has them; `definitions.unchanged_params`; the addresses
    as a list of JSON, with their `place`; the tags as a list of JSON; `history.created_params`.
    """
    columns = tuple(_fields_of_new(User))
    person = f"""person AS (
            INSERT INTO {User._meta.db_table} ({", ".join(columns)})
            SELECT {", ".join(["%s"] * len(columns))} WHERE {definitions.unchanged_sql()}
            ON CONFLICT (email_key) DO NOTHING RETURNING id, metadata, accepts_marketing, ip
        )"""
    columns = tuple(_fields_of_new(Address))
    address = f"""address AS (
            INSERT INTO {Address._meta.db_table} ({", ".join(("user_id", *columns))})
            SELECT {", ".join(("person.id", *columns))}
            FROM {_json_rows(Address, ("place", *columns))} CROSS JOIN person ORDER BY place
            RETURNING id
        )"""  # noqa: S608  names of tables and columns are put in; all values are parameters
    belongings = f"{address}, {_tags_sql('CROSS JOIN person')}, {history.created_sql('person')}"
    returned = "person.id, person.metadata, ARRAY(SELECT id FROM address ORDER BY id)"
    return f"WITH {person}, {belongings} SELECT {returned} FROM person"  # noqa: S608  the parts above


@cache
def _new_ids_sql() -> str:
    """Returns the positions of those whose email is not taken, each with an id for the new person.

    Parameter: the emails, as `email_key` writes them, as a list of JSON.
    """
    # A subquery for each email always takes the index. A join might read the whole table.
    return f"""
        SELECT position - 1, nextval((SELECT pg_get_serial_sequence('{User._meta.db_table}', 'id')::regclass))
        FROM (
            SELECT position FROM json_array_elements_text(%s) WITH ORDINALITY AS given (email_key, position)
            WHERE (SELECT id FROM {User._meta.db_table} WHERE email_key = given.email_key) IS NULL ORDER BY position
        ) AS new
    """  # noqa: S608  the name of a table is put in; the emails are a parameter


@cache
def _belongings_of_copied_sql() -> str:
    """Inserts what belongs to new people, but no addresses.

    Parameters: their ids, whether each accepts marketing, and their IP addresses; their tags; each as a list of JSON;
    `history.created_params`.
    """
    return f"""
        WITH person AS MATERIALIZED (
            SELECT id::bigint, accepts_marketing::boolean, ip::inet
            FROM ROWS FROM ({", ".join(["json_array_elements_text(%s)"] * 3)}) AS given (id, accepts_marketing, ip)
        ), {_tags_sql()}, {history.created_sql("person")}
        SELECT
    """  # noqa: S608  parts of statements of this project are put in; all values are parameters


def _tags_sql(source: str = "") -> str:
    """The item of a WITH clause that inserts the tags that are new. `source`: a further part of its FROM clause."""
    columns = ("name", *(field.attname for field in computed_fields(Tag)))
    return f"""tag AS (
            INSERT INTO {Tag._meta.db_table} ({", ".join(columns)})
            SELECT DISTINCT given.name COLLATE "C", {", ".join(columns[1:])}
            FROM {_json_rows(Tag, columns)} {source}
            WHERE NOT EXISTS (SELECT FROM {Tag._meta.db_table} AS known WHERE known.name = given.name)
            ORDER BY 1
            ON CONFLICT DO NOTHING
        )"""  # noqa: S608  names of tables and columns are put in; all values are parameters


def _json_rows(model: Any, columns: tuple[str, ...]) -> str:
    def type_of(column: str) -> str:
        return "bigint" if column == "place" else model._meta.get_field(column).db_type(connection)

    return f"json_to_recordset(%s) AS given ({', '.join(f'{column} {type_of(column)}' for column in columns)})"
