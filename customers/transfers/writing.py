"""Customers as a file that an import understands, in this store or another one."""

import csv
import json
from collections.abc import Iterator
from datetime import UTC, date
from typing import Any, TextIO

import orjson
from django.core.serializers.json import DjangoJSONEncoder

from customers.models import Address, Customer, UserQuerySet
from customers.transfers.columns import ADDRESS, MORE_ADDRESSES, PERSON, TOLD
from customers.transfers.rows import quoted

BATCH = 2_000
PERSON_COLUMNS = (*PERSON, *(name for name in TOLD if name != "id"))
HEADER = (*PERSON_COLUMNS, *(f"address_{name}" for name in ADDRESS), MORE_ADDRESSES)


def chosen(
    *,
    user_type: str | None = None,
    language: str | None = None,
    search: str | None = None,
    joined_from: date | None = None,
    joined_to: date | None = None,
) -> UserQuerySet:
    """Of leads and customers, those who are asked for. Not who was erased: nothing is left to know them by."""
    people = Customer.objects.exclude(email=None).joined_between(joined_from, joined_to)
    exact = {"user_type": user_type, "language": language}
    people = people.filter(**{name: value for name, value in exact.items() if value})
    return people.found_by(search) if search and search.strip() else people


def rows(people: UserQuerySet) -> Iterator[dict[str, Any]]:
    """Oldest first, each with `addresses`, in constant memory: a batch is found by where the last one ended."""
    last = 0
    while batch := list(people.filter(pk__gt=last).order_by("pk").values("id", *PERSON_COLUMNS)[:BATCH]):
        books: dict[int, list[dict[str, Any]]] = {row["id"]: [] for row in batch}
        for address in Address.objects.filter(user__in=books).order_by("pk").values("user_id", *ADDRESS):
            books[address.pop("user_id")].append(address)
        for row in batch:
            last = row.pop("id")
            row["date_joined"] = row["date_joined"].astimezone(UTC).isoformat()
            yield {**row, "addresses": books[last]}


def write_jsonl(people: UserQuerySet, file: TextIO) -> int:
    """In the shape of the API. Returns how many."""
    number = 0
    for row in rows(people):
        number += 1
        file.write(json.dumps(row, cls=DjangoJSONEncoder, ensure_ascii=False) + "\n")
    return number


def write_csv(people: UserQuerySet, file: TextIO) -> int:
    """One row a customer: the first address in columns, others as JSON. Null looks like an empty text there, and no
    cell is a formula to a spreadsheet. Returns how many."""
    writer = csv.writer(file)
    writer.writerow(HEADER)
    number = 0
    for row in rows(people):
        number += 1
        first, *others = row.pop("addresses") or [{}]
        cells = {**row, **{f"address_{name}": first.get(name) for name in ADDRESS}, MORE_ADDRESSES: others}
        writer.writerow([_cell(name, cells[name]) for name in HEADER])
    return number


def _cell(name: str, value: Any) -> str:
    if value is None or value == []:
        return ""
    if name == "tags" and not any("," in tag or tag.startswith("[") for tag in value):
        return quoted(",".join(value))
    if isinstance(value, list | dict):
        return orjson.dumps(value).decode()
    if isinstance(value, bool):
        return "yes" if value else "no"
    return quoted(str(value))


FORMATS = {"csv": write_csv, "jsonl": write_jsonl}
