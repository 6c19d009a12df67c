"""The store's details: one page, since there is one store."""

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_safe

from customers.dashboard.read_only import NoDeleteAdmin
from customers.dashboard.service_errors import ServiceErrorsAdmin, ServiceErrorsForm
from customers.store import services
from customers.store.models import StoreDetails


class StoreDetailsForm(ServiceErrorsForm):
    logo = forms.FileField(
        required=False,
        help_text="Shown beside the name on every page. PNG, JPEG, WebP or GIF, at most "
        f"{services.MAX_LOGO_BYTES // 1000} kB.",
        widget=forms.FileInput({"accept": ",".join(media_type for _, media_type in services.LOGO_TYPES)}),
    )
    remove_logo = forms.BooleanField(required=False, label="Remove the present logo")
    currencies = forms.CharField(help_text="Codes of ISO 4217, separated by commas: USD, EUR.")

    class Meta:
        model = StoreDetails
        fields = (
            "name", "logo", "remove_logo", "tagline", "tax_id", "currencies", "company_name", "line1", "line2", "city",
            "state", "postcode", "phone_number", "consent_text_version",
        )  # fmt: skip

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.initial["currencies"] = ", ".join(self.instance.currencies)

    def clean_currencies(self):
        return [code.strip().upper() for code in self.cleaned_data["currencies"].split(",") if code.strip()]


@require_safe
def logo(request: HttpRequest, digest: str) -> HttpResponse:
    """For anybody: the sign-in page shows it. Its address changes with the image, so browsers keep it."""
    image = services.get_logo(digest)
    if image is None:
        raise Http404
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "Content-Disposition": "inline"}
    return HttpResponse(bytes(image.content), content_type=image.media_type, headers=headers)


@admin.register(StoreDetails)
class StoreDetailsAdmin(ServiceErrorsAdmin, NoDeleteAdmin):
    form = StoreDetailsForm

    def get_fields(self, request, obj=None):
        """The logo only where it may be changed; the header of the page shows it."""
        left_out = set() if self.has_change_permission(request) else {"logo", "remove_logo"}
        if not services.get_details().logo_digest:
            left_out.add("remove_logo")
        return [name for name in StoreDetailsForm.Meta.fields if name not in left_out]

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
        changes = form.cleaned_data
        logo, is_removed = changes.pop("logo"), changes.pop("remove_logo", False)
        if logo:
            logo.seek(0)  # the form may be handled a second time
            services.change_logo(logo.read())
        elif is_removed:
            services.change_logo(None)
        services.change_details(**changes)

    def log_change(self, request, obj, message):
        """The row has no history page."""

    def response_change(self, request, obj):
        self.message_user(request, "The store's details are saved.", messages.SUCCESS)
        return HttpResponseRedirect(request.path)
