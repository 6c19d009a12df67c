"""Many new customers at once: by one statement on PostgreSQL, by bulk inserts on SQLite."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, NamedTuple

import orjson
from django.db import connection
from django.db.models import Model
from django.utils import timezone

from customers import history
from customers.core.postgres import insertable_fields
from customers.insertion import remember_tags
from customers.jobs.imports.rows import ParsedCustomer as Draft
from customers.models import Address, Event, User
from oauth.actor import Actor

Names = tuple[str, ...]


class Statement(NamedTuple):
    """What inserts drafts on PostgreSQL, but for the parameters of the event."""

    sql: str
    params: list[Any]


def known_emails(drafts: Iterable[Draft]) -> set[str]:
    """Of these drafts' emails, in lower case, those that somebody has."""
    emails = [draft.person["email"].lower() for draft in drafts]
    return {email.lower() for email in User.objects.filter(email__lower__in=emails).values_list("email", flat=True)}


def store(drafts: list[Draft], by: Actor, statement: Statement | None = None) -> set[int]:
    """Inserts people, addresses, unseen tags and events, in the caller's transaction; emails may differ only from one
    another. Returns the lines whose email somebody has: they are left out. `statement`: what `prepare` made of them."""
    statement = statement or prepare(drafts)
    left_out = insert_by_statement(drafts, statement, by) if statement else insert_in_bulk(drafts, by)
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
    history.record(history.event(user.pk, Event.Kind.CREATED, by) for user in people)
    return {draft.line for draft in drafts} - {draft.line for draft in new}


def insert_by_statement(drafts: list[Draft], statement: Statement, by: Actor) -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute(statement.sql, [*statement.params, *history.created_params(by)])
        return {draft.line for draft in drafts} - {line for (line,) in cursor.fetchall()}


def prepare(drafts: list[Draft]) -> Statement | None:
    """What `store` can do ahead, and in another thread: the database is not asked. None where it takes no such
    statement."""
    if not drafts or connection.vendor != "postgresql":
        return None
    now = timezone.now()
    book = [(draft.line, place, address) for draft in drafts for place, address in enumerate(draft.book)]
    person, same_person = _split(User(date_joined=now, updated_at=now), [draft.person for draft in drafts])
    address, same_address = _split(Address(created_at=now, updated_at=now), [fields for _, _, fields in book])
    people_json = orjson.dumps([{"line": draft.line, **person, **draft.person} for draft in drafts])
    book_json = orjson.dumps([{"line": line, "place": place, **address, **fields} for line, place, fields in book])
    return Statement(
        _insert(*map(tuple, (person, same_person, address, same_address))),
        [people_json.decode(), *same_person.values(), *same_address.values(), book_json.decode()],
    )


def _split(plain: Model, rows: Iterable[Mapping[str, Any]]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The columns of new rows, each with what `plain` has: those that a row says something else of, and the rest, as
    the database takes them."""
    said = set().union(*rows)
    fields = {field.attname: field for field in insertable_fields(type(plain)) if field.name != "user"}
    return {name: getattr(plain, name) for name in fields if name in said}, {
        name: field.get_db_prep_save(getattr(plain, name), connection)
        for name, field in fields.items()
        if name not in said
    }


@cache
def _insert(person: Names, same_person: Names, address: Names, same_address: Names) -> str:
    return f"""
        WITH given AS MATERIALIZED (
            SELECT * FROM json_to_recordset(%s) AS given (line bigint{_typed(User, person)})
        ), person AS (
            INSERT INTO {User._meta.db_table} ({", ".join(person + same_person)})
            SELECT {", ".join((*person, *["%s"] * len(same_person)))} FROM given ORDER BY line
            ON CONFLICT (LOWER(email)) DO NOTHING
            RETURNING id, email
        ), known AS MATERIALIZED (
            SELECT person.id, given.line FROM person JOIN given USING (email)
        ), book AS (
            INSERT INTO {Address._meta.db_table} ({", ".join(("user_id", *address, *same_address))})
            SELECT {", ".join(("known.id", *address, *["%s"] * len(same_address)))}
            FROM json_to_recordset(%s) AS given (line bigint, place bigint{_typed(Address, address)})
            JOIN known USING (line) ORDER BY line, place
        ), {history.created_sql("known")}
        SELECT line FROM known
    """  # noqa: S608  only names of tables and columns are put in


def _typed(model: Any, names: Names) -> str:
    return "".join(f", {name} {model._meta.get_field(name).db_type(connection)}" for name in names)
