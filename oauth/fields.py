from hashlib import sha256
from typing import Any

from django.db import models


def digest(secret: str) -> str:
    """The SHA-256, in hex, that stands for a secret in the database. Fit for long random texts alone."""
    return sha256(secret.encode()).hexdigest()


class Digest(str):
    """A digest as it came from the database."""

    __slots__ = ()


class DigestField(models.CharField):
    """Keeps and looks up a secret by its digest. It can't be read back, from here or from a dump of the database."""

    def __init__(self, *args: Any, **options: Any):
        super().__init__(*args, **{**options, "max_length": 64})

    def from_db_value(self, value, expression, connection):
        return None if value is None else Digest(value)

    def get_prep_value(self, value):
        value = super().get_prep_value(value)
        return value if value is None or isinstance(value, Digest) else Digest(digest(value))
