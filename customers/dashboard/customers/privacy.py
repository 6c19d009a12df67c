"""What the law gives a customer: a copy of what is held about them, and to be forgotten."""

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import path, reverse

from customers.models import Customer
from customers.privacy.erasure import erase
from customers.privacy.personal_data import personal_data
from oauth.actor import Actor

WORD = "erase"


class EraseForm(forms.Form):
    """Nobody erases by a slip of the hand."""

    confirmation = forms.CharField(
        label=f"To confirm, type the email address or “{WORD}”", widget=forms.TextInput({"autocomplete": "off"})
    )

    def __init__(self, customer: Customer, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.right = {WORD, (customer.email or WORD).lower()}

    def clean_confirmation(self) -> str:
        if self.cleaned_data["confirmation"].strip().lower() not in self.right:
            raise forms.ValidationError(f"This is neither the email address nor “{WORD}”.")
        return self.cleaned_data["confirmation"]


class Privacy(admin.ModelAdmin):
    def get_urls(self):
        view = self.admin_site.admin_view  # which is never cached
        return [
            path("<int:customer_id>/personal-data/", view(self.download), name="customers_customer_personal_data"),
            path("<int:customer_id>/erase/", view(self.erase), name="customers_customer_erase"),
            *super().get_urls(),
        ]

    def customer_for(self, request: HttpRequest, customer_id: int, permission: str) -> Customer:
        if not request.user.has_perm(f"customers.{permission}_customer"):
            raise PermissionDenied
        if customer := self.get_object(request, str(customer_id)):
            return customer
        raise Http404

    def download(self, request: HttpRequest, customer_id: int) -> HttpResponse:
        customer = self.customer_for(request, customer_id, "export")
        document = personal_data(customer.pk, by=Actor(user_id=request.user.pk))
        response = JsonResponse(document, json_dumps_params={"indent": 2, "ensure_ascii": False})
        response.headers["Content-Disposition"] = f'attachment; filename="customer-{customer.pk}.json"'
        return response

    def erase(self, request: HttpRequest, customer_id: int) -> HttpResponse:
        customer = self.customer_for(request, customer_id, "erase")
        form = EraseForm(customer, request.POST if request.method == "POST" else None)
        if form.is_valid():
            erase(customer.pk, by=Actor(user_id=request.user.pk))
            self.message_user(request, f"Customer {customer.pk} is erased.", messages.SUCCESS)
            return HttpResponseRedirect(reverse("admin:customers_customer_change", args=[customer.pk]))
        context = {
            **self.admin_site.each_context(request),
            "title": "Erase",
            "original": customer,
            "opts": self.opts,
            "form": form,
        }
        return render(request, "dashboard/erase.html", context)
