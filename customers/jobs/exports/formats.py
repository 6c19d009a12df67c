"""Customers as a file that an import understands, in this store or another one."""

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, TextIO

import orjson
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Max, Min

from customers.jobs.imports.columns import ADDRESS, COUNTERS, METADATA, MORE_ADDRESSES, PERSON, PURCHASES
from customers.jobs.imports.rows import quoted
from customers.models import Address, Customer
from customers.orders.models import Order
from customers.querysets import UserQuerySet

BATCH = 2_000
HEADER = (*PERSON, *COUNTERS, *PURCHASES, *(f"address_{name}" for name in ADDRESS), MORE_ADDRESSES)


def everybody() -> UserQuerySet:
    """Leads and customers, but not who was erased: nothing is left to know them by."""
    return Customer.objects.exclude(email=None)


def rows(people: UserQuerySet, *, after: int = 0, limit: int | None = None) -> Iterator[dict[str, Any]]:
    """The first `limit` with a higher id than `after`, by id, each with `addresses` and PURCHASES, in constant memory:
    a batch is found by where the last one ended, and takes three queries."""
    left = limit
    while batch := list(
        people.filter(pk__gt=after).order_by("pk").values("id", *PERSON, *COUNTERS)[: min(left or BATCH, BATCH)]
    ):
        books: dict[int, list[dict[str, Any]]] = {row["id"]: [] for row in batch}
        for address in Address.objects.filter(user__in=books).order_by("pk").values("user_id", *ADDRESS):
            books[address.pop("user_id")].append(address)
        purchases = _purchases([row["id"] for row in batch if row["orders_count"]])
        for row in batch:
            row["date_joined"] = _moment(row["date_joined"])
            yield {**row, **purchases.get(row["id"], NO_PURCHASES), "addresses": books[row["id"]]}
        after = batch[-1]["id"]
        if left is not None:
            left -= len(batch)
            if left <= 0:
                return


NO_PURCHASES = dict.fromkeys(PURCHASES)


def _purchases(ids: list[int]) -> dict[int, dict[str, str]]:
    """When these customers placed the first and the last order that counts."""
    if not ids:
        return {}
    placed = Order.objects.successful().filter(user__in=ids).order_by().values_list("user_id")
    spans = placed.annotate(Min("date_placed"), Max("date_placed"))
    return {
        user_id: dict(zip(PURCHASES, (_moment(first), _moment(last)), strict=True)) for user_id, first, last in spans
    }


def _moment(value: datetime) -> str:
    return value.astimezone(UTC).isoformat()


def write_jsonl(
    rows: Iterable[dict[str, Any]], file: TextIO, *, is_first: bool = True, keys: Sequence[str] = ()
) -> int:
    """In the shape of the API, which has all keys of metadata, with PURCHASES. Returns how many."""
    number = 0
    for row in rows:
        number += 1
        shown = {name: value for name, value in row.items() if name != "id"}
        file.write(json.dumps(shown, cls=DjangoJSONEncoder, ensure_ascii=False) + "\n")
    return number


def write_csv(rows: Iterable[dict[str, Any]], file: TextIO, *, is_first: bool = True, keys: Sequence[str] = ()) -> int:
    """One row a customer: the first address in columns, others as JSON. Null looks like an empty text there, and no
    cell is a formula to a spreadsheet. `is_first`: with the header. `keys`: of metadata, to be columns, too.
    Returns how many."""
    writer = csv.writer(file)
    header = (*HEADER, *(METADATA + key for key in keys))
    if is_first:
        writer.writerow(header)
    number = 0
    for row in rows:
        number += 1
        first, *others = row["addresses"] or [{}]
        cells = {**row, **{f"address_{name}": first.get(name) for name in ADDRESS}, MORE_ADDRESSES: others}
        cells |= {METADATA + key: (row["metadata"] or {}).get(key) for key in keys}
        writer.writerow([_cell(name, cells[name]) for name in header])
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
