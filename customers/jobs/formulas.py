"""Keeps spreadsheets from computing the cells of a CSV file: exports and files of refused rows add marks, and imports
remove them."""

import re
from collections.abc import Iterable

# A spreadsheet takes a value that begins like this for a formula. An apostrophe in front of it prevents that.
BEGINS_FORMULA = "'*[=+\\-@\t\r＝＋－＠]"
FORMULA = re.compile(BEGINS_FORMULA)
# A spreadsheet may be set to another separator than the file's. It then splits a value, and a formula may begin at each
# part. A negative number of a JSON array is no formula.
NUMBER = r"(?<=,)-[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?=[,\]}])"
SEPARATOR = "[;,|\t\r\n]"
LATER_FORMULA = re.compile(f"({SEPARATOR})(?!{NUMBER})(?={BEGINS_FORMULA})")
LATER_QUOTED = re.compile(f"({SEPARATOR})'(?={BEGINS_FORMULA})")
LATER_FORMULA_OF_JSON = re.compile(f"({SEPARATOR})(?!{NUMBER})('*)([=+\\-@＝＋－＠])")
SIGN = re.compile("[=+\\-@\t\r＝＋－＠]")  # every formula has one of them
UNIT_SEPARATOR = "\x1f"  # of ASCII; no spreadsheet splits a text at it
# In texts that begin with it and end with it, and that it separates: what `quoted` may have to change.
MAYBE_FORMULA = re.compile(rf"(?:\x1f(?!\+[0-9]+\x1f)|{SEPARATOR}){BEGINS_FORMULA}")
PHONE_NUMBER = re.compile(r"\+[0-9]+")


def unquoted(text: str) -> str:
    """Removes the apostrophes that `quoted` adds."""
    if "'" not in text:
        return text
    text = text[1:] if text[0] == "'" and FORMULA.match(text) else text
    return LATER_QUOTED.sub(r"\1", text)


def may_hold_formula(texts: Iterable[str | None]) -> bool:
    """False if `quoted` changes none of these texts. One look at a whole row takes less time than one at each cell."""
    given = list(filter(None, texts))
    joined = UNIT_SEPARATOR.join(given)
    if joined.count(UNIT_SEPARATOR) >= len(given) > 0:
        return True  # one of the texts has it
    return MAYBE_FORMULA.search(f"{UNIT_SEPARATOR}{joined}{UNIT_SEPARATOR}") is not None


def quoted(text: str) -> str:
    """Adds an apostrophe where a spreadsheet would compute a formula. A phone number in E.164 stays as it is: a
    spreadsheet at worst drops its plus sign."""
    if not SIGN.search(text):
        return text
    if FORMULA.match(text):
        text = text if PHONE_NUMBER.fullmatch(text) else f"'{text}"
    return LATER_FORMULA.sub(r"\1'", text)


def quoted_json(text: str) -> str:
    """Escapes what begins a formula behind a separator, by JSON's own rules (RFC 8259, 7): the value is the same."""
    if not SIGN.search(text):
        return text
    return LATER_FORMULA_OF_JSON.sub(lambda found: f"{found[1]}{found[2]}\\u{ord(found[3]):04x}", text)
