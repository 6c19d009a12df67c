"""How a new customer is written: in one statement where the database can, in one transaction everywhere."""

import json
from functools import cache
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import AutoField, JSONField

from customers.models import Address, Event, Tag, User
from customers.validation import EmailTaken
from customers.webhooks import outbox

EMAIL_CONSTRAINT = "user_email_unique"
MANY = 10_000


def insert_user(user: User, addresses: list[Address], event: Event) -> None:
    """Inserts a person, addresses, unseen tags, the event and what webhooks are told; sets the ids of person and
    addresses.

    Raises EmailTaken, with nothing written.
    """
    if connection.vendor == "postgresql":
        insert_user_in_one_statement(user, addresses, event)
    else:
        insert_user_in_one_transaction(user, addresses, event)
    # As a prefetch would leave it: reading them back costs no query.
    user._prefetched_objects_cache = {"addresses": addresses}  # type: ignore[attr-defined]  # Django keeps it untyped


def insert_user_in_one_transaction(user: User, addresses: list[Address], event: Event) -> None:
    with transaction.atomic():
        try:
            with transaction.atomic():
                user.save(force_insert=True)
        except IntegrityError as error:
            if is_email_conflict(error):
                raise EmailTaken from None
            raise
        for address in addresses:
            address.user = user
        Address.objects.bulk_create(addresses)
        remember_tags(user.tags)
        event.user = user
        event.save(force_insert=True)
        outbox.put([event])


def insert_user_in_one_statement(user: User, addresses: list[Address], event: Event) -> None:
    """The same with one round trip instead of five (a CTE)."""
    values = [field.get_db_prep_save(getattr(user, field.attname), connection) for field in columns(User)]
    book = [{field.attname: getattr(address, field.attname) for field in columns(Address)} for address in addresses]
    happened: list[Any] = [event.kind, event.at, event.actor_id, event.app_id]
    with connection.cursor() as cursor:
        cursor.execute(insert_statement(), [*values, json.dumps(book, default=str), sorted(user.tags), *happened])
        row = cursor.fetchone()
    if row is None:
        raise EmailTaken
    user.pk, metadata, address_ids = row
    user.metadata = metadata and json.loads(metadata)  # keys in the order in which they will be read
    user._state.adding = False
    for address, address_id in zip(addresses, address_ids, strict=True):
        address.pk, address.user, address._state.adding = address_id, user, False


def insert_many(model: Any, rows: list[Any]) -> None:
    """New rows of one model, which have ids of their own or get ones that nobody reads back: by COPY on PostgreSQL.
    Raises IntegrityError."""
    if connection.vendor != "postgresql":
        model.objects.bulk_create(rows)
        return
    fields = columns(model) + ([model._meta.pk] if rows and rows[0].pk else [])
    names = ", ".join(field.column for field in fields)
    with connection.cursor() as cursor, cursor.copy(f"COPY {model._meta.db_table} ({names}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row([_copied(field, getattr(row, field.attname)) for field in fields])


def _copied(field: Any, value: Any) -> Any:
    return json.dumps(value, cls=field.encoder) if isinstance(field, JSONField) and value is not None else value


def analyze_after_bulk_insert(number: int) -> None:
    """So many people were brought in at once: of many, the planner should know soon."""
    if number >= MANY and connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"ANALYZE {', '.join(model._meta.db_table for model in (User, Address, Event))}")


def is_email_conflict(error: IntegrityError) -> bool:
    return EMAIL_CONSTRAINT in str(error)


def remember_tags(names: list[str]) -> None:
    # In the order of the other way, so that two writers with the same tags never wait for each other in a circle.
    Tag.objects.bulk_create([Tag(name=name) for name in sorted(names)], ignore_conflicts=True)


@cache
def columns(model):
    """What an INSERT has to fill: all but the id and what the database generates."""
    return [field for field in model._meta.concrete_fields if not (isinstance(field, AutoField) or field.generated)]


@cache
def insert_statement() -> str:
    person = columns(User)
    book = [field.column for field in columns(Address) if field.column != "user_id"]
    return f"""
        WITH person AS (
            INSERT INTO {User._meta.db_table} ({", ".join(field.column for field in person)})
            VALUES ({", ".join(["%s"] * len(person))})
            ON CONFLICT (LOWER(email)) DO NOTHING
            RETURNING id, metadata
        ), given AS (
            SELECT * FROM ROWS FROM (
                jsonb_to_recordset(%s) AS ({", ".join(f"{f.column} {f.db_type(connection)}" for f in columns(Address))})
            ) WITH ORDINALITY
        ), book AS (
            INSERT INTO {Address._meta.db_table} (user_id, {", ".join(book)})
            SELECT person.id, {", ".join(f"given.{column}" for column in book)}
            FROM person, given ORDER BY given.ordinality
            RETURNING id
        ), words AS (
            INSERT INTO {Tag._meta.db_table} (name)
            SELECT word FROM person, unnest(%s::text[]) AS word
            WHERE NOT EXISTS (SELECT FROM {Tag._meta.db_table} WHERE name = word)
            ORDER BY word COLLATE "C"
            ON CONFLICT DO NOTHING
        ), happened AS (
            INSERT INTO {Event._meta.db_table} (user_id, kind, at, actor_id, app_id, changes)
            SELECT id, %s, %s, %s, %s, '{{}}' FROM person
        ), told AS (
            {outbox.put_created_sql("person")}
        )
        SELECT person.id, person.metadata, ARRAY(SELECT id FROM book ORDER BY id) FROM person
    """  # noqa: S608  only names of tables and columns are put in
