"""Documents as an order system reports them, and the schemas by which they are read back."""

import json
from collections.abc import Iterator
from copy import deepcopy
from itertools import count
from pathlib import Path
from typing import Any

import jsonschema_rs

from customers.api.openapi import document

_number = count(1)

# Of every kind, so that it is the wrong one for any field.
JUNK = (None, True, -1, 2**40, 0.5, "", "x" * 600, "2026-10-03 09:12", "12,50", [], [None, 1], {}, {"id": "x"})


def full(name: str) -> dict[str, Any]:
    """The complete `order` or `subscription` that is kept next to this module."""
    return json.loads(Path(__file__).with_name(f"{name}.json").read_text())


def order(**changes) -> dict[str, Any]:
    """The least of an order that counts: paid, 20.00."""
    return {
        "number": f"N{next(_number)}",
        "date_placed": "2026-10-03T09:12:44Z",
        "payment_status": "paid",
        "total_incl_tax": "20.00",
        **changes,
    }


def subscription(**changes) -> dict[str, Any]:
    """The least of a subscription that counts."""
    return {"id": next(_number), "date_created": "2026-10-03T09:12:44Z", "status": "active", **changes}


def refund(amount: str) -> dict[str, Any]:
    return {"total_refund_amount": amount}


def published(component: str, version: str) -> jsonschema_rs.Draft202012Validator:
    """A schema of the published document, formats included."""
    schema = {"$ref": f"#/components/schemas/{component}", "components": document(version)["components"]}
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=True)


def spoiled(report: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The report with one value, at any depth, missing or replaced by junk; each with a word on where and what."""
    for path in _paths(report):
        *parents, last = path
        for junk in (*JUNK, "missing"):
            spoiled_report = deepcopy(report)
            holder: Any = spoiled_report
            for step in parents:
                holder = holder[step]
            if junk == "missing":
                del holder[last]
            else:
                holder[last] = junk
            yield f"{path} {junk!r}", spoiled_report


def _paths(value: Any, *path: Any) -> Iterator[tuple[Any, ...]]:
    steps = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for step in steps:
        yield (*path, step)
        yield from _paths(value[step], *path, step)
