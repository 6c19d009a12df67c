"""Partner apps and their secrets on the command line, and what is cleared away once a day."""

from datetime import timedelta
from io import StringIO
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from jwcrypto.jwk import JWK
from jwcrypto.jwt import JWT

from oauth.accounts.models import Session
from oauth.audit.models import AuditEvent
from oauth.models import AccessToken, App, Grant, PartnerApp, RefreshToken
from tests.support.cases import each
from tests.support.clients import USERS, ApiClient
from tests.support.concurrency import at_once
from tests.support.partner import Partner, register_partner


def run(command, *arguments) -> str:
    """What it prints."""
    output = StringIO()
    call_command(command, *arguments, stdout=output)
    return output.getvalue()


def register(*arguments, **changes) -> dict[str, str]:
    """What `register_app` prints, by name. `changes` are options; None leaves one out."""
    options = {"name": "Reviews", "app-url": "https://reviews.example/",
               "redirect-uri": "https://reviews.example/callback", **changes}  # fmt: skip
    given = [word for name, value in options.items() if value is not None for word in (f"--{name}", value)]
    return dict(line.split("=", 1) for line in run("register_app", *given, *arguments).splitlines())


class TestRegisterApp:
    def test_register_app_prints_credentials_that_work(self, owner, dashboard_client):
        printed = register("--scope", "users:read", "users:write", "users:read")

        assert set(printed) == {"client_id", "client_secret", "install"}
        app = PartnerApp.objects.get()
        token = Partner(app, printed["client_secret"]).install(dashboard_client)
        assert ApiClient(token["access_token"]).get(USERS).status_code == 200
        assert app.allowed_scopes == ["users:read", "users:write"]
        assert (
            dashboard_client.get(printed["install"]).headers["Location"] == "https://reviews.example/?store=testserver"
        )

    def test_register_app_stores_the_developer_s_email(self, owner):
        register(**{"developer-email": "dev@reviews.example"})

        assert PartnerApp.objects.get().developer_email == "dev@reviews.example"

    def test_register_app_gives_a_public_client_no_secret(self, owner):
        assert set(register("--public")) == {"client_id", "install"}
        assert PartnerApp.objects.get().client_type == "public"

    def test_register_app_needs_no_owner(self, db):
        assert register()["client_id"] == PartnerApp.objects.get().client_id

    def test_register_app_is_logged_without_the_secret(self, owner):
        secret = register()["client_secret"]

        event = AuditEvent.objects.get()
        assert (event.event, event.actor, event.app, event.ip) == ("app_registered", "", "Reviews", None)
        assert secret not in repr(event.detail)

    @each(
        "wrong",
        [
            {"name": None},
            {"name": ""},
            {"name": " "},
            {"name": "x" * 256},
            {"app-url": None},
            {"app-url": ""},
            {"app-url": "http://reviews.example/"},
            {"redirect-uri": None},
            {"redirect-uri": ""},
            {"redirect-uri": "https://reviews.example/#top"},
            {"redirect-uri": "https://*.example/"},
            {"scope": "users:destroy"},
            {"developer-email": "nobody"},
        ],
    )
    def test_register_app_refuses_invalid_options(self, owner, wrong):
        with pytest.raises(CommandError):
            register(**wrong)

        assert not App.objects.exists()


def is_known_by(secret: str, browser, partner) -> bool:
    """Whether the app opens with a session token that verifies with the secret."""
    opened = browser.get(f"/dashboard/apps/{partner.client_id}/open/")
    (token,) = parse_qs(urlsplit(opened.headers["Location"]).query)["token"]
    JWT(jwt=token, key=JWK.from_password(secret), check_claims={"aud": partner.client_id, "store": "testserver"})
    return True


def encrypted_secrets() -> set[str]:
    return set(PartnerApp.objects.values_list("signing_secret", flat=True))


