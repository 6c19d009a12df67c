"""The first page of the dashboard: sales, customers and buyers of a period, compared with the one before."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from customers.customer_count import number_of_customers
from customers.dashboard import home_numbers, periods, statistics
from customers.dashboard.replica_pages import may_be_stale
from customers.models import StaffMember
from customers.webhooks.models import Webhook
from oauth import api_usage
from oauth.models import PrivateApp

NEW_STORE = 5  # customers; a store with fewer is new. `make run` creates one customer.


@may_be_stale
def home(request: HttpRequest) -> HttpResponse:
    """Shows only numbers about objects that the role may view."""
    given = request.GET.get("days", "")
    name = given if given in periods.CHOICES else periods.DEFAULT
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": "Home",
        "choices": [(value, choice.title, value == name) for value, choice in periods.CHOICES.items()],
        "choice": periods.CHOICES[name],
    }
    sees = request.user.has_perm
    if sees("customers.view_customer"):
        number = number_of_customers()
        names = ["parts", f"customers-{name}", *([f"sales-{name}"] if sees("orders.view_order") else [])]
        values, computed_at = home_numbers.numbers(names, number)
        context |= {"number": number, "newest": statistics.newest(), "as_of": computed_at, **values}
        if number < NEW_STORE:
            context["first_steps"] = first_steps(request)
    if sees("oauth.view_partnerapp"):
        since = periods.CHOICES["30"].parts(timezone.localdate())[0].moments[0]
        context["calls_by_app"] = [(name, number, "") for name, number in api_usage.calls_by_app(since)]
    return render(request, "dashboard/home.html", context)


def first_steps(request: HttpRequest) -> list[tuple[str, str, str, bool]]:
    """Of a new store: what to do, why, where, and whether it is done. Only what the role may do."""
    steps = [
        ("customers.import_customer", "Import your customers", "A CSV file, as shops export it", "jobs_job_import",
         lambda: False),
        ("customers.add_staffmember", "Invite a colleague", "Each with a role", "customers_staffmember_add",
         lambda: StaffMember.objects.count() > 1),
        ("oauth.add_privateapp", "Create an API token", "For your own programs", "oauth_privateapp_add",
         PrivateApp.objects.exists),
        ("webhooks.add_webhook", "Add a webhook", "Your systems learn of each change", "webhooks_webhook_add",
         Webhook.objects.exists),
    ]  # fmt: skip
    return [
        (title, why, reverse(f"admin:{page}"), is_done())
        for permission, title, why, page, is_done in steps
        if request.user.has_perm(permission)
    ]
