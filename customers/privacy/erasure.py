"""Forgetting a person, as the GDPR has it (article 17): the sales stay, who it was goes, everywhere."""

from typing import Any

from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.utils import timezone

from customers import history
from customers.jobs.exports import parts as exports
from customers.models import Event, Tag, User, UserType
from customers.orders.models import Order, Subscription
from customers.privacy.personal_data import answers_about, emails_of, log_entries_about, security_events_of
from customers.webhooks import outbox
from oauth.accounts import lockout
from oauth.actor import Actor
from oauth.audit import log as audit
from oauth.audit.models import ERASED
from oauth.errors import ServiceError

REDACTED = "(erased)"
# What stays of a person beside the counters and dates: nothing that tells who it was.
FORGOTTEN: dict[str, Any] = {
    "email": None,
    "first_name": "",
    "last_name": "",
    "phone_number": None,
    "ip": None,
    "user_agent": None,
    "tags": [],
    "metadata": None,
    "accepts_marketing": False,
    "is_active": False,
    "last_login": None,
}
# What stays of an order or a subscription, by the names in the document: what was sold, when, and for how much. Any
# other value goes, those of names nobody knows yet included.
KEPT = frozenset(
    """
    id number order_number line_item_id order_line_id product_id variant_id tax_id parent_id location_id
    sku product_title variant_title product_image product_url quantity current_quantity editable_quantity
    fulfillable_quantity fulfilled_quantity returnable_quantity returned_quantity num_lines num_orders
    is_gift_card is_upsell is_test is_tax_known is_disputed is_external is_initial_retry requires_shipping
    supports_post_purchase_upsells created_at updated_at date_placed date_created last_event_date next_renewal_date
    status payment_status fulfillment_status delivery_status subscription_lifecycle billing_cycle
    interval interval_count frequency type restock_type payment_method currency rate amount tax_title
    amount_excl_tax amount_incl_tax display_taxes price price_excl_tax price_incl_tax original_price_excl_tax
    original_price_incl_tax original_total_discount original_shipping_excl_tax original_shipping_incl_tax
    original_total_excl_tax original_total_incl_tax shipping_code shipping_method shipping_excl_tax shipping_incl_tax
    shipping_price shipping_tax total total_cost total_discount total_excl_tax total_incl_tax total_outstanding
    total_tax total_refund_amount total_return_excl_tax total_return_incl_tax unit_cost
    adjustments fulfillments line_items lines offer_discounts orders refund_line_items refunds report_values
    shipping_tax_lines subscriptions tax_lines transactions voucher_discounts
    """.split()  # noqa: SIM905  as prose
)
BATCH = 500


@transaction.atomic
def erase(user_id: int, *, by: Actor) -> None:
    """Removes what is personal of a lead or a customer wherever the store holds it. It can't be undone.

    Reports that an order system sends later are kept as they come: to erase again removes them, too.

    Raises User.DoesNotExist, and ServiceError for somebody of the staff.
    """
    user = User.objects.select_for_update().get(pk=user_id)
    if user.user_type == UserType.DASHBOARD or user.is_superuser:
        raise ServiceError("Staff accounts can't be erased.", "user_type")
    emails = emails_of(user)
    outbox.enqueue_redacted(user)
    log_entries_about(user).update(object_repr=REDACTED, change_message="[]")
    answers_about(user).delete()
    user.addresses.all().delete()
    user.customer_groups.clear()
    user.notes.update(message=REDACTED)
    user.events.update(changes={})
    for model in (Order, Subscription):
        _redact_documents(model, user)
    _forget_person(user)
    _forget_attempts(emails)
    exports.delete_all()  # nobody can tell who is in which
    transaction.on_commit(exports.delete_all)  # nor in those that were begun meanwhile
    history.record([history.event(user.pk, Event.Kind.ERASED, by)])
    author = User.objects.filter(pk=by.user_id).values_list("email", flat=True).first()
    audit.record(audit.Event.CUSTOMER_ERASED, Actor(email=author or ""), customer=user.pk)


def redacted(document: Any) -> Any:
    """Of an object, what is `KEPT`, with what is kept within."""
    if isinstance(document, list):
        return [redacted(item) for item in document if isinstance(item, dict)]
    return {
        name: redacted(value) if isinstance(value, dict | list) else value
        for name, value in document.items()
        if name in KEPT
    }


def _redact_documents(model: Any, user: User) -> None:
    changed = []
    for row in model.objects.filter(user=user).only("document").iterator(BATCH):
        row.document = redacted(row.document)
        changed.append(row)
        if len(changed) == BATCH:
            model.objects.bulk_update(changed, ["document"])
            changed.clear()
    model.objects.bulk_update(changed, ["document"])


def _forget_person(user: User) -> None:
    words = user.tags
    for name, value in FORGOTTEN.items():
        setattr(user, name, value)
    user.password = make_password(None)
    user.updated_at = timezone.now()
    user.save(update_fields=[*FORGOTTEN, "password", "updated_at"])
    # A word that nobody else has may have been a name.
    Tag.objects.filter(name__in=[word for word in words if not User.objects.with_tag(word).exists()]).delete()


def _forget_attempts(emails: set[str]) -> None:
    """What somebody typed at the sign-in page, by mistake or to find out who is a customer."""
    lockout.delete_attempts_with(emails)
    security_events_of(emails).update(**ERASED)
