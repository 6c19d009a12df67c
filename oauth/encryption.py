"""Encryption of secrets that have to be read back, with a key that the database does not hold.

The key is derived from SECRET_KEY. What a former key in SECRET_KEY_FALLBACKS encrypted can be read until
`manage.py rotate_secrets` has encrypted it with the present key.
"""

from base64 import urlsafe_b64encode

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


class UnreadableSecret(Exception):
    """A secret was encrypted with a key that is neither SECRET_KEY nor in SECRET_KEY_FALLBACKS.

    Not a ServiceError: the settings are wrong, not the call.
    """


def encrypt(secret: str) -> str:
    return _keys().encrypt(secret.encode()).decode()


def decrypt(encrypted: str) -> str:
    """Raises UnreadableSecret."""
    try:
        return _keys().decrypt(encrypted).decode()
    except InvalidToken:
        raise UnreadableSecret from None


def rotate(encrypted: str) -> str:
    """The same secret, encrypted with the present key. Raises UnreadableSecret."""
    try:
        return _keys().rotate(encrypted).decode()
    except InvalidToken:
        raise UnreadableSecret from None


def _keys() -> MultiFernet:
    return MultiFernet([_derived(key) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])


def _derived(key: str) -> Fernet:
    derivation = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"oauth client secrets")
    return Fernet(urlsafe_b64encode(derivation.derive(key.encode())))
