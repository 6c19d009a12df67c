"""Email addresses: which spellings name the same mailbox, and where its mail goes.

A domain has one form for computers (IDNA 2008, RFC 5891, after the mapping of UTS 46): `MÜNCHEN.example` and
`xn--mnchen-3ya.example` are one domain. Local parts are compared in NFC and ignoring case.
"""

import re
import unicodedata
from functools import lru_cache

import idna

from oauth.errors import ServiceError

MAX_EMAIL_LENGTH = 320
PLAIN_DOMAIN = re.compile(r"(?!.*xn--)[a-z0-9-]+(\.[a-z0-9-]+)*", re.ASCII | re.IGNORECASE)


def check_email(email: str) -> None:
    """Raises ServiceError("email") for more than 320 characters, and for a domain without a canonical form."""
    if len(email) > MAX_EMAIL_LENGTH:
        raise ServiceError(f"An email has at most {MAX_EMAIL_LENGTH} characters.", "email")
    try:
        deliverable(email)
    except ValueError:
        raise ServiceError("Enter a valid email address.", "email") from None


def deliverable(email: str) -> str:
    """The address as mail is sent to it: the domain is ASCII. Raises ValueError."""
    local, _, domain = email.rpartition("@")
    if not local:
        raise ValueError("An email address has two parts.")
    return f"{unicodedata.normalize('NFC', local)}@{_canonical_domain(domain)}"


def email_key(text: str) -> str:
    """The form that is equal for all spellings of one mailbox. A text that is no email address is compared in NFC and
    ignoring case, too: a store that is mirrored may have one, and people type other names at the sign-in page."""
    local, at, domain = text.rpartition("@")
    if at and len(text) <= MAX_EMAIL_LENGTH:
        try:  # noqa: SIM105  `suppress` takes longer than the rest
            domain = _canonical_domain(domain)
        except ValueError:
            pass
    key = f"{local}{at}{domain}".lower()
    # Σ has two lower-case letters; `lower` chooses one of them by its place in a word.
    return key if key.isascii() else unicodedata.normalize("NFC", key).replace("ς", "σ")


@lru_cache(maxsize=4096)  # many people share few domains
def _canonical_domain(domain: str) -> str:
    """Raises ValueError, which the errors of `idna` are."""
    if PLAIN_DOMAIN.fullmatch(domain):
        return domain.lower()
    return idna.encode(domain, uts46=True, std3_rules=True, transitional=False).decode()
