from django.apps import AppConfig


class OrdersConfig(AppConfig):
    name = "customers.orders"
    label = "orders"
    verbose_name = "Orders and subscriptions"
    role_permissions = {
        "Viewer": ("view_order", "view_subscription"),
        "Staff": ("add_order", "change_order", "add_subscription", "change_subscription"),
    }
