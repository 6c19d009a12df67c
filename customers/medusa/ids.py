"""The ids of this API: a prefix, and a ULID made of the creation time of a row and of its primary key.

No column holds them. The key finds the row, and the time must be the row's, which never changes. Ids sort by creation.
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


def encoded(prefix: str, number: int, created_at: datetime) -> str:
    """A row from before 1970 sorts as one of its first millisecond."""
    milliseconds = max(0, (created_at - EPOCH) // MILLISECOND)
    bits = milliseconds << NUMBER_BITS | number
    return prefix + "".join([PAIRS[bits >> shift & 1023] for shift in SHIFTS])


def decoded(prefix: str, id: str) -> int | None:
    """The key of the row that may have this id; encode it again to be sure. None if no row can have it."""
    digits = id.removeprefix(prefix)
    if not id.startswith(prefix) or not ULID.fullmatch(digits):
        return None
    number = int(digits.translate(FROM_CROCKFORD), 32) & (1 << NUMBER_BITS) - 1
    return number if number <= MAX_NUMBER else None
