"""How many customers joined in a period, and who stands where in the order of joining: exact, without reading all rows.

The worker keeps milestones: every so many customers of its count (`customers.customer_count`), with the number of those
who come before. A process remembers them until the next count. One statement adds what has changed since then, and
counts the few rows between a milestone and what was asked for. All numbers include the erased customers.
"""

from bisect import bisect_left, bisect_right
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import F, Q, Subquery

from customers import customer_count
from customers.kept_numbers import CustomerCount, CustomerCountChange, CustomerMilestone
from customers.models import User
from oauth.replica import reads_from
from oauth.statements import fetch_rows

HIGHEST_ID = 2**63 - 1


class Place(NamedTuple):
    """In the order of joining; with the id 0 before all, and with HIGHEST_ID after all who joined at that moment."""

    date_joined: datetime
    id: int

    @property
    def onwards(self) -> Q:
        """The customer at this place, and all later ones."""
        is_later = Q(date_joined__gt=self.date_joined) | Q(pk__gte=self.id)
        return Q(date_joined__gte=self.date_joined) & is_later

    @property
    def before(self) -> Q:
        is_earlier = Q(date_joined__lt=self.date_joined) | Q(pk__lt=self.id)
        return Q(date_joined__lte=self.date_joined) & is_earlier


BEGINNING, END = (
    Place(datetime.min.replace(tzinfo=UTC), 0),
    Place(datetime.max.replace(tzinfo=UTC), HIGHEST_ID),
)


class Kept(NamedTuple):
    """What a worker has counted last; the milestones, and how many customers come before each."""

    counted_at: datetime
    up_to: int
    number: int
    places: list[Place]
    before: list[int]


class Start(NamedTuple):
    """Where a page may begin: `condition` leaves out the first `skipped` customers."""

    condition: Q
    skipped: int


_last_read: Kept | None = None

# The customers from one place up to another one. Only names of tables and columns are put into the SQL; all values are
# parameters, in the order of `_params`.
PEOPLE, CHANGES, COUNTS = (model._meta.db_table for model in (User, CustomerCountChange, CustomerCount))
# PostgreSQL estimates the number of rows within a range for plain columns, but not for a row of columns.
IS_BETWEEN = "date_joined BETWEEN %s AND %s AND (date_joined, {id}) >= (%s, %s) AND (date_joined, {id}) < (%s, %s)"
ARE_BETWEEN = IS_BETWEEN.format(id="id")
NUMBER = f"(SELECT count(*) FROM {PEOPLE} WHERE {ARE_BETWEEN} AND NOT is_staff)"  # noqa: S608  names
WITH_ACCOUNT = f"(SELECT count(*) FROM {PEOPLE} WHERE {ARE_BETWEEN} AND NOT is_staff AND has_account)"  # noqa: S608  names
# How many more than in the count. The newer customers, who are few, are found by their ids alone.
ADDED = f"""
    (SELECT count(*) FILTER (WHERE {ARE_BETWEEN}) FROM {PEOPLE} WHERE id > %s AND NOT is_staff)
    + (SELECT coalesce(sum(change + erased), 0) FROM {CHANGES}
        WHERE {IS_BETWEEN.format(id="user_id")} AND user_id <= %s)
"""  # noqa: S608  names of tables and columns are put in; all values are parameters


def number_joined(first: Place, last: Place) -> int | None:
    """The number of customers from one place up to another one, which is not included. None if they are to be counted:
    they are few, or no worker has counted."""
    if (kept := _kept()) is None:
        return None
    start, end = bisect_left(kept.places, first), bisect_right(kept.places, last) - 1
    if end <= start:
        return None
    since, until = kept.places[start], kept.places[end]
    found = _ask(kept, [(ADDED, since, until), (NUMBER, first, since), (NUMBER, until, last)])
    return kept.before[end] - kept.before[start] + sum(found) if found else number_joined(first, last)


def start_of_page(
    offset: int, *, newest_first: bool, only_guests: bool = False, margin: int | None = None
) -> Start | None:
    """The nearest milestone before a page. The page skips `offset` customers; with `only_guests`, so many guests.

    Returns None if there is no milestone before it. Since the count, customers were added and removed, so a place may
    have moved. `margin`: how far, at most; by default as many customers as make a worker count again.
    """
    if offset < customer_count.MILESTONE_EVERY or (kept := _kept()) is None:
        return None
    margin = customer_count.COUNT_AGAIN_AFTER if margin is None else margin
    if newest_first:
        nearest = bisect_left(kept.before, kept.number - offset + margin)
    else:
        nearest = bisect_right(kept.before, offset - margin) - 1
    if not 0 <= nearest < len(kept.places):
        return None
    place, before = kept.places[nearest], kept.before[nearest]
    skips = (place, END) if newest_first else (BEGINNING, place)
    found = _ask(kept, [(ADDED, *skips), *([(WITH_ACCOUNT, *skips)] if only_guests else [])])
    if not found:
        return start_of_page(offset, newest_first=newest_first, only_guests=only_guests)
    added, *with_account = found
    skipped = (kept.number - before if newest_first else before) + added - sum(with_account)
    if skipped > offset:
        margin = max(margin + 1, added)
        return start_of_page(offset, newest_first=newest_first, only_guests=only_guests, margin=margin)
    return Start(place.before if newest_first else place.onwards, skipped)


def _kept() -> Kept | None:
    """None if no worker has counted."""
    global _last_read
    if _last_read is None:
        count = CustomerCount.objects.annotate(all=F("number") + F("erased"))
        columns = {name: Subquery(count.values(name)) for name in ("counted_at", "up_to", "all")}
        # One statement, so that all of it is of one count.
        rows: Any = CustomerMilestone.objects.order_by("before").values("before", "date_joined", "user_id", **columns)
        if not rows:
            return None
        places = [Place(row["date_joined"], row["user_id"]) for row in rows]
        before = [row["before"] for row in rows]
        _last_read = Kept(rows[0]["counted_at"], rows[0]["up_to"], rows[0]["all"], places, before)
    return _last_read


def _ask(kept: Kept, numbers: list[tuple[str, Place, Place]]) -> tuple[int, ...] | None:
    """Each number of NUMBER, WITH_ACCOUNT or ADDED, by one statement. None if a worker has counted again."""
    global _last_read
    params = [param for sql, *places in numbers for param in _params(kept, sql, *places)]
    columns = ", ".join(sql for sql, _, _ in numbers)
    sql = f"SELECT {columns} FROM {COUNTS} WHERE counted_at = %s"  # noqa: S608  only names; the values are parameters
    rows = fetch_rows(sql, [*params, _as_stored(kept.counted_at)], using=reads_from())
    if not rows:
        _last_read = None
        return None
    return rows[0]


def _params(kept: Kept, sql: str, first: Place, last: Place) -> list[Any]:
    start, end = _as_stored(first.date_joined), _as_stored(last.date_joined)
    places = [start, end, start, first.id, end, last.id]
    return [*places, kept.up_to, *places, kept.up_to] if sql is ADDED else places


def _as_stored(moment: datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(moment)
