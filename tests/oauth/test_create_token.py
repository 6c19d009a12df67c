from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from oauth import tokens
from oauth.models import AccessToken, App
from tests.support.cases import each
from tests.support.factories import make_owner, make_user


def create_token(*arguments) -> str:
    """What it prints."""
    output = StringIO()
    call_command("create_token", *arguments, stdout=output)
    return output.getvalue()


@pytest.mark.django_db
class TestCreateToken:
    def test_create_token_prints_a_working_token_and_nothing_else(self, owner):
        output = create_token("--app", "ERP", "--scope", "users:read", "users:write")

        bearer = tokens.authenticate(output.removesuffix("\n"))
        assert bearer is not None
        assert bearer.scopes == {"users:read", "users:write"}
        assert bearer.user_id == owner.pk
        assert App.objects.get().name == "ERP"

    def test_create_token_replaces_the_former_token(self, owner):
        former = create_token("--app", "ERP", "--scope", "users:read").strip()

        latter = create_token("--app", "ERP", "--scope", "users:read").strip()

        assert former != latter
        assert tokens.authenticate(former) is None
        assert tokens.authenticate(latter)

    def test_create_token_ignores_repeated_scopes(self, owner):
        create_token("--app", "ERP", "--scope", "users:read", "users:read")

        assert AccessToken.objects.get().scope == "users:read"

    @each(
        "arguments",
        [
            ["--app", "ERP", "--scope", "users:delete"],
            ["--app", "ERP", "--scope", "users:read users:write"],
            ["--app", "ERP", "--scope"],
            ["--app", "ERP"],
            ["--scope", "users:read"],
            ["--app", "ERP", "--scope", "users:read", "--api-version", "2022-01-01"],
            ["--app", "", "--scope", "users:read"],
            ["--app", " ", "--scope", "users:read"],
            ["--app", "x" * 256, "--scope", "users:read"],
        ],
    )
    def test_create_token_refuses_unknown_options(self, owner, arguments):
        with pytest.raises(CommandError):
            create_token(*arguments)

        assert not App.objects.exists()

    @each("version", ["2023-02-10", "2024-04-01", "unstable"])
    def test_create_token_sets_the_api_version(self, owner, version):
        create_token("--app", "ERP", "--scope", "users:read", "--api-version", version)

        assert App.objects.get().api_version == version

    def test_create_token_acts_for_the_named_owner(self, owner):
        colleague = make_owner(email="Colleague@store.example")

        token = create_token("--app", "ERP", "--scope", "users:read", "--owner", "colleague@STORE.example").strip()

        bearer = tokens.authenticate(token)
        assert bearer is not None
        assert bearer.user_id == colleague.pk

    def test_create_token_needs_a_dashboard_user(self):
        make_user(email="customer@example.com")

        with pytest.raises(CommandError, match="createsuperuser"):
            create_token("--app", "ERP", "--scope", "users:read")
        with pytest.raises(CommandError, match=r"customer@example\.com"):
            create_token("--app", "ERP", "--scope", "users:read", "--owner", "customer@example.com")
        assert not App.objects.exists()

    def test_create_token_needs_an_active_owner(self, owner):
        owner.is_active = False
        owner.save()

        with pytest.raises(CommandError):
            create_token("--app", "ERP", "--scope", "users:read")
