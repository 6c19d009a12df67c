"""`each` has to fail when any of its cases fails, and to give every case the same database."""

import pytest

from customers.models import User
from tests.support.cases import each


@each("number, limit", {"fits": (1, 2), "too large": (3, 2), "wrong type": ("x", 2)})
def check(self, number, limit):
    assert number <= limit


@pytest.mark.once
def test_each_lists_all_failing_cases_by_name():
    with pytest.raises(AssertionError) as failure:
        check(None)

    first, *rest = str(failure.value).splitlines()
    assert first == "2 of 3 cases failed:"
    assert [line.partition(":")[0] for line in rest if ": " in line][:1] == ["too large"]
    assert "wrong type: TypeError" in str(failure.value)


@each("inner", [1, 2])
@each("outer", [1, 2])
def test_each_rolls_back_what_a_case_writes(db, inner, outer):
    assert not User.objects.exists()
    User.objects.create(email="ada@example.com")


@pytest.mark.once
def test_nested_each_fails_when_one_inner_case_fails():
    @each("outer", [1, 2])
    @each("inner", [1, 2])
    def nested(outer, inner):
        assert (outer, inner) != (2, 2)

    with pytest.raises(AssertionError, match="1 of 2 cases failed"):
        nested()
