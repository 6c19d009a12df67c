"""The page at `/`, which leads a person to the dashboard and to the API reference. It needs no database."""

from collections.abc import Iterable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from customers.dashboard.site import site_names
from oauth.models import DEFAULT_API_VERSION


@require_safe
def front_door(request: HttpRequest, documents: Iterable[str]) -> HttpResponse:
    """`documents`: the names of the OpenAPI documents. The URLconf passes them: no surface imports another one."""
    url = reverse("admin-api-schema")
    links = [
        (f"{name} (default)" if name == DEFAULT_API_VERSION else name, f"{url}?version={name}") for name in documents
    ]
    return render(request, "dashboard/front_door.html", {**site_names(), "title": "Store", "documents": links})
