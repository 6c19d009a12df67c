"""The `count` of a search for one or two letters in a large store."""

from datetime import timedelta
from threading import Event

import pytest
from django.db.models import F

from customers.kept_numbers import ShortSearch
from customers.medusa import counting, short_searches
from customers.models import User
from tests.support.factories import make_owner, make_user
from tests.support.medusa import CUSTOMERS


@pytest.fixture
def zoes(db, monkeypatch):
    """Three customers in a store that counts as large, and a worker's step. Two are many."""
    monkeypatch.setattr(short_searches, "KEPT_FROM", 1)
    monkeypatch.setattr(short_searches, "BATCH", 2)
    monkeypatch.setattr(short_searches, "PAUSE", 0)
    monkeypatch.setattr(counting, "EXACT_UP_TO", 2)
    make_owner(first_name="Zoë")
    make_user(email="zoe@example.com", first_name="Zoë", last_name="Strauß", phone_number="+442079460018")
    for name in ("a", "b"):  # other emails of tests have numbers, which a search would find
        make_user(email=f"{name}@example.com", first_name="Zoë")
    short_searches.run(Event(), until_empty=True)


@pytest.fixture
def counts(medusa_client, settings):
    settings.MEDUSA_COUNT_SECONDS = 0
    return lambda text: medusa_client.get(CUSTOMERS, {"q": text, "limit": "1"}).json()["count"]


class TestShortSearches:
    def test_kept_numbers_are_those_of_a_count(self, zoes):
        for text, number in ShortSearch.objects.values_list("text", "number"):
            found = User.objects.filter(is_staff=False, search_text__contains=text)
            assert number == found.count() > counting.EXACT_UP_TO, text
        assert ShortSearch.objects.filter(text__in=("z", "zo", "oë")).count() == 3

    def test_number_of_a_short_search_is_kept_and_others_are_counted(self, zoes, counts):
        assert [counts(text) for text in ("Zo", "zo", "ë", "zoë", "st", "20")] == [3, 3, 3, 3, 1, 0]
        make_user(email="c@example.com", first_name="Zoë")

        assert [counts(text) for text in ("Zo", "zo", "ë", "zoë", "st", "20")] == [3, 3, 3, 4, 1, 0]

    def test_number_is_counted_if_no_worker_has_done_so_within_an_hour(self, zoes, counts):
        make_user(first_name="Zoë")
        ShortSearch.objects.update(counted_at=F("counted_at") - short_searches.KEPT_FOR)

        assert counts("zo") == 4

    def test_worker_counts_again_after_half_an_hour(self, zoes, counts):
        make_user(first_name="Zoë")
        short_searches.run(Event(), until_empty=True)
        assert counts("zo") == 3

        ShortSearch.objects.update(counted_at=F("counted_at") - timedelta(minutes=31))
        short_searches.run(Event(), until_empty=True)

        assert counts("zo") == 4

    def test_small_store_keeps_nothing(self, zoes, counts, monkeypatch):
        ShortSearch.objects.all().delete()
        monkeypatch.setattr(short_searches, "KEPT_FROM", 1_000)

        short_searches.run(Event(), until_empty=True)

        assert not ShortSearch.objects.exists()
        assert counts("zo") == 3
