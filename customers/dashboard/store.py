"""The store's details: one page, since there is one store."""

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponseRedirect
from django.urls import reverse

from customers.dashboard.read_only import NoDeleteAdmin
from customers.dashboard.service_errors import ServiceErrorsAdmin, ServiceErrorsForm
from customers.store import services
from customers.store.models import StoreDetails


class StoreDetailsForm(ServiceErrorsForm):
    currencies = forms.CharField(help_text="Codes of ISO 4217, separated by commas: USD, EUR.")

    class Meta:
        model = StoreDetails
        fields = (
            "name", "tagline", "tax_id", "currencies", "company_name", "line1", "line2", "city", "state", "postcode",
            "phone_number", "consent_text_version",
        )  # fmt: skip

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.initial["currencies"] = ", ".join(self.instance.currencies)

    def clean_currencies(self):
        return [code.strip().upper() for code in self.cleaned_data["currencies"].split(",") if code.strip()]


@admin.register(StoreDetails)
class StoreDetailsAdmin(ServiceErrorsAdmin, NoDeleteAdmin):
    form = StoreDetailsForm

    def has_add_permission(self, request):
        return False

    def changelist_view(self, request, extra_context=None):
        if not self.has_view_permission(request):
            raise PermissionDenied
        return HttpResponseRedirect(reverse("admin:store_storedetails_change", args=[services.get_details().pk]))

    def get_object(self, request, object_id, from_field=None):
        details = services.get_details()
        return details if object_id == str(details.pk) else None

    def save_model(self, request, obj, form, change):
        services.change_details(**form.cleaned_data)

    def log_change(self, request, obj, message):
        """The row has no history page."""

    def response_change(self, request, obj):
        self.message_user(request, "The store's details are saved.", messages.SUCCESS)
        return HttpResponseRedirect(request.path)
