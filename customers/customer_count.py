"""The exact number of customers, without counting them all for each page.

A worker counts those with an id up to a certain one; newer ones are counted when somebody asks. A create costs nothing,
because its id is above the counted ones. Customers with a counted id are rarely added, removed or moved in the order of
joining: by an erasure, a merge, an undone merge, or a mirrored store. These record it with one of the `record_`
functions. With its count the worker keeps the milestones of `customers.customer_places`.
"""

import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from threading import Event

from django.db import transaction
from django.db.models import Aggregate, Case, Count, F, Max, OuterRef, QuerySet, Subquery, Sum, Value, When, Window
from django.db.models.functions import Coalesce, RowNumber
from django.utils import timezone

from customers.core.polling import poll
from customers.core.postgres import lock_until_commit, writers_of
from customers.core.prepared_query import PreparedQuery
from customers.kept_numbers import CustomerCount, CustomerCountChange, CustomerMilestone
from customers.models import Customer, User

POLL = 5.0  # seconds
REST = 20  # times as long as a count took, before the next one
COUNT_AGAIN_AFTER = 2_000  # customers with a higher id, or with a recorded change
MILESTONE_EVERY = 2_000  # customers
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


def record_added(people: Iterable[User]) -> None:
    """Within the transaction that inserts customers under ids of their own."""
    _record(_change(each, **({"erased": 1} if each.erased_at else {"change": 1})) for each in people)


def record_erased(person: User) -> None:
    """Within the transaction that erases a customer."""
    _record([_change(person, change=-1, erased=1)])


def record_removed(person: User) -> None:
    """Within the transaction that deletes a customer."""
    _record([_change(person, change=-1)])


def record_moved(person: User, date_joined: datetime) -> None:
    """Within the transaction that gives a customer another time of joining."""
    now_there = _change(person, change=1)
    now_there.date_joined = date_joined
    _record([_change(person, change=-1), now_there])


def _change(person: User, **changes: int) -> CustomerCountChange:
    return CustomerCountChange(user_id=person.pk, date_joined=person.date_joined, **changes)


def _record(changes: Iterable[CustomerCountChange]) -> None:
    CustomerCountChange.objects.bulk_create(changes)


@transaction.atomic
def count(*, up_to: int) -> bool:
    """Counts the customers up to this id. No transaction may be about to insert one of them.

    Returns False, with nothing written, if customers were added, removed or moved while it counted.
    """
    lock_until_commit(CustomerCount)  # two workers would each delete changes that the other one has not counted
    known = set(CustomerCountChange.objects.values_list("pk", flat=True))
    people = User.objects.filter(pk__lte=up_to, is_staff=False)
    erased = people.filter(erased_at__isnull=False).count()
    number = people.count() - erased
    before = Window(RowNumber(), order_by=["date_joined", "pk"]) - 1
    milestones = [
        CustomerMilestone(before=row[0], date_joined=row[1], user_id=row[2])
        for row in people.annotate(before=before, place=F("before") % MILESTONE_EVERY)
        .filter(place=0)
        .values_list("before", "date_joined", "pk")
    ]
    if known != set(CustomerCountChange.objects.values_list("pk", flat=True)):
        return False
    values = {"number": number, "erased": erased, "up_to": up_to, "counted_at": timezone.now()}
    CustomerCount.objects.update_or_create(pk=_ONLY_ROW, defaults=values)
    CustomerMilestone.objects.all().delete()
    CustomerMilestone.objects.bulk_create(milestones)
    CustomerCountChange.objects.filter(pk__in=known).delete()
    return True


class Counter:
    """Counts again from time to time, up to the highest id of a former step, once the transactions of that moment have
    ended: those that go on may still insert a lower id."""

    def __init__(self) -> None:
        self.highest: int | None = None
        self.writers: set[str] = set()
        self.rests_until = 0.0

    def step(self) -> bool:
        """Returns False: there is nothing more to do before the next POLL."""
        if self.highest is None or self.writers.isdisjoint(writers_of(User)):
            settled = self.highest
            # In this order: a transaction that is about to insert a lower id is then among the writers.
            self.highest = User.objects.aggregate(last=Max("pk"))["last"]
            self.writers = writers_of(User)
            began = time.monotonic()
            if settled and began >= self.rests_until and self._is_due(settled):
                count(up_to=settled)
                ended = time.monotonic()
                self.rests_until = ended + REST * (ended - began)
        return False

    def _is_due(self, settled: int) -> bool:
        kept = CustomerCount.objects.first()
        if kept is None or timezone.now() - kept.counted_at > COUNT_KEPT_FOR:
            return True
        changes = CustomerCountChange.objects.all()[:COUNT_AGAIN_AFTER].count()
        return max(settled - kept.up_to, changes) >= COUNT_AGAIN_AFTER


def run(stop: Event, *, until_empty: bool = False) -> None:
    poll(Counter().step, stop, interval=POLL, until_empty=until_empty)
