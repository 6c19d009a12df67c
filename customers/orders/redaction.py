"""Removing personal data from the documents of orders, subscriptions and carts."""

from typing import Any

from customers.models import User
from customers.orders.models import Cart, Order, Subscription

# Names in a document whose values are kept: what was sold, when, and for how much. Values of all other names are
# removed, of unknown names, too.
KEPT_NAMES = frozenset(
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
    """.split()  # noqa: SIM905  easier to read
)
BATCH = 500


def redact_documents(user: User) -> None:
    """In all orders, subscriptions and carts of this person."""
    for model in (Order, Subscription, Cart):
        changed: list[Any] = []
        for row in model.objects.filter(user=user).only("document").iterator(BATCH):
            row.document = redact(row.document)
            changed.append(row)
            if len(changed) == BATCH:
                model.objects.bulk_update(changed, ["document"])
                changed.clear()
        model.objects.bulk_update(changed, ["document"])


def redact(document: Any) -> Any:
    """An object without the values whose names are not in KEPT_NAMES, at every level; a list of such objects."""
    if isinstance(document, list):
        return [redact(item) for item in document if isinstance(item, dict)]
    return {
        name: redact(value) if isinstance(value, dict | list) else value
        for name, value in document.items()
        if name in KEPT_NAMES
    }
