"""The registry of the types of jobs."""

import pytest

from customers.jobs import registry
from customers.jobs.registry import JobType, Options


class LongKey(JobType[Options]):
    key, label, options_type = "k" * 17, "Long", Options


def test_registry_refuses_a_key_that_the_column_of_jobs_cannot_hold():
    with pytest.raises(ValueError, match=f"at most 16 characters: {LongKey.key}"):
        registry.register(LongKey())

    assert LongKey.key not in [each.key for each in registry.all_types()]
