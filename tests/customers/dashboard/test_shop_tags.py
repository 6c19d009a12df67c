"""How pages write moments, money and countries."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.template import Context, Template
from django.utils import timezone

from tests.support.cases import each


def rendered(text: str, **context) -> str:
    return Template("{% load shop %}" + text).render(Context(context))


@pytest.mark.once
class TestWhen:
    def test_when_says_how_long_ago_and_shows_the_exact_time_on_hover(self, settings):
        settings.TIME_ZONE = "Europe/Berlin"
        moment = datetime(2020, 6, 1, 10, 30, tzinfo=UTC)

        with timezone.override("Europe/Berlin"):
            text = rendered("{% when moment %}", moment=moment)

        assert 'datetime="2020-06-01T10:30:00Z"' in text
        assert 'title="2020-06-01 12:30:00 CEST (2020-06-01 10:30:00 UTC)"' in text
        assert "years ago</time>" in text

    @each(
        "distance, words",
        {
            "now": (timedelta(seconds=-20), "just now"),
            "past": (timedelta(hours=-3, minutes=-20), "3 hours ago"),
            "future": (timedelta(days=2, hours=1), "in 2 days"),
        },
    )
    def test_when_is_in_words(self, distance, words):
        text = rendered("{% when moment %}", moment=timezone.now() + distance)

        assert f">{words}</time>" in text.replace("\xa0", " ")

    def test_when_of_a_day_and_of_nothing(self):
        assert rendered("{% when day %}", day=date(2024, 2, 29)) == '<time datetime="2024-02-29">2024-02-29</time>'
        assert rendered("{% when nothing %}", nothing=None) == rendered("{% no_value %}")
        assert "—" in rendered("{% no_value %}")


@pytest.mark.once
class TestMoney:
    @each(
        "amount, currency, text",
        {
            "usual": (Decimal("1234.5"), "EUR", "1,234.50 EUR"),
            "without cents": (Decimal("1200.00"), "JPY", "1,200 JPY"),
            "unusual cents": (Decimal("1200.50"), "JPY", "1,200.50 JPY"),
            "negative": (Decimal(-3), "usd", "-3.00 USD"),
            "unknown currency": (Decimal("10.9"), "", "10.90"),
            "text": ("7", "GBP", "7.00 GBP"),
            "nothing": (None, "EUR", "—"),
        },
    )
    def test_money_always_has_its_currency(self, amount, currency, text):
        assert rendered("{{ amount|money:currency }}", amount=amount, currency=currency) == text


@pytest.mark.once
class TestCountryName:
    @each("code, name", {"known": ("GB", "United Kingdom"), "unknown": ("ZZ", "ZZ"), "nothing": ("", "—")})
    def test_country_name_of_a_code(self, code, name):
        assert rendered("{{ code|country_name }}", code=code) == name
