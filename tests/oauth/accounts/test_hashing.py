"""How passwords are hashed, and how older hashes give way."""

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher, get_hasher
from django.test import override_settings

from config import settings as configured
from tests.support.factories import make_owner

PASSWORD = "Correct-horse-9"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def configured_hashers():
    with override_settings(PASSWORD_HASHERS=configured.PASSWORD_HASHERS):
        yield


def test_password_is_hashed_with_the_parameters_of_owasp():
    assert make_owner(password=PASSWORD).password.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")


def test_sign_in_replaces_an_older_hash(client):
    older = [Argon2PasswordHasher().encode(PASSWORD, "a" * 22), get_hasher("pbkdf2_sha256").encode(PASSWORD, "salt", 1)]
    owner = make_owner(password=PASSWORD)
    for encoded in older:
        owner.password = encoded
        owner.save()

        response = client.post("/dashboard/login/", {"username": owner.email, "password": PASSWORD})

        assert response.status_code == 302
        owner.refresh_from_db()
        assert not get_hasher().must_update(owner.password)
        assert owner.check_password(PASSWORD)
        client.logout()


def test_sign_in_hashes_as_often_for_an_unknown_email(client, monkeypatch):
    make_owner(email="ada@example.com", password=PASSWORD)
    hashed = []
    for name in ("encode", "verify"):
        monkeypatch.setattr(get_hasher().__class__, name, counted(getattr(get_hasher().__class__, name), hashed))

    for email in ("ada@example.com", "nobody@example.com"):
        client.post("/dashboard/login/", {"username": email, "password": "wrong"})

        assert len(hashed) == 1, email
        hashed.clear()


def counted(method, calls):
    def call(*arguments):
        calls.append(method.__name__)
        return method(*arguments)

    return call
