"""The ids of this API: a prefix and a ULID of the moment a row was made and of its number.

No column holds them: the number finds the row, and the moment, which never changes, has to be the row's. They sort as
their rows were made.
"""

import re
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
NUMBER_BITS = 80
MAX_NUMBER = 2**63 - 1
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
FROM_CROCKFORD = str.maketrans(CROCKFORD, "0123456789ABCDEFGHIJKLMNOPQRSTUV")  # as int() reads base 32
ULID = re.compile(f"[0-7][{CROCKFORD}]{{25}}")
# Two digits at a time: a page has a hundred ids.
PAIRS = [first + second for first in CROCKFORD for second in CROCKFORD]
SHIFTS = tuple(range(120, -1, -10))

CUSTOMER, ADDRESS, GROUP, USER, ORDER = "cus_", "addr_", "cgrp_", "usr_", "order_"


def encoded(prefix: str, number: int, made_at: datetime) -> str:
    """Whoever was made before 1970 sorts with those of its first moment."""
    milliseconds = max(0, (made_at - EPOCH) // MILLISECOND)
    bits = milliseconds << NUMBER_BITS | number
    return prefix + "".join([PAIRS[bits >> shift & 1023] for shift in SHIFTS])


def number_in(prefix: str, id: str) -> int | None:
    """Of the row that may have this id: whether it does is to be seen by encoding it. None: no row can."""
    digits = id.removeprefix(prefix)
    if not id.startswith(prefix) or not ULID.fullmatch(digits):
        return None
    number = int(digits.translate(FROM_CROCKFORD), 32) & (1 << NUMBER_BITS) - 1
    return number if number <= MAX_NUMBER else None
