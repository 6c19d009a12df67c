from django.apps import AppConfig

VIEW = ("view_order", "view_subscription", "view_cart")
EDIT = ("add_order", "change_order", "add_subscription", "change_subscription")


class OrdersConfig(AppConfig):
    name = "customers.orders"
    label = "orders"
    verbose_name = "Orders and subscriptions"
    role_permissions = {"Viewer": VIEW, "Staff": EDIT}
    section_permissions = {"sales": {"view": VIEW, "edit": EDIT}}

    def ready(self):
        from customers import filters, ownership, timeline
        from customers.orders.buyers import BuyerRows, register_filters
        from customers.orders.models import Buyer, Cart, Order, Subscription

        register_filters()
        filters.register_search(lambda text: Order.objects.filter(number=text).values_list("user_id", flat=True))
        sources = (
            ("order", "date_placed", Order),
            ("subscription", "date_created", Subscription),
            ("cart", "created_at", Cart),
        )
        for name, at, model in sources:
            ownership.register(ownership.MovedRows(model))
            timeline.register_source(timeline.Source(name, at, model.objects.defer("document")))
        ownership.register(BuyerRows(Buyer))  # after the orders
