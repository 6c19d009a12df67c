"""The exact number of customers, without counting them all for each page.

A worker counts those with an id up to a certain one; newer ones are counted when somebody asks. A create costs nothing,
because its id is above the counted ones. Customers with a counted id are rarely added or removed: by an erasure, a
merge, an undone merge, or a mirrored store. These record it with `record_added` and `record_removed`.
"""

from collections.abc import Iterable
from datetime import timedelta
from threading import Event

from django.db import transaction
from django.db.models import Max, OuterRef, Subquery, Sum, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from customers.core.polling import poll
from customers.core.postgres import custom_plan
from customers.models import Customer, CustomerCount, CustomerCountChange, User

POLL = 60.0  # seconds; no transaction that inserts a customer takes longer
COUNT_AGAIN_AFTER = 2_000  # customers with a higher id, or with a recorded change
COUNT_KEPT_FOR = timedelta(hours=6)
_ONLY_ROW = 1


def number_of_customers() -> int:
    """Leads and customers, without those who are erased. Two statements, which read only what is new."""
    changes = CustomerCountChange.objects.filter(user_id__lte=OuterRef("up_to"))
    changed = changes.values(all=Value(1)).annotate(sum=Sum("change")).values("sum")
    # One statement, so that a new count does not come between its number and the changes since.
    kept = CustomerCount.objects.annotate(changed=Coalesce(Subquery(changed), 0)).first()
    newer = Customer.objects.not_erased()
    if kept is None:
        return newer.count()
    with custom_plan():
        return kept.number + kept.changed + newer.filter(pk__gt=kept.up_to).count()


def record_added(ids: Iterable[int]) -> None:
    """Within the transaction that inserts customers under ids of their own."""
    _record(ids, 1)


def record_removed(ids: Iterable[int]) -> None:
    """Within the transaction that erases or deletes customers."""
    _record(ids, -1)


def _record(ids: Iterable[int], change: int) -> None:
    CustomerCountChange.objects.bulk_create([CustomerCountChange(user_id=id, change=change) for id in ids])


@transaction.atomic
def count(*, up_to: int) -> bool:
    """Counts the customers up to this id. No transaction may be about to insert one of them.

    Returns False, with nothing written, if customers were added or removed while it counted.
    """
    known = set(CustomerCountChange.objects.values_list("pk", flat=True))
    people = User.objects.filter(pk__lte=up_to, is_staff=False)
    number = people.count() - people.filter(erased_at__isnull=False).count()
    if known != set(CustomerCountChange.objects.values_list("pk", flat=True)):
        return False
    values = {"number": number, "up_to": up_to, "counted_at": timezone.now()}
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
