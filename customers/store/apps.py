from django.apps import AppConfig


class StoreConfig(AppConfig):
    name = "customers.store"
    label = "store"
    verbose_name = "Store"
    role_permissions = {
        "Viewer": ("view_storedetails",),
        "Owner": ("change_storedetails",),
    }
