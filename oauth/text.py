"""What counts as the same text: for people who read it, and for searches. No database's locale takes part."""

import re
import unicodedata
from urllib.parse import unquote_to_bytes

from oauth.errors import ServiceError

# Default_Ignorable_Code_Point of Unicode's DerivedCoreProperties.txt: what is displayed as nothing at all.
IGNORABLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
# White space, control characters, ignorable ones, interlinear annotations, and two symbols whose glyph is empty.
INVISIBLE_TEXT = re.compile(rf"[\s\x00-\x1f\x7f-\x9f{IGNORABLE}\ufff9-\ufffb\u2800\U0001d159]*")
# The straight one, the typographic ones, the letters, accents and primes that people type in its place.
APOSTROPHES = "'`´\u1ffd‘’‛ʹʻʼʽˈ′‵＇"
IGNORED_BY_SEARCH = re.compile(f"[{APOSTROPHES}{IGNORABLE}]")


class Blank(ServiceError):
    code = "blank"

    def __init__(self, *path: str | int):
        super().__init__("This field may not be blank.", *path)


def normalized(text: str) -> str:
    """NFC (Unicode Standard Annex 15): one spelling for letters that look the same, such as ë and e with U+0308."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def is_plain(text: str) -> bool:
    """Whether the text is printable ASCII, or empty: no rule for letters, control characters or line breaks concerns
    it."""
    return text.isascii() and text.isprintable()


def one_line(text: str, separator: str = " ") -> str:
    """`text` with `separator` in place of line breaks, and without the space around them."""
    if text.isprintable():  # no line break is
        return text
    lines = text.splitlines()
    if not text or lines == [text]:
        return text
    return separator.join(filter(None, (line.strip().removesuffix(separator.strip()) for line in lines)))


def check_printable(text: str, *path: str | int) -> None:
    """Raises ServiceError(*path) for line breaks, escape codes and overrides of the direction of writing (Unicode
    Standard Annex 9): such a name could forge a line of a log, of a mail or of a page."""
    if not text.isprintable() and CONTROL.search(text):
        raise ServiceError("Line breaks and control characters are not allowed.", *path)


def is_blank(text: str) -> bool:
    """Whether nothing of the text can be seen."""
    if is_plain(text):
        return not text or text.isspace()
    return INVISIBLE_TEXT.fullmatch(text) is not None


def check_not_blank(text: str, *path: str | int) -> None:
    """Raises Blank(*path) for a text of which nothing can be seen."""
    if is_blank(text):
        raise Blank(*path)


def clean_title(text: str, longest: int, *path: str | int) -> str:
    """The name of a thing (an app, a webhook, a group): in NFC, on one line, without the space around it.

    Raises ServiceError(*path) for a name of which nothing can be seen, that has control characters, or that has more
    than `longest` characters.
    """
    title = normalized(one_line(text)).strip()
    check_not_blank(title, *path)
    check_printable(title, *path)
    if len(title) > longest:
        raise ServiceError(f"A name has at most {longest} characters.", *path)
    return title


def fold(text: str) -> str:
    """The form in which searches compare texts: what is stored, and what is looked for.

    A text, its lower case and its upper case have one form. It is the toNFKC_Casefold of the Unicode Standard (3.13) of
    the upper case, which adds ı to I, and without apostrophes. White space is a single space, and none at the ends.
    """
    if text.isascii():
        folded = text.lower().replace("'", "").replace("`", "")
    else:
        compatible = unicodedata.normalize("NFKC", IGNORED_BY_SEARCH.sub("", text))
        folded = unicodedata.normalize("NFKC", IGNORED_BY_SEARCH.sub("", compatible.upper().casefold()))
    return " ".join(folded.split())


def is_encoded(urlencoded: str | bytes, charset: str = "utf-8") -> bool:
    """Whether the bytes of a query string or of an urlencoded body are text in the charset. Raises LookupError."""
    data = urlencoded.encode("latin-1", "replace") if isinstance(urlencoded, str) else urlencoded
    try:
        unquote_to_bytes(data).decode(charset)
    except UnicodeError:
        return False
    return True
