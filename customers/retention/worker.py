"""The part of the worker that deletes what is older than its time, once a day.

Any number of workers may run: one of them carries out each rule. A killed worker leaves the rest to the next day.
"""

import logging
from datetime import timedelta
from functools import partial
from threading import Event

from django.db import Error
from django.db.models import Q
from django.utils import timezone

from customers.core.polling import poll
from customers.retention.models import Cleanup
from customers.retention.services import RULES, Rule, carry_out

POLL = 300.0  # seconds
EVERY = timedelta(days=1)

logger = logging.getLogger(__name__)


def run(stop: Event, *, until_empty: bool = False) -> None:
    poll(partial(carry_out_due, stop), stop, interval=POLL, until_empty=until_empty)


def carry_out_due(stop: Event) -> bool:
    """Returns False: what is due again is due in a day."""
    existing = set(Cleanup.objects.values_list("pk", flat=True))
    Cleanup.objects.bulk_create(
        [Cleanup(name=rule.name) for rule in RULES if rule.name not in existing], ignore_conflicts=True
    )
    due = set(_due().values_list("pk", flat=True))
    for rule in RULES:
        if rule.name in due and not stop.is_set() and _due().filter(pk=rule.name).update(started_at=timezone.now()):
            _carry_out(rule, stop)
    return False


def _due():
    return Cleanup.objects.filter(Q(started_at=None) | Q(started_at__lte=timezone.now() - EVERY))


def _carry_out(rule: Rule, stop: Event) -> None:
    try:
        number, is_complete = carry_out(rule, stop)
    except Error:
        raise  # `poll` connects again; then the other rules follow
    except Exception:
        logger.exception("Old %s could not be deleted; trying again in a day.", rule.label)
        return
    logger.info("%s %s deleted.", number, rule.label)
    if not is_complete:
        Cleanup.objects.filter(pk=rule.name).update(started_at=None)  # another worker goes on
