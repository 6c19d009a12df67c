"""Model fields for secrets: digests, which can't be read back, and encrypted texts, which can."""

from hashlib import sha256
from typing import Any

from django.db import models
from django.db.models.query_utils import DeferredAttribute

from oauth import encryption


def digest(secret: str) -> str:
    """The SHA-256 of a secret, in hex. The database keeps it in place of the secret.

    Only safe for long random texts: a short one could be found by trying.
    """
    return sha256(secret.encode()).hexdigest()


class Digest(str):
    """A digest as it came from the database."""

    __slots__ = ()


class DigestField(models.CharField):
    """Stores a secret as its digest, and finds rows by the secret. The secret can't be read back."""

    def __init__(self, *args: Any, **options: Any):
        super().__init__(*args, **{**options, "max_length": 64})

    def from_db_value(self, value, expression, connection):
        return None if value is None else Digest(value)

    def get_prep_value(self, value):
        value = super().get_prep_value(value)
        return value if value is None or isinstance(value, Digest) else Digest(digest(value))


class Ciphertext(str):
    """An encrypted secret as it came from the database."""

    __slots__ = ()


class EncryptedAttribute(DeferredAttribute):
    """Decrypts when the attribute is read, so that a row with an unreadable secret can still be listed and changed."""

    def __get__(self, instance, cls=None):
        value = super().__get__(instance, cls)
        return encryption.decrypt(value) if isinstance(value, Ciphertext) else value

    def __set__(self, instance, value):
        instance.__dict__[self.field.attname] = value


class EncryptedTextField(models.TextField):
    """A secret that has to be read back: encrypted in the database, plain text as an attribute of the model.

    Reading the attribute raises UnreadableSecret where the key of the secret is gone. An empty text stays empty. Rows
    can't be found by the secret. `manage.py rotate_secrets` finds the fields of this class by itself.
    """

    descriptor_class = EncryptedAttribute

    def from_db_value(self, value, expression, connection):
        return Ciphertext(value) if value else value

    def get_prep_value(self, value):
        value = super().get_prep_value(value)
        return Ciphertext(encryption.encrypt(value)) if value and not isinstance(value, Ciphertext) else value

    def value_from_object(self, obj):
        """The stored value, not decrypted: for `save()`, forms and dumps of the data."""
        return obj.__dict__.get(self.attname)

    def pre_save(self, model_instance, add):
        return self.value_from_object(model_instance)


def has_secret(instance: models.Model, name: str) -> bool:
    """Whether an encrypted field has a value, readable or not."""
    return bool(instance.__dict__.get(name))


def rotate_secrets(field: EncryptedTextField) -> int:
    """Encrypts every value of the field with the present SECRET_KEY, and returns their number.

    Runs inside the caller's transaction. Raises UnreadableSecret.
    """
    rows = field.model._base_manager.select_for_update().exclude(**{field.name: ""}).order_by("pk")
    secrets = {pk: ciphertext for pk, ciphertext in rows.values_list("pk", field.name) if ciphertext}
    for pk, ciphertext in secrets.items():
        rotated = Ciphertext(encryption.rotate(ciphertext))
        field.model._base_manager.filter(pk=pk).update(**{field.name: rotated})
    return len(secrets)
