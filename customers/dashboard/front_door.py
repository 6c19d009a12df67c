"""The page at `/`, which leads to the dashboard and to the API reference. It is shown without a database, too."""

from collections.abc import Iterable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from customers.dashboard.site import DEFAULT_NAME, site_names
from oauth.models import DEFAULT_API_VERSION


@require_safe
def front_door(request: HttpRequest, documents: Iterable[str]) -> HttpResponse:
    """`documents`: the names of the OpenAPI documents. The URLconf passes them: no surface imports another one."""
    url = reverse("admin-api-schema")
    links = [
        (f"{name} (default)" if name == DEFAULT_API_VERSION else name, f"{url}?version={name}") for name in documents
    ]
    names = site_names()
    name = names["site_title"]
    context = {**names, "name": name if name != DEFAULT_NAME else "this store", "documents": links}
    return render(request, "dashboard/front_door.html", context)
