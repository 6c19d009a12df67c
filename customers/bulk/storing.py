"""Many new customers at once: by COPY and one statement on PostgreSQL, by bulk inserts on SQLite."""

import json
from collections.abc import Iterable
from functools import cache
from typing import Any

from django.db import connection
from django.utils import timezone

from customers.bulk.rows import PERSON, Draft
from customers.models import Address, Event, User
from customers.services import Actor
from customers.storage import columns, remember_tags
from customers.webhooks import outbox


def known_emails(drafts: Iterable[Draft]) -> set[str]:
    """Of these drafts' emails, in lower case, those that somebody has."""
    emails = [draft.person["email"].lower() for draft in drafts]
    return {email.lower() for email in User.objects.filter(email__lower__in=emails).values_list("email", flat=True)}


def store(drafts: list[Draft], by: Actor) -> set[int]:
    """Inserts people, addresses, unseen tags and events, in the caller's transaction; emails may differ only from one
    another. Returns the lines whose email somebody has: they are left out."""
    insert = insert_by_copy if connection.vendor == "postgresql" else insert_in_bulk
    left_out = insert(drafts, by)
    stored = (draft for draft in drafts if draft.line not in left_out)
    remember_tags(list({tag for draft in stored for tag in draft.person.get("tags", ())}))
    return left_out


def insert_in_bulk(drafts: list[Draft], by: Actor) -> set[int]:
    known = known_emails(drafts)
    new = [draft for draft in drafts if draft.person["email"].lower() not in known]
    people = User.objects.bulk_create(User(**draft.person) for draft in new)
    Address.objects.bulk_create(
        Address(user=user, **address) for user, draft in zip(people, new, strict=True) for address in draft.book
    )
    events = [Event(user=user, kind=Event.Kind.CREATED, actor_id=by.user_id, app_id=by.app_id) for user in people]
    Event.objects.bulk_create(events)
    outbox.put(events)
    return {draft.line for draft in drafts} - {draft.line for draft in new}


def insert_by_copy(drafts: list[Draft], by: Actor) -> set[int]:
    # A field that a draft does not have: in the order in which they are copied, and what a new row has then.
    person = {field.attname: field.get_default() for field in columns(User) if field.name in PERSON}
    address = {field.attname: field.get_default() for field in columns(Address) if field.name != "user"}
    rest = [field for field in columns(User) if field.name not in PERSON]
    now = timezone.now()
    person["date_joined"] = now
    with connection.cursor() as cursor:
        cursor.execute(_staging("import_person", "line", User, person))
        cursor.execute(_staging("import_address", "line, place", Address, address))
        with cursor.copy(f"COPY import_person (line, {', '.join(person)}) FROM STDIN") as copy:
            for draft in drafts:
                values = {**person, **draft.person}
                values["tags"], values["metadata"] = _dumped(values["tags"]), _dumped(values["metadata"])
                copy.write_row((draft.line, *values.values()))
        with cursor.copy(f"COPY import_address (line, place, {', '.join(address)}) FROM STDIN") as copy:
            for draft in drafts:
                for place, fields in enumerate(draft.book):
                    copy.write_row((draft.line, place, *{**address, **fields}.values()))
        others = User(updated_at=now)
        same_for_all = [field.get_db_prep_save(getattr(others, field.attname), connection) for field in rest]
        cursor.execute(
            _insert(tuple(person), tuple(address), tuple(field.column for field in rest)),
            [*same_for_all, Event.Kind.CREATED, now, by.user_id, by.app_id],
        )
        stored = {line for (line,) in cursor.fetchall()}
        cursor.execute("DROP TABLE import_person, import_address")
    return {draft.line for draft in drafts} - stored


def _dumped(value: Any) -> str | None:
    return None if value is None else json.dumps(value)


def _staging(name: str, keys: str, model: Any, names: Iterable[str]) -> str:
    numbers = ", ".join(f"0::bigint AS {key}" for key in keys.split(", "))
    return f"""
        CREATE TEMPORARY TABLE {name} AS
        SELECT {numbers}, {", ".join(names)} FROM {model._meta.db_table} WITH NO DATA
    """  # noqa: S608  only names of tables and columns are put in


@cache
def _insert(person: tuple[str, ...], address: tuple[str, ...], rest: tuple[str, ...]) -> str:
    return f"""
        WITH person AS (
            INSERT INTO {User._meta.db_table} ({", ".join(person)}, {", ".join(rest)})
            SELECT {", ".join(person)}, {", ".join(["%s"] * len(rest))} FROM import_person ORDER BY line
            ON CONFLICT (LOWER(email)) DO NOTHING
            RETURNING id, email
        ), known AS MATERIALIZED (
            SELECT person.id, staged.line FROM person JOIN import_person staged USING (email)
        ), book AS (
            INSERT INTO {Address._meta.db_table} (user_id, {", ".join(address)})
            SELECT known.id, {", ".join(f"staged.{name}" for name in address)}
            FROM import_address staged JOIN known USING (line) ORDER BY staged.line, staged.place
        ), happened AS (
            INSERT INTO {Event._meta.db_table} (user_id, kind, at, actor_id, app_id, changes)
            SELECT id, %s, %s, %s, %s, '{{}}' FROM known ORDER BY line
        ), told AS (
            {outbox.put_created_sql("known")}
        )
        SELECT line FROM known
    """  # noqa: S608  only names of tables and columns are put in
