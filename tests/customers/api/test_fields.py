"""The validation of `SharedFieldsSerializer` is that of DRF, only faster."""

import pytest
from rest_framework import serializers

from customers.api import urls  # noqa: F401  imported to load all serializers of the API
from customers.api.fields import SharedFieldsSerializer

VALUES = [
    "plain", "Ada Lovelace", "", " ", " a", "a ", "a\n", "\ta", "é", "\x7f", "a\0b", "\ud800", "x" * 255, "x" * 256,
    "x" * 2_000, 1, None, True, False, "true", 1.0, "en", "EN", "lead", "ada@example.com", "ada@example", "ada@-x.ab",
    " ada@example.com", [], ["vip", "new"], ["é", None, " a ", ""], ["a\0"], [1], [[]], ["en"], ["x"] * 1_001,
    {"a": [1]},
]  # fmt: skip

pytestmark = [pytest.mark.once, pytest.mark.django_db]


def subclasses_of(serializer_class: type) -> set[type]:
    found = set(serializer_class.__subclasses__())
    return found.union(*map(subclasses_of, found))


def outcome(validate, *args):
    """The valid values, or the errors with their codes."""
    try:
        return validate(*args)
    except serializers.ValidationError as error:
        return error.get_full_details()
    except (
        AttributeError,
        TypeError,
    ) as error:  # a parameter of the query string gets a list of texts, and checks no more
        return str(error)


def test_every_serializer_accepts_and_refuses_what_drf_does():
    compared = 0
    for serializer_class in subclasses_of(SharedFieldsSerializer):
        given = [(False, {})]  # absent fields, then each field alone
        given += [(True, {name: value}) for name in serializer_class().fields for value in VALUES]
        for partial, data in given:
            serializer = serializer_class.shared(partial=partial)
            by_drf = outcome(serializers.Serializer.to_internal_value, serializer, data)

            assert outcome(serializer.to_internal_value, data) == by_drf, (serializer_class, data)
            compared += 1
    assert compared > 1000
