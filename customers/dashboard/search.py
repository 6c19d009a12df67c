"""The search over the whole dashboard: its pages, customers, orders, groups, segments and apps.

A person finds only what their role may view. Each kind takes one or two statements with a limit.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.db.models import BooleanField, ExpressionWrapper, Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from customers.core.postgres import custom_plan
from customers.dashboard import navigation
from customers.dashboard.ids import is_id
from customers.dashboard.object_pages import url_of
from customers.dashboard.replica_pages import may_be_stale
from customers.groups.models import CustomerGroup
from customers.limits import shortened_search
from customers.models import Customer
from customers.orders.models import Order, Subscription
from customers.segments.models import Segment
from oauth.models import PartnerApp, PrivateApp
from oauth.text import fold

MAX_OF_A_KIND = 6
# A search reads at most so many matching customers, in any order, and offers the newest of them. So the search for a
# common word ends early.
MAX_CUSTOMERS = 500
MIN_LENGTH = 2  # characters


@dataclass(frozen=True, slots=True)
class Found:
    name: str
    url: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Kind:
    """`rows` are the objects of the model that a text matches, without a limit. `detail` distinguishes objects of the
    same name."""

    model: type[Model]
    rows: Callable[[str], QuerySet[Any]]
    detail: Callable[[Any], str]


def _customers(text: str) -> QuerySet[Any]:
    """The one with this id first, then the newest."""
    people = Customer.objects.all()
    found = list(people.search(text).order_by().values_list("pk", flat=True)[:MAX_CUSTOMERS])
    pk = int(text) if is_id(text) else 0
    has_id = ExpressionWrapper(Q(pk=pk), BooleanField())
    newest = people.filter(pk__in=[*found, pk]).order_by(has_id.desc(), "-date_joined", "-id")
    return newest.defer("metadata", "tags")


def _orders(text: str) -> QuerySet[Any]:
    number = text.removeprefix("#")
    is_number = Q(number__startswith=number) | Q(number__startswith=number.upper())
    return Order.objects.filter(is_number).select_related("user").defer("document").order_by("number")


def _subscriptions(text: str) -> QuerySet[Any]:
    number = text.removeprefix("#")
    subscriptions = Subscription.objects.select_related("user").defer("document")
    return subscriptions.filter(external_id=int(number)) if is_id(number) else subscriptions.none()


def _named(model: Any) -> Callable[[str], QuerySet[Any]]:
    """By each word of the text. `model` has the folded column `search_name`."""

    def matching(text: str) -> QuerySet[Any]:
        has_words = Q(*(("search_name__contains", word) for word in fold(text).split()))
        return model.objects.filter(has_words).order_by("search_name")

    return matching


def _apps(model: Any) -> Callable[[str], QuerySet[Any]]:
    def matching(text: str) -> QuerySet[Any]:
        list_of_apps: Any = admin.site.get_model_admin(model)
        return list_of_apps.get_search_results(None, model.objects.all(), text)[0]

    return matching


KINDS = (
    Kind(Customer, _customers, lambda person: " · ".join(filter(None, [person.email, person.phone_number]))),
    Kind(Order, _orders, lambda order: f"{order.user} · {order.total} {order.currency}"),
    Kind(Subscription, _subscriptions, lambda subscription: str(subscription.user)),
    Kind(CustomerGroup, _named(CustomerGroup), lambda group: ""),
    Kind(Segment, _named(Segment), lambda segment: ""),
    Kind(PartnerApp, _apps(PartnerApp), lambda app: ""),
    Kind(PrivateApp, _apps(PrivateApp), lambda app: ""),
)


def find(request: HttpRequest, text: str) -> list[tuple[str, list[Found]]]:
    """What is found, by kind. Kinds of which nothing is found are left out."""
    if (len(text) < MIN_LENGTH and not is_id(text)) or not fold(text):
        return []
    with custom_plan():
        found = [("Pages", list(_pages(request, text)))]
        found += [(navigation.name_of(kind.model._meta), list(_objects(request, kind, text))) for kind in KINDS]
    return [(name, objects) for name, objects in found if objects]


def _objects(request: HttpRequest, kind: Kind, text: str) -> Iterator[Found]:
    if not admin.site.get_model_admin(kind.model).has_view_or_change_permission(request):
        return
    for found in kind.rows(text)[:MAX_OF_A_KIND]:
        yield Found(str(found), url_of(kind.model, found.pk), kind.detail(found))


def _list_url(request: HttpRequest, text: str) -> str:
    """That of the list of customers, whose search also knows tags. Empty for those who may not see it."""
    if len(text) < MIN_LENGTH or not admin.site.get_model_admin(Customer).has_view_or_change_permission(request):
        return ""
    return f"{reverse('admin:customers_customer_changelist')}?{urlencode({'q': text})}"


def _pages(request: HttpRequest, text: str) -> Iterator[Found]:
    """The places of the sidebar, what can be added there, and the person's own pages."""
    words = fold(text).split()
    matching = (page for page in _all_pages(request) if all(word in fold(page.name) for word in words))
    return islice(matching, MAX_OF_A_KIND)


def _all_pages(request: HttpRequest) -> Iterator[Found]:
    for place in navigation.places(admin.site.get_app_list(request)):
        yield Found(place["name"], place["admin_url"])
        if place["add_url"]:
            yield Found(navigation.name_of_adding(place["model"]._meta), place["add_url"])
    if request.user.has_perm("customers.import_customer"):
        yield Found("Import customers", reverse("admin:jobs_job_import"))
    yield Found("Your account and two-factor sign-in", reverse("account"))
    yield Found("Change your password", reverse("account-password"))
    yield Found("API reference", reverse("admin-api-docs"))


@require_safe
@may_be_stale
def search(request: HttpRequest) -> HttpResponse:
    """A page of results; with `part`, the results alone, as the options of the search box."""
    text = shortened_search(" ".join(request.GET.get("q", "").replace("\0", "").split()))
    context: dict[str, Any] = {"query": text, "found": find(request, text), "min_length": MIN_LENGTH}
    context["list_url"] = _list_url(request, text)
    if "part" in request.GET:
        return render(request, "dashboard/search_options.html", context)
    context |= {"title": "Search", "customers_url": reverse("admin:customers_customer_changelist")}
    return render(request, "dashboard/search.html", {**admin.site.each_context(request), **context})
