from django.apps import AppConfig


class StoreConfig(AppConfig):
    name = "customers.store"
    label = "store"
    verbose_name = "Store"
    role_permissions = {
        "Viewer": ("view_storedetails",),
        "Owner": ("change_storedetails",),
    }
    section_permissions = {
        "settings": {"view": ("view_storedetails",), "edit": ("change_storedetails",)},
    }

    def ready(self):
        from customers import history
        from customers.store.services import ConsentText

        history.register_consent_text(ConsentText())
