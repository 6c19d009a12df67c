"""How a new customer is written: in one statement where the database can, in one transaction everywhere."""

import json
from functools import cache

from django.db import IntegrityError, connection, transaction

from customers import history
from customers.core.postgres import insertable_fields
from customers.models import Address, Event, Tag, User
from customers.validation import EmailTaken, is_email_conflict
from oauth.actor import Actor

MANY = 10_000


def insert_user(user: User, addresses: list[Address], by: Actor) -> None:
    """Inserts a person, addresses and unseen tags, and records it; sets the ids of person and addresses.

    Raises EmailTaken, with nothing written.
    """
    if connection.vendor == "postgresql":
        insert_user_in_one_statement(user, addresses, by)
    else:
        insert_user_in_one_transaction(user, addresses, by)
    # As a prefetch would leave it: reading them back costs no query.
    user._prefetched_objects_cache = {"addresses": addresses}  # type: ignore[attr-defined]  # Django keeps it untyped


def insert_user_in_one_transaction(user: User, addresses: list[Address], by: Actor) -> None:
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
        history.record([history.event(user.pk, Event.Kind.CREATED, by)])


def insert_user_in_one_statement(user: User, addresses: list[Address], by: Actor) -> None:
    """The same with one round trip instead of five (a CTE)."""
    values = [field.get_db_prep_save(getattr(user, field.attname), connection) for field in insertable_fields(User)]
    book = [
        {field.attname: getattr(address, field.attname) for field in insertable_fields(Address)}
        for address in addresses
    ]
    happened = history.created_params(by)
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


def analyze_after_bulk_insert(count: int) -> None:
    """Refreshes the planner's statistics after many people were inserted."""
    if count >= MANY and connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"ANALYZE {', '.join(model._meta.db_table for model in (User, Address, Event))}")


def remember_tags(names: list[str]) -> None:
    # In the order of the other way, so that two writers with the same tags never wait for each other in a circle.
    Tag.objects.bulk_create([Tag(name=name) for name in sorted(names)], ignore_conflicts=True)


@cache
def insert_statement() -> str:
    person = insertable_fields(User)
    given = ", ".join(f"{field.column} {field.db_type(connection)}" for field in insertable_fields(Address))
    book = [field.column for field in insertable_fields(Address) if field.column != "user_id"]
    return f"""
        WITH person AS (
            INSERT INTO {User._meta.db_table} ({", ".join(field.column for field in person)})
            VALUES ({", ".join(["%s"] * len(person))})
            ON CONFLICT (LOWER(email)) DO NOTHING
            RETURNING id, metadata
        ), given AS (
            SELECT * FROM ROWS FROM (
                jsonb_to_recordset(%s) AS ({given})
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
        ), {history.created_sql("person")}
        SELECT person.id, person.metadata, ARRAY(SELECT id FROM book ORDER BY id) FROM person
    """  # noqa: S608  only names of tables and columns are put in
