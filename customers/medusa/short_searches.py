"""The `count` of a search for one or two letters. No index finds them, so in a large store a worker counts all of them
at once from time to time, and a list takes the number that is kept."""

from collections import Counter
from datetime import timedelta
from functools import partial
from itertools import pairwise
from threading import Event

from django.db import transaction
from django.utils import timezone

from customers.core.polling import poll
from customers.core.postgres import lock_until_commit
from customers.customer_count import number_of_customers
from customers.kept_numbers import ShortSearch
from customers.medusa import counting
from customers.models import User
from oauth.text import fold

KEPT_FROM = 100_000  # customers
COUNT_AGAIN_AFTER = timedelta(minutes=30)
KEPT_FOR = timedelta(hours=1)
POLL = 30.0  # seconds
BATCH = 10_000
PAUSE = 0.1  # seconds between batches: a million customers take 14 seconds of CPU time


def kept_number(text: str) -> int | None:
    """None for other texts, for those that few customers have, and if no worker has counted for KEPT_FOR."""
    letters = fold(text)
    if len(letters) > 2 or not letters.isalpha():
        return None
    kept = ShortSearch.objects.filter(pk=letters, counted_at__gt=timezone.now() - KEPT_FOR)
    return kept.values_list("number", flat=True).first()


def keep(stop: Event) -> None:
    """Counts again, unless `stop` is set meanwhile."""
    started_at, numbers, last = timezone.now(), Counter[str](), 0
    people = User.objects.filter(is_staff=False).order_by("pk").values_list("pk", "search_text")
    while rows := list(people.filter(pk__gt=last)[:BATCH]):
        for last, text in rows:  # noqa: B007  used after the loop
            numbers.update({*text, *map("".join, pairwise(text))})
        if stop.wait(PAUSE):
            return
    kept = [
        ShortSearch(text=text, number=number, counted_at=started_at)
        for text, number in numbers.items()
        if number > counting.EXACT_UP_TO and text.isalpha()
    ]
    with transaction.atomic():
        lock_until_commit(ShortSearch)
        ShortSearch.objects.all().delete()
        ShortSearch.objects.bulk_create(kept)


def keep_if_due(stop: Event) -> bool:
    """Returns False: there is nothing more to do before the next POLL."""
    if number_of_customers() >= KEPT_FROM:
        kept = ShortSearch.objects.values_list("counted_at", flat=True).first()
        if kept is None or timezone.now() - kept > COUNT_AGAIN_AFTER:
            keep(stop)
    return False


def run(stop: Event, *, until_empty: bool = False) -> None:
    poll(partial(keep_if_due, stop), stop, interval=POLL, until_empty=until_empty)
