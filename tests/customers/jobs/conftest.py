import pytest

from customers.jobs.imports import load


@pytest.fixture
def small_chunks(monkeypatch):
    """An import stores two rows per transaction."""
    monkeypatch.setattr(load, "CHUNK", 2)
