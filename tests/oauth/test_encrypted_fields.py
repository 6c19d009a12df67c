"""Secrets that are encrypted in the database, and the command that encrypts them with a new key."""

import pytest
from django.apps import apps
from django.core import serializers
from django.core.management import CommandError, call_command
from django.forms import model_to_dict

from customers.webhooks.models import Webhook
from oauth.encryption import UnreadableSecret, encrypt
from oauth.fields import Ciphertext, EncryptedTextField


def encrypted_fields() -> list[str]:
    return [
        f"{model._meta.label}.{field.name}"
        for model in apps.get_models()
        for field in model._meta.local_fields
        if isinstance(field, EncryptedTextField)
    ]


def stored(name: str = "secret_key") -> str:
    return Webhook.objects.values_list(name, flat=True).get()


@pytest.fixture
def webhook(db) -> Webhook:
    return Webhook.objects.create(target="https://a.example/", secret_key="s3cret", api_version="unstable")


class TestEncryptedTextField:
    def test_column_holds_no_plain_text(self, webhook):
        assert isinstance(stored(), Ciphertext)
        assert "s3cret" not in stored()

    def test_attribute_is_plain_text_before_and_after_loading(self, webhook):
        assert webhook.secret_key == Webhook.objects.get().secret_key == "s3cret"
        assert Webhook.objects.defer("secret_key").get().secret_key == "s3cret"

    def test_update_encrypts(self, webhook):
        Webhook.objects.update(secret_key="another")

        assert "another" not in stored()
        assert Webhook.objects.get().secret_key == "another"

    def test_save_leaves_an_unchanged_secret_as_it_is_stored(self, webhook):
        before = stored()
        Webhook.objects.get().save()

        assert stored() == before

    def test_row_with_an_unreadable_secret_can_be_listed_and_saved(self, webhook, settings):
        before = stored()
        settings.SECRET_KEY = "another key"
        loaded = Webhook.objects.get()
        with pytest.raises(UnreadableSecret):
            loaded.secret_key  # noqa: B018  reading it is what fails
        loaded.name = "Renamed"
        loaded.save()

        assert Webhook.objects.get().name == "Renamed"
        assert stored() == before

    def test_forms_and_dumps_do_not_decrypt(self, webhook):
        loaded = Webhook.objects.get()

        assert "s3cret" not in str(model_to_dict(loaded))
        assert "s3cret" not in serializers.serialize("json", [loaded])

    def test_every_secret_that_is_read_back_has_such_a_field(self):
        apps_with_secrets = {name.partition(".")[0] for name in encrypted_fields()}

        assert apps_with_secrets == {"oauth", "accounts", "webhooks", "mirror"}


class TestRotateSecrets:
    def test_rotate_reaches_every_encrypted_field(self, db, capsys):
        call_command("rotate_secrets")

        assert len(capsys.readouterr().out.splitlines()) == len(encrypted_fields())

    def test_rotate_makes_the_former_key_needless(self, webhook, settings):
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a new key", [settings.SECRET_KEY]
        call_command("rotate_secrets", verbosity=0)
        settings.SECRET_KEY_FALLBACKS = []

        assert Webhook.objects.get().secret_key == "s3cret"

    def test_rotate_changes_nothing_where_one_secret_is_unreadable(self, webhook, settings):
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a new key", [settings.SECRET_KEY]
        Webhook.objects.create(target="https://b.example/", api_version="unstable", secret_key=Ciphertext("x"))
        before = set(Webhook.objects.values_list("secret_key", flat=True))
        with pytest.raises(CommandError, match="Nothing was changed"):
            call_command("rotate_secrets")

        assert set(Webhook.objects.values_list("secret_key", flat=True)) == before

    def test_same_secret_is_never_encrypted_to_the_same_text(self):
        assert encrypt("s3cret") != encrypt("s3cret")
