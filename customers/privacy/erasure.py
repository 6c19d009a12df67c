"""Erasing a customer (GDPR, article 17): removes personal data everywhere and keeps the sales."""

from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.contrib.auth.hashers import make_password
from django.db import connection, transaction
from django.utils import timezone

from customers import customer_count, history
from customers.core.ids import never_assign_up_to
from customers.jobs import runner
from customers.jobs.exports import parts as exports
from customers.merging import services as merging
from customers.models import Event, Tag, User, UserType
from customers.orders.redaction import redact_documents
from customers.privacy import erasure_log
from customers.privacy.personal_data import (
    KINDS_WITH_VALUES,
    idempotent_answers_about,
    known_emails_of,
    log_entries_about,
    security_events_about,
)
from customers.segments import services as segments
from customers.webhooks import outbox
from oauth.accounts import lockout, mail
from oauth.actor import Actor
from oauth.audit import log as audit
from oauth.audit.models import ERASED
from oauth.errors import ServiceError

REDACTED = "(erased)"
# What the personal fields are set to. Counters and dates are kept.
ERASED_FIELDS: dict[str, Any] = {
    "email": None,
    "first_name": "",
    "last_name": "",
    "phone_number": None,
    "ip": None,
    "user_agent": None,
    "tags": [],
    "metadata": None,
    "block_reason": "",
    "accepts_marketing": False,
    "is_active": False,
    "last_login": None,
}


@transaction.atomic
def erase(user_id: int, *, by: Actor) -> None:
    """Removes the personal data of a lead or a customer from all tables and files. It can't be undone.

    Orders that arrive later are stored as usual; erase the customer again to remove the personal data in them.

    Raises User.DoesNotExist, and ServiceError for a staff account.
    """
    user = User.objects.select_for_update().get(pk=user_id)
    if user.user_type == UserType.DASHBOARD or user.is_superuser:
        raise ServiceError("Staff accounts can't be erased.", "user_type")
    emails = known_emails_of(user)
    tags = _known_tags_of(user)
    segments.delete_segments_naming([*emails, user.get_full_name(), user.phone_number or ""])
    outbox.deliveries_about(*merging.merged_ids(user.pk)).delete()
    outbox.enqueue_redacted(user)
    log_entries_about(user).update(object_repr=REDACTED, change_message="[]")
    idempotent_answers_about(user).delete()
    merging.forget(user.pk)
    user.addresses.all().delete()
    user.customer_groups.clear()
    user.notes.update(message=REDACTED)
    user.events.update(changes={})
    redact_documents(user)
    _erase_fields(user)
    # A tag that nobody else has may be the person's name.
    Tag.objects.filter(name__in=[tag for tag in tags if not User.objects.with_tag(tag).exists()]).delete()
    _delete_failed_sign_ins(emails)
    mail.emails_to(emails).delete()
    runner.forget_personal_data()
    exports.delete_all()  # the store does not know which customers are in which file
    transaction.on_commit(exports.delete_all)  # also those that another process wrote meanwhile
    erased = history.event(user.pk, Event.Kind.ERASED, by)
    history.record([erased])
    transaction.on_commit(partial(erasure_log.write, erased))
    transaction.on_commit(_empty_write_ahead_log)
    audit.record(audit.Event.CUSTOMER_ERASED, by, customer=user.pk)


def _empty_write_ahead_log() -> None:
    """SQLite keeps pages as they were in its log, also after they are in the database."""
    if connection.vendor == "sqlite" and not connection.in_atomic_block:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _known_tags_of(user: User) -> set[str]:
    """The present tags and all former ones."""
    changes = user.events.filter(kind__in=KINDS_WITH_VALUES).values_list("changes", flat=True)
    return {*user.tags, *(tag for change in changes for tags in change.get("tags", ()) for tag in tags or ())}


def _erase_fields(user: User) -> None:
    for name, value in ERASED_FIELDS.items():
        setattr(user, name, value)
    user.password = make_password(None)
    user.updated_at = timezone.now()
    if user.erased_at is None:
        user.erased_at = user.updated_at
        customer_count.record_erased(user)
    user.save(update_fields=[*ERASED_FIELDS, "password", "updated_at", "erased_at"])


def _delete_failed_sign_ins(emails: set[str]) -> None:
    """Emails of customers that were typed at the sign-in page, by mistake or to find out who is a customer."""
    events = security_events_about(emails)
    lockout.delete_attempts_with(emails, {ip for ip in events.values_list("ip", flat=True) if ip})
    events.update(**ERASED)


@dataclass(slots=True)
class ErasedAgain:
    """Ids of customers. `refused`: with the reason."""

    erased: list[int] = field(default_factory=list)
    refused: dict[int, str] = field(default_factory=dict)


def erase_again(*, by: Actor) -> ErasedAgain:
    """Erases again the customers in the log of erasures who are back because a backup was restored.

    It may be repeated. Afterwards no id in the log is assigned to another customer.
    """
    result = ErasedAgain()
    latest = {entry.customer_id: entry.at for entry in erasure_log.entries()}  # a later entry replaces an earlier one
    if latest:
        never_assign_up_to(User, max(latest))
    for customer_id, at in latest.items():
        if Event.objects.filter(user=customer_id, kind=Event.Kind.ERASED, at__gte=at).exists():
            continue
        try:
            erase(customer_id, by=by)
        except User.DoesNotExist:
            continue  # created after the backup
        except ServiceError as error:
            result.refused[customer_id] = error.message
        else:
            result.erased.append(customer_id)
    return result
