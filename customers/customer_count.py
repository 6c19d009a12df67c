"""The exact number of customers, without counting them all for each page.

A worker counts those with an id up to a certain one; newer ones are counted when somebody asks. A create costs nothing,
because its id is above the counted ones. Customers with a counted id are rarely added or removed: by an erasure, a
merge, an undone merge, or a mirrored store. These record it with one of the `record_` functions.
"""

from collections.abc import Iterable
from datetime import timedelta
from threading import Event

from django.db import transaction
from django.db.models import Aggregate, Case, Count, F, Max, OuterRef, QuerySet, Subquery, Sum, Value, When
from django.db.models.functions import Coalesce
from django.utils import timezone

from customers.core.polling import poll
from customers.core.prepared_query import PreparedQuery
from customers.models import Customer, CustomerCount, CustomerCountChange, User

POLL = 60.0  # seconds; no transaction that inserts a customer takes longer
COUNT_AGAIN_AFTER = 2_000  # customers with a higher id, or with a recorded change
COUNT_KEPT_FOR = timedelta(hours=6)
_ONLY_ROW = 1


def _of_all(rows: QuerySet, number: Aggregate) -> Subquery:
    return Subquery(rows.values(all=Value(1)).values(number=number))


def _read_query(*, with_erased: bool) -> PreparedQuery:
    """The number that is kept, with the changes since. If it counts up to the given id, also `newer`: how many
    customers come after that. One statement, so that a new count does not come in between."""
    people = User.objects.filter(is_staff=False) if with_erased else Customer.objects.not_erased()
    kept, change = (
        (F("number"), F("change")) if not with_erased else (F("number") + F("erased"), F("change") + F("erased"))
    )
    changes = CustomerCountChange.objects.filter(user_id__lte=OuterRef("up_to"))
    return PreparedQuery(
        lambda up_to: CustomerCount.objects.values(
            "up_to",
            kept=kept + Coalesce(_of_all(changes, Sum(change)), 0),
            newer=Case(When(up_to=up_to, then=_of_all(people.filter(pk__gt=up_to), Count("pk")))),
        )
    )


_read = {with_erased: _read_query(with_erased=with_erased) for with_erased in (False, True)}
_last_up_to = 0  # as this process read it last: PostgreSQL finds the ids above a number that it knows


def kept_number(*, with_erased: bool = False) -> int | None:
    """Leads and customers, with or without those who are erased. None if no worker has counted yet.

    One statement, which reads only what is new."""
    global _last_up_to
    up_to = _last_up_to
    while rows := _read[with_erased](up_to):
        row = rows[0]
        if row["up_to"] == up_to:
            return row["kept"] + row["newer"]
        up_to = _last_up_to = row["up_to"]
    return None


def number_of_customers() -> int:
    """Leads and customers, without those who are erased."""
    kept = kept_number()
    return Customer.objects.not_erased().count() if kept is None else kept


def record_added(ids: Iterable[int], *, erased: bool = False) -> None:
    """Within the transaction that inserts customers under ids of their own."""
    _record(ids, **({"erased": 1} if erased else {"change": 1}))


def record_erased(ids: Iterable[int]) -> None:
    """Within the transaction that erases customers."""
    _record(ids, change=-1, erased=1)


def record_removed(ids: Iterable[int]) -> None:
    """Within the transaction that deletes customers."""
    _record(ids, change=-1)


def _record(ids: Iterable[int], **changes: int) -> None:
    CustomerCountChange.objects.bulk_create([CustomerCountChange(user_id=id, **changes) for id in ids])


@transaction.atomic
def count(*, up_to: int) -> bool:
    """Counts the customers up to this id. No transaction may be about to insert one of them.

    Returns False, with nothing written, if customers were added or removed while it counted.
    """
    known = set(CustomerCountChange.objects.values_list("pk", flat=True))
    people = User.objects.filter(pk__lte=up_to, is_staff=False)
    erased = people.filter(erased_at__isnull=False).count()
    number = people.count() - erased
    if known != set(CustomerCountChange.objects.values_list("pk", flat=True)):
        return False
    values = {"number": number, "erased": erased, "up_to": up_to, "counted_at": timezone.now()}
    CustomerCount.objects.update_or_create(pk=_ONLY_ROW, defaults=values)
    CustomerCountChange.objects.filter(pk__in=known).delete()
    return True


class Counter:
    """Counts again from time to time, up to an id that was there a POLL ago: the transactions that inserted the ids
    before it are finished."""

    def __init__(self) -> None:
        self.settled: int | None = None

    def step(self) -> bool:
        """Returns False: there is nothing more to do before the next POLL."""
        settled, self.settled = self.settled, User.objects.aggregate(last=Max("pk"))["last"]
        if settled and self._is_due(settled):
            count(up_to=settled)
        return False

    def _is_due(self, settled: int) -> bool:
        kept = CustomerCount.objects.first()
        if kept is None or timezone.now() - kept.counted_at > COUNT_KEPT_FOR:
            return True
        changes = CustomerCountChange.objects.all()[:COUNT_AGAIN_AFTER].count()
        return max(settled - kept.up_to, changes) >= COUNT_AGAIN_AFTER


def run(stop: Event, *, until_empty: bool = False) -> None:
    poll(Counter().step, stop, interval=POLL, until_empty=until_empty)