class TestRotateSecrets:
    def test_rotate_secrets_makes_the_former_key_needless(self, partner, owner, dashboard_client, settings):
        partner.install(dashboard_client)
        assert is_known_by(partner.secret, dashboard_client, partner)

        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new", [settings.SECRET_KEY]
        assert is_known_by(partner.secret, dashboard_client, partner)

        before = encrypted_secrets()
        assert "oauth.App, client secret: 1 encrypted." in run("rotate_secrets")
        assert encrypted_secrets().isdisjoint(before)
        assert is_known_by(partner.secret, dashboard_client, partner)

        settings.SECRET_KEY_FALLBACKS = []
        dashboard_client.force_login(owner)
        assert is_known_by(partner.secret, dashboard_client, partner)

    def test_rotate_secrets_changes_nothing_where_one_secret_is_unreadable(self, owner, settings):
        for key in ("present", "lost", "present"):
            settings.SECRET_KEY = key
            register_partner(owner)
        before = encrypted_secrets()

        with pytest.raises(CommandError, match="SECRET_KEY_FALLBACKS"):
            run("rotate_secrets")

        assert encrypted_secrets() == before

    def test_rotate_secrets_skips_apps_without_a_stored_secret(self, public_partner, api):
        api()

        assert "oauth.App, client secret: 0 encrypted." in run("rotate_secrets")


def expire(rows, **ago) -> None:
    """`ago` as in timedelta."""
    rows.update(expires=timezone.now() - timedelta(**ago))


class TestClearExpired:
    @pytest.fixture
    def pair(self, partner, dashboard_client) -> dict:
        return partner.install(dashboard_client)

    def test_clear_expired_keeps_what_is_valid(self, partner, pair, dashboard_client, api):
        personal = api()
        code = partner.consent(dashboard_client)["code"]

        run("clear_expired")

        for token in (pair["access_token"], personal.token):
            assert ApiClient(token).get(USERS).status_code != 401
        assert partner.exchange(code).status_code == 200
        assert partner.refresh(pair["refresh_token"]).status_code == 200
        assert dashboard_client.get("/dashboard/").status_code == 200

    def test_clear_expired_keeps_a_used_code_until_it_expires(self, partner, dashboard_client):
        code = partner.consent(dashboard_client)["code"]
        pair = partner.exchange(code).json()

        run("clear_expired")

        assert partner.exchange(code).status_code == 400
        assert ApiClient(pair["access_token"]).get(USERS).status_code == 401
        expire(Grant.objects, seconds=1)
        run("clear_expired")
        assert not Grant.objects.exists()

    def test_clear_expired_deletes_expired_codes(self, partner, dashboard_client):
        partner.consent(dashboard_client)
        expire(Grant.objects, seconds=1)

        run("clear_expired")

        assert not Grant.objects.exists()

    def test_clear_expired_deletes_expired_personal_tokens(self, api):
        api(expires=timezone.now() - timedelta(seconds=1))
        api()

        run("clear_expired")

        assert AccessToken.objects.get().expires.year == 9999

    def test_clear_expired_keeps_an_expired_access_token_that_can_be_refreshed(self, partner, pair):
        expire(AccessToken.objects, days=300)

        run("clear_expired")

        assert partner.refresh(pair["refresh_token"]).status_code == 200

    def test_clear_expired_deletes_token_pairs_not_refreshed_for_a_year(self, pair):
        expire(AccessToken.objects, days=366)

        run("clear_expired")

        assert not RefreshToken.objects.exists()
        assert not AccessToken.objects.exists()

    def test_clear_expired_keeps_a_used_refresh_token_for_a_year(self, partner, pair):
        partner.refresh(pair["refresh_token"])
        used = RefreshToken.objects.exclude(revoked=None)

        run("clear_expired")
        assert used.exists()

        used.update(revoked=timezone.now() - timedelta(days=366))
        run("clear_expired")
        assert not used.exists()
        assert RefreshToken.objects.exists()

    def test_clear_expired_deletes_expired_sessions(self, dashboard_client):
        Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))

        run("clear_expired")

        assert not Session.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_clear_expired_does_not_disturb_token_requests(partner, dashboard_client):
    pair = partner.install(dashboard_client)

    for _ in range(5):
        code = partner.consent(dashboard_client)["code"]

        refreshed, exchanged, _ = at_once(
            [
                lambda refresh_token=pair["refresh_token"]: partner.refresh(refresh_token),
                lambda code=code: partner.exchange(code),
                lambda: run("clear_expired"),
            ]
        )

        assert (refreshed.status_code, exchanged.status_code) == (200, 200)
        pair = refreshed.json()
