"""The pages of objects, and who may see them."""

from collections.abc import Collection
from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse


def url_of(model: type[Model], pk: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[pk])


def urls_of(request: HttpRequest, model: type[Model], column: str, values: Collection[Any]) -> dict[Any, str]:
    """By each of the values of that column: the page of the object that has it. Objects that are gone, or that the
    person may not see, are left out. Takes one statement, or none."""
    pages = admin.site.get_model_admin(model)
    if not values or not pages.has_view_or_change_permission(request):
        return {}
    found = pages.get_queryset(request).filter(**{f"{column}__in": values}).values_list(column, "pk")
    return {value: url_of(model, pk) for value, pk in found}
