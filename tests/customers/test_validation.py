"""The functions that clean one value each; what they promise beyond what a request can show."""

from random import Random

import emoji
import phonenumbers
import pytest

from customers import phone_numbers, services, validation
from customers.models import User
from oauth.actor import SYSTEM
from tests.support.cases import each
from tests.support.factories import address


class TestCustomerError:
    def test_error_path_leads_to_the_value(self):
        with pytest.raises(validation.ServiceError) as caught:
            services.create_user(by=SYSTEM, email="ada@example.com", addresses=[address(), address(country="XX")])

        assert caught.value.path == ("addresses", 1, "country")
        assert caught.value.code == "invalid"

    def test_error_path_of_a_tag_has_its_position(self):
        with pytest.raises(validation.ServiceError) as caught:
            validation.clean_tags(["ok", "x" * 256])

        assert caught.value.path == ("tags", 1)

    @pytest.mark.django_db
    def test_taken_email_error_has_its_own_code(self):
        services.create_user(by=SYSTEM, email="ada@example.com")

        with pytest.raises(validation.EmailTaken) as caught:
            services.create_user(by=SYSTEM, email="ADA@example.com")

        assert (caught.value.code, caught.value.path) == ("unique", ("email",))
        assert User.objects.count() == 1


class TestCleanPhoneNumber:
    @pytest.mark.parametrize(("text", "kept"), [(None, None), ("", ""), (" \t", "")])
    def test_clean_phone_number_keeps_empty_values(self, text, kept):
        assert phone_numbers.clean_phone_number(text, None) == kept

    def test_clean_phone_number_asks_for_the_country_code(self):
        with pytest.raises(validation.ServiceError, match="with its country code"):
            phone_numbers.clean_phone_number("020 7946 0958", None)

    @pytest.mark.parametrize("country", ["GB", "AQ", "XX", "", "001", None])
    def test_international_phone_number_needs_no_country(self, country):
        assert phone_numbers.clean_phone_number("+44 20 7946 0958", country) == "+442079460958"

    @pytest.mark.parametrize("country", ["AQ", "XX", "", "001"])
    def test_local_phone_number_of_country_without_numbers_is_rejected(self, country):
        with pytest.raises(validation.ServiceError):
            phone_numbers.clean_phone_number("020 7946 0958", country)


class TestWithoutEmoji:
    @pytest.mark.parametrize("text", ["", "Ada", "  two  spaces ", "#1 * 5", "© ® ™", "é ß 漢字 ไทย ا", "→ ♭ ½ №"])
    def test_without_emoji_keeps_plain_text(self, text):
        assert validation.without_emoji(text) == text

    def test_without_emoji_removes_surrounding_space(self):
        assert validation.without_emoji("Ada 🚀 Lovelace 🚀") == "Ada Lovelace"

    @each("text", ["👩\u200d", "a\u200d", "🏽\u200d", "❤️\u200d", "क्\u200d", "👩🏽\u200d❤️\u200d💋\u200d👩🏼"])
    def test_work_of_removal_grows_with_the_length_of_the_text(self, monkeypatch, text):
        """The library looks through all joiners of its text at each character."""
        parts = []
        replace_emoji = emoji.replace_emoji
        monkeypatch.setattr(emoji, "replace_emoji", lambda part, how: parts.append(part) or replace_emoji(part, how))

        def work(text: str) -> int:
            parts.clear()
            validation.without_emoji(text)
            assert "".join(parts) == text
            return sum(len(part) * part.count("\u200d") for part in parts)

        assert 0 < work(text * 4_000) < 2.5 * work(text * 2_000)

    @each(
        "text, kept",
        {
            "none": ("Zoë", "Zoë"),
            "family": ("Ada 👩\u200d👩\u200d👧\u200d👦 B", "Ada B"),
            "joined letters": ("क्\u200dष" * 200, "क्\u200dष" * 200),
            "flags": ("🇬🇧" * 300 + "x", "x"),
            "many families": ("👩\u200d👩\u200d👧\u200d👦" * 100 + "x", "x"),
            "signs": ("Ada® 🎉", "Ada®"),
        },
    )
    def test_removal_keeps_the_rest(self, text, kept):
        assert validation.without_emoji(text) == kept


class TestCleanMetadata:
    @pytest.mark.parametrize(
        "metadata", [None, {}, {"a": None}, {"é": "漢"}, {"": ""}, {"emoji": "🚀"}, {"n": 2**63 - 1}]
    )
    def test_clean_metadata_keeps_valid_values(self, metadata):
        assert validation.clean_metadata(metadata) == metadata

    @pytest.mark.parametrize(
        "metadata",
        [
            [],
            "x",
            1,
            True,
            {"a": float("nan")},
            {"a": float("-inf")},
            {"a": 2**63},
            {"a": "\0"},
            {"\0": 1},
            {"a": ["\ud800"]},
            {"\udfff": {}},
        ],
    )
    def test_clean_metadata_rejects_what_cannot_be_stored(self, metadata):
        with pytest.raises(validation.ServiceError) as caught:
            validation.clean_metadata(metadata)

        assert caught.value.path == ("metadata",)

    def test_clean_metadata_accepts_32_levels_and_rejects_33(self):
        deepest: dict = {}
        for _ in range(31):
            deepest = {"a": deepest}

        assert validation.clean_metadata(deepest) == deepest
        with pytest.raises(validation.ServiceError):
            validation.clean_metadata({"a": deepest})


class TestCleanCountry:
    @pytest.mark.parametrize(("code", "kept"), [("GB", "GB"), ("gb", "GB"), ("Th", "TH")])
    def test_clean_country_ignores_case(self, code, kept):
        assert validation.clean_country(code) == kept

    @pytest.mark.parametrize("code", ["", "X", "XX", "GBR", "UK", " GB", "\0\0"])
    def test_clean_country_rejects_unknown_codes(self, code):
        with pytest.raises(validation.ServiceError):
            validation.clean_country(code)


def test_e164_shortcut_agrees_with_the_parser(monkeypatch):
    random = Random(7)
    codes = [*phonenumbers.COUNTRY_CODE_TO_REGION_CODE, 2, 99, 210]
    numbers = [
        f"+{code}{random.randrange(10**length):0{length}}"
        for code in codes
        for length in range(1, 14)
        for _ in range(8)
    ]
    regions = [*phonenumbers.SUPPORTED_REGIONS]
    examples = [phonenumbers.example_number_for_type(region, kind) for region in regions for kind in range(11)]
    numbers += [phonenumbers.format_number(each, phonenumbers.PhoneNumberFormat.E164) for each in examples if each]
    plain = [number for number in numbers if phone_numbers._is_e164(number)]
    monkeypatch.setattr(phone_numbers, "_is_e164", lambda text: False)

    assert [phone_numbers.clean_phone_number(number, None) for number in plain] == plain
    assert len(plain) > len(numbers) / 20
