"""Country codes by the names that files have: those of Unicode CLDR, in English and in the languages of the store, and
those that countries have for themselves."""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache

from babel import Locale
from django_countries import countries

from customers.models import Language
from customers.validation import COUNTRY_CODES

# What CLDR calls otherwise, as Babel has it. Codes are those of ISO 3166-1, and XK for Kosovo.
FURTHER_NAMES = {
    "America": "US",
    "Bolivia, Plurinational State of": "BO",
    "Burma": "MM",
    "Congo, the Democratic Republic of the": "CD",
    "Czech Republic": "CZ",
    "DR Congo": "CD",
    "East Timor": "TL",
    "England": "GB",
    "Great Britain": "GB",
    "Holy See": "VA",
    "Holland": "NL",
    "Iran, Islamic Republic of": "IR",
    "Ivory Coast": "CI",
    "Korea": "KR",
    "Korea, Republic of": "KR",
    "Macau": "MO",
    "Macedonia": "MK",
    "Moldova, Republic of": "MD",
    "Northern Ireland": "GB",
    "People's Republic of China": "CN",
    "PRC": "CN",
    "Republic of Ireland": "IE",
    "Republic of Korea": "KR",
    "Russian Federation": "RU",
    "Scotland": "GB",
    "Swaziland": "SZ",
    "Taiwan, Province of China": "TW",
    "Tanzania, United Republic of": "TZ",
    "Turkey": "TR",
    "UAE": "AE",
    "UK": "GB",
    "Vatican": "VA",
    "Venezuela, Bolivarian Republic of": "VE",
    "Wales": "GB",
}
# Own names in languages that the store does not have. CLDR has all of them, but takes 90 MB to look them up.
OWN_NAMES = {
    "България": "BG",
    "Česko": "CZ",
    "Česká republika": "CZ",
    "Eesti": "EE",
    "Éire": "IE",
    "Ελλάδα": "GR",
    "Hrvatska": "HR",
    "Ísland": "IS",
    "ישראל": "IL",
    "Κύπρος": "CY",
    "Latvija": "LV",
    "Lietuva": "LT",
    "Magyarország": "HU",
    "Polska": "PL",
    "Россия": "RU",
    "Slovenija": "SI",
    "Slovensko": "SK",
    "Србија": "RS",
    "Україна": "UA",
    "대한민국": "KR",
    "한국": "KR",
    "中国": "CN",
    "台灣": "TW",
    "日本": "JP",
    "香港": "HK",
}


def country_code(name: str) -> str | None:
    """By a code of two or three letters, or by a name. None if no country, or several, have it."""
    code = name.upper()
    return code if code in COUNTRY_CODES else _codes().get(_plain(name))


@cache
def _codes() -> dict[str, str]:
    """By the plain form of codes and names. English names come first; a name that is not English,
    and means another country in another language, is left out."""
    english = {_plain(name): code for name, code in (FURTHER_NAMES | OWN_NAMES).items()}
    english |= {_plain(name): code for code, name in [*countries, *_cldr_names("en")]}
    foreign: dict[str, set[str]] = {}
    for language in Language.values:
        for code, name in _cldr_names(language):
            foreign.setdefault(_plain(name), set()).add(code)
    codes = {form.lower(): code for code in COUNTRY_CODES for form in (code, countries.alpha3(code))}
    return codes | {name: min(codes) for name, codes in foreign.items() if len(codes) == 1} | english


def _cldr_names(language: str) -> Iterator[tuple[str, str]]:
    return ((code, name) for code, name in Locale(language).territories.items() if code in COUNTRY_CODES)


def _plain(name: str) -> str:
    """Without case, accents, punctuation and an English article."""
    decomposed = unicodedata.normalize("NFKD", name.casefold().replace("&", " and "))
    letters = "".join(each for each in decomposed if not unicodedata.combining(each))
    words = re.findall(r"[^\W_]+", letters.replace(".", ""))
    return " ".join(words[1:] if words[:1] == ["the"] else words)
