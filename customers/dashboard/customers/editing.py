"""Adding and changing a customer and their addresses. Each form is a page of its own; a script shows it in a dialog."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import path

from customers import services
from customers.dashboard.customers.actions import CustomerActionsAdmin, actor
from customers.dashboard.customers.forms import EVERYTHING, PARTS, AddressForm, AddressFormSet, CustomerForm, create
from customers.dashboard.customers.merging import may_be_duplicate
from customers.models import Address, Customer, User
from oauth.errors import ServiceError


class EditingAdmin(CustomerActionsAdmin):
    def get_urls(self):
        wrap = self.admin_site.admin_view
        return [
            path("<int:customer_id>/edit/", wrap(self.edit), name="customers_customer_edit"),
            path("<int:customer_id>/edit/<slug:part>/", wrap(self.edit), name="customers_customer_edit_part"),
            path("<int:customer_id>/addresses/add/", wrap(self.add_address), name="customers_customer_add_address"),
            path(
                "<int:customer_id>/addresses/<int:address_id>/",
                wrap(self.edit_address),
                name="customers_customer_edit_address",
            ),
            path(
                "<int:customer_id>/addresses/<int:address_id>/delete/",
                wrap(self.delete_address),
                name="customers_customer_delete_address",
            ),
            *super().get_urls(),
        ]

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        data = request.POST if request.method == "POST" else None
        form, addresses = CustomerForm(data), AddressFormSet(data, prefix="addresses")
        if data is not None and all([form.is_valid(), addresses.is_valid()]):
            try:
                created = create(form, addresses.forms, actor(request))
            except ServiceError:
                pass  # the forms show it
            else:
                if may_be_duplicate(created):
                    self.message_user(request, f"{created} may be a duplicate: see below.", messages.WARNING)
                return self.customer_page(request, created.pk, f"{created} is added.")
        return self._form_page(request, form, "add", title="Add customer", addresses=addresses)

    def edit(self, request: HttpRequest, customer_id: int, part: str = "") -> HttpResponse:
        if part and part not in PARTS:
            raise Http404
        customer = self.customer_to_change(request, customer_id)
        shown = PARTS[part] if part else EVERYTHING
        form = CustomerForm(request.POST if request.method == "POST" else None, instance=customer, part=shown)
        if form.is_valid() and self._is_saved(form, lambda: form.update(actor(request))):
            return self.customer_page(request, customer_id, "The changes are saved.", at=part)
        return self._form_page(request, form, "edit", title=shown.title, original=customer)

    def add_address(self, request: HttpRequest, customer_id: int) -> HttpResponse:
        return self._save_address(request, self.customer_to_change(request, customer_id), Address(), "Add address")

    def edit_address(self, request: HttpRequest, customer_id: int, address_id: int) -> HttpResponse:
        customer = self.customer_to_change(request, customer_id)
        address = get_object_or_404(customer.addresses, pk=address_id)
        return self._save_address(request, customer, address, "Edit address")

    def delete_address(self, request: HttpRequest, customer_id: int, address_id: int) -> HttpResponse:
        customer = self.customer_to_change(request, customer_id)
        address = get_object_or_404(customer.addresses, pk=address_id)
        if request.method == "POST":
            with suppress(Address.DoesNotExist):  # somebody else deletes it at the same time
                services.delete_address(customer.pk, address.pk, by=actor(request))
            return self.customer_page(request, customer_id, "The address is deleted.", at="addresses")
        context = {"title": "Delete address", "original": customer, "address": address}
        return self._form_page(request, forms.Form(), "delete_address", **context)

    def _save_address(self, request, customer: Customer, address: Address, title: str) -> HttpResponse:
        form = AddressForm(request.POST if request.method == "POST" else None, instance=address)
        if form.is_valid() and self._is_saved(form, lambda: form.add_or_update(customer.pk, actor(request))):
            return self.customer_page(request, customer.pk, "The address is saved.", at="addresses")
        return self._form_page(request, form, "edit", title=title, original=customer)

    def _is_saved(self, form: CustomerForm | AddressForm, save: Callable[[], None]) -> bool:
        """Calls `save`. If a service refuses, its error is added to the form."""
        try:
            save()
        except ServiceError as error:
            form.add_service_error(error)
        except Address.DoesNotExist:
            form.add_error(None, "Somebody else has deleted this address.")
        except User.DoesNotExist:
            raise Http404 from None
        return not form.errors

    def _form_page(self, request, form, template: str, **context: Any) -> HttpResponse:
        site = {**self.admin_site.each_context(request), "opts": self.opts}
        addresses = context.get("addresses")
        forms_shown = [form, *(addresses.forms if addresses else ())]
        errors = [(bound, bound.errors) for each in forms_shown for bound in each.visible_fields() if bound.errors]
        return render(
            request, f"dashboard/customers/{template}.html", {**site, **context, "form": form, "errors": errors}
        )
