"""The page at `/`, which leads a person to the dashboard and to the API reference. It needs no database."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from customers.dashboard.site import site_names
from oauth.models import DEFAULT_API_VERSION, ApiVersion


@require_safe
def front_door(request: HttpRequest) -> HttpResponse:
    documents = [
        (f"{version} (default)" if version == DEFAULT_API_VERSION else version, _document_url(version))
        for version in ApiVersion.values
    ]
    context = {**site_names(), "title": "Store", "documents": documents}
    return render(request, "dashboard/front_door.html", context)


def _document_url(version: str) -> str:
    return f"{reverse('admin-api-schema')}?version={version}"
