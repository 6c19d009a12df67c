from django.apps import AppConfig


class OrdersConfig(AppConfig):
    name = "customers.orders"
    label = "orders"
    verbose_name = "Orders and subscriptions"
    role_permissions = {
        "Viewer": ("view_order", "view_subscription"),
        "Staff": ("add_order", "change_order", "add_subscription", "change_subscription"),
    }

    def ready(self):
        from customers import ownership, timeline
        from customers.orders.models import Order, Subscription

        for name, at, model in (("order", "date_placed", Order), ("subscription", "date_created", Subscription)):
            ownership.register(ownership.MovedRows(model))
            timeline.register_source(timeline.Source(name, at, model.objects.defer("document")))
