"""Every write to metadata definitions, and the check of metadata against them.

A new definition applies to later writes; existing values stay until somebody changes them. Keys without a definition
accept any value.
"""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

import orjson
from django.db import IntegrityError, transaction
from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast
from django.utils import timezone

from customers.core.json_values import check_json, is_same_json
from customers.core.prepared_query import PreparedQuery
from customers.limits import MAX_DEFINITIONS, TooMany, require_room
from customers.metadata import values
from customers.metadata.models import MAX_KEY_LENGTH, MAX_NAME_LENGTH, Definition, Object
from oauth.errors import ServiceError
from oauth.text import clean_title

KEY = re.compile(rf"[A-Za-z_][A-Za-z0-9_.-]{{0,{MAX_KEY_LENGTH - 1}}}")

# By key: the `type` and the `validations` of a definition, with its `id` and `version`.
Bindings = Mapping[str, Mapping[str, Any]]

_remembered: Bindings = {}


def _of_customers() -> QuerySet[Definition]:
    return Definition.objects.filter(object=Object.CUSTOMER).order_by("key")


_bindings = PreparedQuery(
    lambda: _of_customers().values("key", "type", "validations", "id", version=Cast("updated_at", TextField()))
)


class KeyTaken(ServiceError):
    code = "unique"

    def __init__(self):
        super().__init__("There is a definition of this key already.", "key")


class TooManyDefinitions(TooMany):
    pass


def bindings() -> Bindings:
    """The `type` and `validations` of each definition for customers, by key.

    Each call reads the database, so that a change applies from the next write in every process.
    """
    global _remembered
    _remembered = {each["key"]: each for each in _bindings()}
    return _remembered


def remembered_bindings() -> Bindings:
    """What this process read last. It may be out of date: the statement that writes has to check `unchanged_sql`."""
    return _remembered


def unchanged_sql() -> str:
    """A condition of PostgreSQL: the definitions of some keys are those of `bindings`. See `unchanged_params`."""
    return f"""%s = (
        SELECT coalesce(string_agg(id || ' ' || updated_at::text, ',' ORDER BY id), '')
        FROM {Definition._meta.db_table}
        WHERE object = '{Object.CUSTOMER}' AND key IN (SELECT json_array_elements_text(%s))
    )"""  # noqa: S608  only the name of a table and a constant are put in


def unchanged_params(keys: Collection[str], bound: Bindings) -> list[str]:
    """The parameters of `unchanged_sql`."""
    versions = sorted((bound[key]["id"], bound[key]["version"]) for key in keys if key in bound)
    return [",".join(f"{id} {version}" for id, version in versions), orjson.dumps(list(keys)).decode()]


def exported_keys() -> list[str]:
    """The keys of customers that are columns of an export."""
    return list(_of_customers().filter(enable_export=True).values_list("key", flat=True))


def customer_definitions() -> list[Definition]:
    """All definitions for customers, by name."""
    return list(Definition.objects.filter(object=Object.CUSTOMER).order_by("search_name", "key"))


def customer_names() -> dict[str, str]:
    """The names of the definitions for customers, by key."""
    return dict(_of_customers().values_list("key", "name"))


def filterable_definitions() -> list[Definition]:
    """The definitions that the list of customers can be filtered by."""
    return list(_of_customers().filter(enable_filter=True))


def clean_metadata(
    metadata: Mapping[str, Any],
    former: Mapping[str, Any] | None = None,
    bound: Bindings | None = None,
) -> dict[str, Any]:
    """Cleans the values that differ from `former`. `bound`: the result of `bindings`, if it is loaded already.

    Raises ServiceError("metadata", key).
    """
    cleaned = dict(metadata)
    for key, definition in (bindings() if bound is None else bound).items():
        if key not in metadata or (former and key in former and is_same_json(former[key], metadata[key])):
            continue
        try:
            cleaned[key] = values.clean(metadata[key], definition["type"], definition["validations"])
        except ServiceError as error:
            raise error.within("metadata", key) from None
    return cleaned


@transaction.atomic
def create_definition(**fields: Any) -> Definition:
    """Raises KeyTaken, TooManyDefinitions, ServiceError."""
    definition = Definition(**fields)
    if not KEY.fullmatch(definition.key):
        raise ServiceError(
            f"A key has up to {MAX_KEY_LENGTH} letters (a to z), digits, underscores, hyphens and dots, and begins "
            "with a letter or an underscore.",
            "key",
        )
    _check(definition)
    message = f"A store has at most {MAX_DEFINITIONS} definitions."
    require_room(Definition.objects.all(), MAX_DEFINITIONS, message, TooManyDefinitions)
    _save(definition, force_insert=True)
    return definition


@transaction.atomic
def update_definition(
    definition_id: int, *, precondition: Callable[[Any], None] | None = None, **changes: Any
) -> Definition:
    """Changes of key and type are ignored: they are fixed. `precondition` is called with the locked object.

    Raises Definition.DoesNotExist, KeyTaken (if the object changes), ServiceError, and what `precondition` raises.
    """
    definition = Definition.objects.select_for_update().get(pk=definition_id)
    if precondition:
        precondition(definition)
    former = dict(vars(definition))
    for name in changes.keys() - {"key", "type"}:
        setattr(definition, name, changes[name])
    _check(definition)
    if vars(definition) != former:
        definition.updated_at = timezone.now()
        _save(definition)
    return definition


def delete_definition(definition_id: int) -> None:
    """The metadata of customers stays. Raises Definition.DoesNotExist."""
    Definition.objects.get(pk=definition_id).delete()


def _check(definition: Definition) -> None:
    check_json(definition.name, "name")
    definition.name = clean_title(definition.name, MAX_NAME_LENGTH, "name")
    values.check_validations(definition.type, definition.validations)


def _save(definition: Definition, **options: Any) -> None:
    try:
        with transaction.atomic():
            definition.save(**options)
    except IntegrityError:  # the only constraint is on the key
        raise KeyTaken from None
