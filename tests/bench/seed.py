"""Many customers out of one, by the database."""

from datetime import timedelta

from django.db import connection, models
from django.utils.timezone import now

# How each of them differs from the first: SQL over its number `n` of `total`. Names, emails and phone numbers are
# spread as in life, so that a filter finds few of them whatever their number.
FIRST = "translate(left(md5(n::text), 7), '0123456789', 'aeioulnrst')"
LAST = "translate(right(md5(n::text), 9), '0123456789', 'aeioulnrst')"
PHONE = "'+1' || 2000000000 + mod(n * 6364136223, 7999999999)"
EMAIL = f"{FIRST} || '.' || {LAST} || '@example.com'"
VARIED = {
    "email": EMAIL,
    "email_key": EMAIL,
    "first_name": f"initcap({FIRST})",
    "last_name": f"initcap({LAST})",
    "phone_number": PHONE,
    "full_name": rf"{FIRST} || E'\n' || {LAST}",
    "search_text": f"concat_ws(' ', {FIRST}, {LAST}, {EMAIL}, {PHONE})",
    "date_joined": "now() - (total - n) * interval '1 minute'",
}


def multiply(
    person: models.Model,
    dependents: dict[type[models.Model], str],
    total: int,
    varied: dict[str, str] = VARIED,
) -> None:
    """Makes `total` customers out of `person`, each with copies of the rows that `dependents` (model to column) hold
    of them."""
    if connection.vendor != "postgresql":
        _multiply_by_orm(person, dependents, total)
        return
    people = type(person)._meta.db_table
    names = _copied(type(person))
    values = [varied.get(name, f"person.{name}") for name in names]
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {people} ({', '.join(names)}) SELECT {', '.join(values)}"
            f" FROM {people} person, (SELECT n, {total} AS total FROM generate_series(2::bigint, {total}) n) numbers"
            " WHERE person.id = %s ORDER BY n",
            [person.pk],
        )
        for model, owner in dependents.items():
            table, names = model._meta.db_table, _copied(model)
            values = [f"person.id AS {name}" if name == owner else f"own.{name}" for name in names]
            cursor.execute(
                f"INSERT INTO {table} ({', '.join(names)}) SELECT {', '.join(values)}"
                f" FROM {people} person, {table} own WHERE own.{owner} = %s AND person.id > own.{owner}"
                " ORDER BY person.id",
                [person.pk],
            )
        cursor.execute("VACUUM ANALYZE")


def _multiply_by_orm(person: models.Model, dependents: dict[type[models.Model], str], total: int) -> None:
    """Without VARIED, which is SQL of PostgreSQL: emails, first names and times differ."""
    people = [
        _copy(
            person, email=f"customer-{n}@example.com", first_name=f"Ada {n}", date_joined=now() - timedelta(minutes=n)
        )
        for n in range(total, 1, -1)
    ]
    type(person)._default_manager.bulk_create(people, batch_size=500)
    for model, owner in dependents.items():
        own = list(model._default_manager.filter(**{owner: person.pk}))
        copies = [_copy(each, **{owner: one.pk}) for one in people for each in own]
        model._default_manager.bulk_create(copies, batch_size=500)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _copy(row: models.Model, **changes) -> models.Model:
    fields = [field for field in row._meta.concrete_fields if not (field.primary_key or field.generated)]
    return type(row)(**{field.attname: getattr(row, field.attname) for field in fields} | changes)


def _copied(model: type[models.Model]) -> list[str]:
    return [field.column for field in model._meta.concrete_fields if not (field.primary_key or field.generated)]


def some(model: type[models.Model], number: int = 1000) -> list[dict]:
    """Customers taken at random, as rows of `VARIED` and the id."""
    names = [name for name in VARIED if hasattr(model, name)]
    return list(model._default_manager.exclude(phone_number=None).order_by("?").values("id", *names)[:number])
