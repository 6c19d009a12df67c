import re
from datetime import timedelta
from hashlib import sha256

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from oauth import tokens
from oauth.models import AccessToken, App
from oauth.scopes import Scope
from tests.support.cases import each
from tests.support.factories import make_owner


@pytest.fixture
def issue(owner):
    def make(**options):
        return tokens.issue_personal_token(
            **{"app_name": "ERP", "scopes": [Scope.USERS_READ], "owner": owner, **options}
        )

    return make


class TestGenerateToken:
    def test_generated_token_has_a_prefix_and_a_checksum(self):
        token = tokens.generate_access_token()

        assert re.fullmatch(r"shc_[0-9A-Za-z]{42}", token)
        assert token[-6:] == tokens.checksum(token[4:-6])

    def test_generated_tokens_are_unique(self):
        assert len({tokens.generate_access_token() for _ in range(1_000)}) == 1_000


class TestIssuePersonalToken:
    def test_issue_stores_the_digest_only(self, issue):
        raw = issue()

        with connection.cursor() as cursor:
            for table in connection.introspection.table_names():
                cursor.execute(f'SELECT * FROM "{table}"')
                assert raw not in repr(cursor.fetchall()), table
        assert AccessToken.objects.get().token_checksum == sha256(raw.encode()).hexdigest()

    def test_issue_creates_a_private_app_of_the_name(self, issue, owner):
        issue(app_name="Warehouse", api_version="unstable", rate_limit=9)

        app = App.objects.get()
        assert (app.kind, app.name, app.user, app.api_version, app.rate_limit) == (
            "private",
            "Warehouse",
            owner,
            "unstable",
            9,
        )

    def test_issue_replaces_the_app_s_former_token(self, issue):
        former = issue()

        latter = issue(scopes=[Scope.ORDERS_READ])

        assert tokens.authenticate(former) is None
        bearer = tokens.authenticate(latter)
        assert bearer is not None
        assert bearer.scopes == {"orders:read"}
        assert App.objects.count() == AccessToken.objects.count() == 1

    def test_issue_leaves_tokens_of_other_apps_alone(self, issue):
        other = issue(app_name="Other")
        issue()

        assert tokens.authenticate(other)

    def test_issue_ignores_a_partner_app_of_the_same_name(self, issue, owner):
        partner = App.objects.create(
            name="ERP",
            kind="partner",
            user=owner,
            client_type="confidential",
            authorization_grant_type="authorization-code",
        )

        issue()

        assert App.objects.count() == 2
        assert not partner.accesstoken_set.exists()

    def test_issued_token_never_expires_by_default(self, issue):
        issue()

        assert AccessToken.objects.get().expires.year == 9999


class TestFind:
    def test_authenticate_returns_the_bearer(self, issue, owner):
        raw = issue(scopes=[Scope.USERS_READ, Scope.USERS_WRITE], api_version="2023-02-10", rate_limit=7)

        bearer = tokens.authenticate(raw)

        token = AccessToken.objects.get()
        assert bearer == tokens.Bearer(
            token.pk,
            frozenset({"users:read", "users:write"}),
            token.application_id,
            "2023-02-10",
            7,
            owner.pk,
            True,
            "private",
            None,
        )

    def test_authenticate_takes_one_query(self, issue, django_assert_num_queries):
        raw = issue()

        with django_assert_num_queries(1):
            tokens.authenticate(raw)

    @each("raw", ["", " ", "x", "shc_", "é", "\0", "x" * 90_000])
    def test_authenticate_finds_no_unknown_token(self, issue, raw):
        issue()

        assert tokens.authenticate(raw) is None

    def test_authenticate_finds_nothing_by_digest(self, issue):
        assert tokens.authenticate(sha256(issue().encode()).hexdigest()) is None

    @each("seconds, is_good", [(3, True), (-1, False)])
    def test_authenticate_refuses_an_expired_token(self, issue, seconds, is_good):
        raw = issue(expires=timezone.now() + timedelta(seconds=seconds))

        assert bool(tokens.authenticate(raw)) is is_good

    def test_authenticate_compares_expiry_in_any_time_zone(self, issue, settings):
        settings.TIME_ZONE = "Pacific/Kiritimati"
        good, expired = (
            issue(app_name=str(minutes), expires=timezone.now() + timedelta(minutes=minutes)) for minutes in (5, -5)
        )

        assert tokens.authenticate(good)
        assert tokens.authenticate(expired) is None

    def test_authenticate_needs_active_staff_and_an_active_app(self, issue):
        owner = make_owner()
        raw = issue(owner=owner)

        owner.is_active = False
        owner.save()
        assert tokens.authenticate(raw) is None
        owner.is_active = True
        owner.save()
        assert tokens.authenticate(raw)
        type(owner).objects.filter(pk=owner.pk).update(user_type="customer")
        assert tokens.authenticate(raw) is None
        type(owner).objects.filter(pk=owner.pk).update(user_type="dashboard")
        assert tokens.authenticate(raw)
        App.objects.update(is_active=False)
        assert tokens.authenticate(raw) is None


class TestSettingsOfAnApp:
    def test_app_settings_survive_a_new_token(self, issue):
        issue(api_version="2023-02-10", rate_limit=9)
        App.objects.update(is_active=False)

        issue()

        app = App.objects.get()
        assert (app.api_version, app.rate_limit, app.is_active) == ("2023-02-10", 9, False)

    def test_app_settings_change_for_the_named_app_only(self, issue):
        issue()

        with pytest.raises(IntegrityError), transaction.atomic():
            App.objects.create(name="ERP", kind=App.Kind.PRIVATE)
