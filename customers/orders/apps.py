from django.apps import AppConfig


class OrdersConfig(AppConfig):
    name = "customers.orders"
    label = "orders"
    verbose_name = "Orders and subscriptions"
