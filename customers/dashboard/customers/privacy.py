"""The data protection rights of a customer: a copy of their personal data, and erasure."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path

from customers.dashboard.confirmed_actions import ConfirmedActionsAdmin, TypedConfirmation, confirmed_action
from customers.models import Customer
from customers.privacy.erasure import erase
from customers.privacy.personal_data import personal_data
from oauth.actor import Actor

ERASE_WORD = "erase"


def accepted_confirmations(customer: Customer) -> set[str]:
    return {ERASE_WORD, (customer.email or ERASE_WORD).lower()}


class PrivacyAdmin(ConfirmedActionsAdmin):
    def get_urls(self):
        download = self.admin_site.admin_view(self.download)
        return [
            path("<int:customer_id>/personal-data/", download, name="customers_customer_personal_data"),
            *super().get_urls(),
        ]

    def download(self, request: HttpRequest, customer_id: int) -> HttpResponse:
        is_allowed = request.user.has_perm("customers.export_customer")
        customer = self.object_or_404(request, customer_id, is_allowed=is_allowed)
        document = personal_data(customer.pk, by=Actor.from_request(request))
        response = JsonResponse(document, json_dumps_params={"indent": 2, "ensure_ascii": False})
        response.headers["Content-Disposition"] = f'attachment; filename="customer-{customer.pk}.json"'
        return response

    @confirmed_action(
        "Erase",
        "This removes the name, email address, phone number, addresses and notes of {object}, and everything else that "
        "identifies them, from the activity, from orders and subscriptions, and from the logs. What was sold, when and "
        "for how much is kept. All finished export files are deleted, too.",
        button="Erase permanently",
        permission="customers.erase_customer",
        reauthenticate=True,
        is_permanent=True,
        confirmation=TypedConfirmation(f"the email address or the word “{ERASE_WORD}”", accepted_confirmations),
    )
    def erase(self, request: HttpRequest, customer: Customer):
        erase(customer.pk, by=Actor.from_request(request))
        return f"Customer {customer.pk} is erased."
