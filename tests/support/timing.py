"""Tests of what holds within a second, on a machine that may be too busy to ask so soon."""

import time
from collections.abc import Callable
from functools import wraps
from itertools import pairwise

TRIES = 20


class TooSlow(Exception):
    """The machine was held up: what was measured says nothing."""


def again_if_too_slow(test: Callable[..., None]) -> Callable[..., None]:
    """Of a test that raises TooSlow."""

    @wraps(test)
    def run(*arguments, **fixtures) -> None:
        for _ in range(TRIES):
            try:
                return test(*arguments, **fixtures)
            except TooSlow:
                time.sleep(1)  # what was counted is over
        raise TooSlow

    return run


def require_within(seconds: float, began: float) -> None:
    """Raises TooSlow if it is longer ago (`time.monotonic`)."""
    if time.monotonic() - began > seconds:
        raise TooSlow


def require_no_pause_of(seconds: float, moments: list[float]) -> None:
    """Raises TooSlow if two of the moments that follow each other are further apart."""
    if any(after - before > seconds for before, after in pairwise(sorted(moments))):
        raise TooSlow
