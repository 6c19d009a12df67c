"""The columns of the list of customers. Each person chooses theirs; a cookie keeps the choice for their browser."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Max
from django.http import HttpRequest, HttpResponse

from customers.dashboard.customers import paging
from customers.models import User
from customers.orders.models import Order


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    title: str
    is_number: bool = False

    @property
    def is_sortable(self) -> bool:
        return paging.is_order(self.name)


CHOICES = [
    Column("status", "Status"),
    Column("phone", "Phone"),
    Column("country", "Country"),
    Column("tags", "Tags"),
    Column("language", "Language"),
    Column("orders", "Orders", is_number=True),
    Column("spent", "Spent", is_number=True),
    Column("last_order", "Last order"),
    Column("joined", "Joined"),
]
DEFAULT = ("status", "country", "tags", "orders", "spent", "last_order", "joined")
KEPT_FOR = timedelta(days=400)
SEPARATOR = "."  # needs no quotation marks in a cookie


def cookie_of(request: HttpRequest) -> str:
    return f"customer_columns_{request.user.pk}"


def chosen(request: HttpRequest) -> list[Column]:
    kept = request.COOKIES.get(cookie_of(request))
    names = kept.split(SEPARATOR) if kept else DEFAULT
    return [column for column in CHOICES if column.name in names]


def keep(request: HttpRequest, response: HttpResponse, names: Iterable[str]) -> None:
    """No name at all: the default from now on."""
    known = [column.name for column in CHOICES if column.name in set(names)]
    if not known:
        response.delete_cookie(cookie_of(request))
        return
    response.set_cookie(
        cookie_of(request),
        SEPARATOR.join(known),
        max_age=KEPT_FOR,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def last_orders(people: Iterable[User]) -> dict[int, datetime]:
    """By the id of a customer: when the last successful order was placed. Customers without one are left out."""
    orders = Order.objects.successful().filter(user__in=[user.pk for user in people]).order_by()
    return dict(orders.values_list("user").annotate(last=Max("date_placed")))
