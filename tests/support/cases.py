"""Many cases in one test."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from functools import wraps
from typing import Any

from django.db import connection, transaction


def each(names: str, cases: Iterable[Any] | Mapping[str, Any]) -> Callable[[Callable], Callable]:
    """Like `pytest.mark.parametrize`, but all cases run in one test, after one set-up.

    Each case starts from the same database: what it writes is rolled back. So fixtures that write are arguments of the
    test, not asked for in a case by `request.getfixturevalue`. The test lists all cases that fail.
    `names`: as in parametrize, one or several, separated by commas. `cases`: may be named by the keys of a mapping.
    """
    arguments = [name.strip() for name in names.split(",")]
    named = list(cases.items()) if isinstance(cases, Mapping) else [(_label(case), case) for case in cases]

    def decorate(test: Callable) -> Callable:
        signature = inspect.signature(test)

        @wraps(test)
        def run(*args: Any, **fixtures: Any) -> None:
            failures: list[str] = []
            for label, case in named:
                values = [case] if len(arguments) == 1 else case
                try:
                    with rolled_back():
                        test(*args, **fixtures, **dict(zip(arguments, values, strict=True)))
                except Exception as error:
                    failures.append(f"{label}: {type(error).__name__}: {error}")
            if failures:
                raise AssertionError("\n".join([f"{len(failures)} of {len(named)} cases failed:", *failures]))

        kept = [parameter for name, parameter in signature.parameters.items() if name not in arguments]
        run.__signature__ = signature.replace(parameters=kept)  # type: ignore[attr-defined]  # pytest reads it
        return run

    return decorate


def _label(case: Any) -> str:
    text = repr(case)
    return text if len(text) <= 200 else f"{text[:200]}... ({len(text)} characters)"


def rolled_back() -> Any:
    """A block with changes that are undone at its end; in a test with real transactions they stay."""
    return _Rollback() if connection.in_atomic_block else nullcontext()


class _Rollback(transaction.Atomic):
    def __init__(self) -> None:
        super().__init__(using=None, savepoint=True, durable=False)

    def __exit__(self, *error: Any) -> None:
        if not connection.needs_rollback:
            transaction.set_rollback(True)
        super().__exit__(*error)
