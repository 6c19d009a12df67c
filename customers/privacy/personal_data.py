"""Where the store keeps data about a person, and all of it as one document."""

import json
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Lower, Trim

from customers import history, timeline
from customers.core.computed import ComputedField
from customers.merging import services as merging
from customers.models import Address, Customer, Event, IdempotentAnswer, Note, User
from customers.orders.models import Cart, Order, Subscription
from customers.webhooks import outbox
from oauth.accounts import lockout
from oauth.actor import Actor
from oauth.audit import log as audit
from oauth.audit.models import AuditEvent

# Events whose changes have values of the person, or of a customer who was merged into them.
KINDS_WITH_VALUES = (Event.Kind.CHANGED, Event.Kind.MERGED)
# A secret, columns that are derived from others, and a member of staff.
LEFT_OUT = ("password", "is_superuser", "is_staff", "blocked_by")


@transaction.atomic
def personal_data(user_id: int, *, by: Actor) -> dict[str, Any]:
    """Everything the store holds about a lead or a customer. The timeline and the security log record the export.

    Raises User.DoesNotExist.
    """
    user = Customer.objects.get(pk=user_id)
    history.record([history.event(user.pk, Event.Kind.EXPORTED, by)])
    audit.record(audit.Event.PERSONAL_DATA_DOWNLOADED, by, customer=user.pk)
    emails = known_emails_of(user)
    merged_ids = merging.merged_ids(user.pk)
    consent = timeline.consents([user.pk]).get(user.pk)
    person = {name: getattr(user, name) for name in _columns(User)}
    return {
        "person": {name: value for name, value in person.items() if name not in LEFT_OUT},
        "marketing_consent": consent and consent._asdict(),
        "addresses": _as_dicts(user.addresses.order_by("id"), leaving_out=("user",)),
        "groups": list(user.customer_groups.order_by("id").values_list("name", flat=True)),
        "notes": list(user.notes.order_by("id").values("message", "created_at", "updated_at", "app__name")),
        "timeline": list(user.events.order_by("id").values("at", "kind", "changes", "app__name")),
        "orders": list(user.orders.order_by("id").values_list("document", flat=True)),
        "subscriptions": list(user.subscriptions.order_by("id").values_list("document", flat=True)),
        "carts": list(user.carts.order_by("id").values("created_at", "currency", "total", "document")),
        "merged_customers": list(merging.snapshots_of(user.pk)),
        "stored_responses": [
            {"created_at": answer.created_at, "status": answer.status, "body": json.loads(answer.body)}
            for answer in idempotent_answers_about(user)
        ],
        "webhook_deliveries": list(
            outbox.deliveries_about(user.pk, *merged_ids).values("created_at", "event_type", "webhook__target", "body")
        ),
        "dashboard_log": list(log_entries_about(user).values("action_time", "object_repr", "change_message")),
        "security_log": list(security_events_about(emails).values("at", "event", "actor", "ip")),
        "failed_sign_ins": list(lockout.attempts_with(emails).values("last_at", "subject", "failures")),
    }


def known_emails_of(user: User) -> set[str]:
    """The present email and all former ones, as sign-in attempts and the security log have them."""
    changes = user.events.filter(kind__in=KINDS_WITH_VALUES).values_list("changes", flat=True)
    emails = {user.email, *(email for change in changes for email in change.get("email", ()))}
    return {form for email in emails if email for form in (email.lower(), lockout.account_name(email))}


def idempotent_answers_about(user: User) -> QuerySet[IdempotentAnswer]:
    return IdempotentAnswer.objects.filter(user_id=user.pk)


def log_entries_about(user: User) -> QuerySet[LogEntry]:
    """The dashboard's log entries about the person, and about objects that belong or belonged to them."""
    user_ids = {user.pk, *merging.merged_ids(user.pk)}
    changes = user.events.values_list("changes", flat=True)
    former_addresses = {id for change in changes for id in change.get("id", ()) if id}
    ids: dict[Any, set[int]] = {
        User: user_ids,
        Customer: user_ids,
        Address: {*user.addresses.values_list("pk", flat=True), *former_addresses},
        Note: {*user.notes.values_list("pk", flat=True)},
        Order: {*user.orders.values_list("pk", flat=True)},
        Subscription: {*user.subscriptions.values_list("pk", flat=True)},
        Cart: {*user.carts.values_list("pk", flat=True)},
    }
    matching = Q(pk__in=())
    for model, keys in ids.items():
        kind = ContentType.objects.get_for_model(model, for_concrete_model=False)
        matching |= Q(content_type=kind, object_id__in=[str(key) for key in keys])
    return LogEntry.objects.filter(matching)


def security_events_about(emails: set[str]) -> QuerySet[AuditEvent]:
    return AuditEvent.objects.annotate(who=Lower(Trim("actor"))).filter(who__in=emails)


def _as_dicts(rows: QuerySet, *, leaving_out: tuple[str, ...]) -> list[dict[str, Any]]:
    return list(rows.values(*(name for name in _columns(rows.model) if name not in leaving_out)))


def _columns(model: Any) -> list[str]:
    return [field.name for field in model._meta.concrete_fields if not isinstance(field, ComputedField)]
