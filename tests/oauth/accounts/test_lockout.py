"""Limits on guessing, at the sign-in page and at the endpoints for clients."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from oauth.accounts.lockout import LOCKED_FOR
from oauth.accounts.models import FailedAttempts
from oauth.audit.models import AuditEvent
from tests.support.cases import each
from tests.support.concurrency import at_once
from tests.support.factories import make_owner
from tests.support.partner import INTROSPECT, REVOKE, TOKEN, register_partner

LOGIN = "/dashboard/login/"
ADDRESS, OTHER_ADDRESS = "203.0.113.1", "198.51.100.1"
SPELLINGS = ["owner@store.example", "Owner@Store.Example", " OWNER@STORE.EXAMPLE"]


@pytest.fixture
def owner(db):
    return make_owner(email="owner@store.example", password="right")


def sign_in(username="owner@store.example", password="right", address=ADDRESS, **environment):
    """From a browser without a past."""
    return Client().post(LOGIN, {"username": username, "password": password}, REMOTE_ADDR=address, **environment)


def fail_on_the_account(times=10):
    """From an address each, in any spelling."""
    return [sign_in(SPELLINGS[number % 3], "wrong", f"192.0.2.{number}") for number in range(times)]


def fail_from_the_address(times=10):
    """On an account each."""
    return [sign_in(f"person-{number}@store.example", "wrong") for number in range(times)]


def let_the_lockout_pass():
    FailedAttempts.objects.update(last_at=timezone.now() - LOCKED_FOR - timedelta(seconds=1))


@pytest.mark.parametrize("fail", [fail_on_the_account, fail_from_the_address])
class TestSignIn:
    def test_sign_in_is_locked_out_after_ten_failures_even_with_the_right_password(self, owner, fail):
        answers = [*fail(), sign_in()]

        assert [answer.status_code for answer in answers] == [200] * 9 + [429, 429]
        for page in answers[-2:]:
            assert page.headers["Retry-After"] == "900"
            assert "no-store" in page.headers["Cache-Control"]
            assert b"Try again in 15 minutes" in page.content

    def test_sign_in_works_after_nine_failures(self, owner, fail):
        fail(9)

        assert sign_in().status_code == 302

    def test_sign_in_works_after_the_lockout_has_passed(self, owner, fail):
        fail()
        let_the_lockout_pass()

        assert sign_in().status_code == 302

    def test_lockout_spares_other_accounts_from_other_addresses(self, owner, fail):
        make_owner(email="colleague@store.example", password="right")
        fail()

        assert sign_in("colleague@store.example", address=OTHER_ADDRESS).status_code == 302

    def test_lockout_is_not_prolonged_by_further_attempts(self, owner, fail):
        fail()
        FailedAttempts.objects.update(last_at=timezone.now() - LOCKED_FOR + timedelta(minutes=1))

        fail()

        locked = FailedAttempts.objects.get(failures__gte=10)
        assert (locked.failures, locked.last_at < timezone.now() - timedelta(minutes=13)) == (10, True)


class TestSuccess:
    def test_sign_in_resets_the_failures_of_the_account(self, owner):
        fail_on_the_account(9)
        sign_in()
        fail_on_the_account(9)

        assert sign_in().status_code == 302

    def test_sign_in_does_not_reset_the_failures_of_the_address(self, owner):
        fail_from_the_address(9)
        sign_in()
        fail_from_the_address(1)

        assert sign_in().status_code == 429


class TestSignInElsewhere:
    def test_locked_account_is_refused_from_any_address(self, owner):
        fail_on_the_account()

        assert sign_in(address=OTHER_ADDRESS).status_code == 429

    def test_locked_address_is_refused_for_any_account(self, owner):
        make_owner(email="colleague@store.example", password="right")
        fail_from_the_address()

        assert sign_in("colleague@store.example").status_code == 429
        assert sign_in("colleague@store.example", address=OTHER_ADDRESS).status_code == 302

    def test_lockout_ends_no_session(self, owner, dashboard_client):
        fail_on_the_account()

        assert dashboard_client.get("/dashboard/").status_code == 200

    @pytest.mark.parametrize("username", ["\0", "owner@store.example\0", "x" * 5_000, "' OR 1=1", ""])
    def test_sign_in_with_any_name_is_answered(self, owner, username):
        for _ in range(2):
            assert sign_in(username, "wrong").status_code == 200


class TestForwardedAddress:
    def test_forwarded_address_counts_behind_a_proxy(self, owner, settings):
        settings.BEHIND_PROXY = True
        forwarded = {"X-Forwarded-For": f"{OTHER_ADDRESS}, {ADDRESS}"}

        answers = [sign_in(f"{n}@a.example", "wrong", f"10.0.0.{n}", headers=forwarded) for n in range(10)]

        assert answers[-1].status_code == 429
        assert sign_in(address="10.0.0.1", headers={"X-Forwarded-For": OTHER_ADDRESS}).status_code == 302

    def test_forwarded_address_is_ignored_without_a_proxy(self, owner):
        for number in range(10):
            sign_in(f"{number}@a.example", "wrong", headers={"X-Forwarded-For": f"192.0.2.{number}"})

        assert sign_in(headers={"X-Forwarded-For": OTHER_ADDRESS}).status_code == 429
        assert sign_in(address=OTHER_ADDRESS, headers={"X-Forwarded-For": ADDRESS}).status_code == 302


def fail_from(addresses, header=""):
    """Ten failures, on an account each, from the addresses in turn; by a proxy's header if one is named."""
    for number in range(10):
        address = addresses[number % len(addresses)]
        where = {"headers": {header: address}} if header else {"address": address}
        sign_in(f"person-{number}@store.example", "wrong", **where)


class TestAddress:
    @each(
        "guessing, innocent",
        [
            (["::ffff:203.0.113.1"], "::ffff:203.0.113.2"),
            (["::ffff:203.0.113.1", "203.0.113.1"], "203.0.113.2"),
            (["64:ff9b::203.0.113.1"], "64:ff9b::203.0.113.2"),
            (["64:ff9b:1::203.0.113.1"], "64:ff9b:1::203.0.113.2"),
            (["2002:cb00:7101:1::1", "2002:cb00:7101:2::1"], "2002:cb00:7102:1::1"),
            (["2001:db8:0:1::1", "2001:db8:0:1::2"], "2001:db8:0:2::1"),
            (["fe80::1%eth0"], "203.0.113.2"),
        ],
    )
    def test_failures_lock_out_the_guessing_address_and_no_neighbour(self, owner, guessing, innocent):
        fail_from(guessing)

        assert sign_in(address=guessing[-1]).status_code == 429
        assert sign_in(address=innocent).status_code == 302

    def test_teredo_clients_of_one_server_are_locked_out_apart(self, owner):
        fail_from(["2001:0:4136:e378:8000:63bf:34ff:8efe"])

        assert sign_in(address="2001:0:4136:e378:8000:63bf:34ff:8efe").status_code == 429
        assert sign_in(address="2001:0:4136:e378:8000:63bf:34ff:8efd").status_code == 302

    @each(
        "guessing, innocent",
        [
            (["10.0.0.1:4711", "10.0.0.1:4712", "10.0.0.1"], "10.0.0.2:4711"),
            (["[2001:db8::1]:4711", "[2001:db8::2]", "2001:db8::3"], "[2001:db8:0:1::1]:4711"),
            (["[::ffff:10.0.0.1]:4711", "10.0.0.1:4711"], "[::ffff:10.0.0.2]:4711"),
        ],
    )
    def test_port_in_a_forwarded_address_is_no_part_of_it(self, owner, settings, guessing, innocent):
        settings.BEHIND_PROXY = True
        fail_from(guessing, "X-Forwarded-For")

        assert sign_in(headers={"X-Forwarded-For": guessing[0]}).status_code == 429
        assert sign_in(headers={"X-Forwarded-For": innocent}).status_code == 302

    @each("unreadable", ["unknown", "_hidden", "10.0.0.1:port", "[10.0.0.1", "10.0.0.256"])
    def test_unreadable_addresses_are_not_locked_out_together(self, owner, settings, unreadable):
        settings.BEHIND_PROXY = True
        fail_from([unreadable], "X-Forwarded-For")

        assert sign_in(headers={"X-Forwarded-For": unreadable}).status_code == 302

    def test_account_is_locked_out_by_failures_from_unreadable_addresses(self, owner, settings):
        settings.BEHIND_PROXY = True
        answers = [sign_in(password="wrong", headers={"X-Forwarded-For": "unknown"}) for _ in range(10)]

        assert answers[-1].status_code == 429


class TestMeanwhile:
    def test_right_password_of_a_burst_is_refused_once_the_others_reached_the_limit(self, owner, monkeypatch):
        check_password = type(owner).check_password

        def check_slowly(user, raw):
            if raw == "right":
                fail_on_the_account()
            return check_password(user, raw)

        monkeypatch.setattr(type(owner), "check_password", check_slowly)

        assert sign_in().status_code == 429

    @pytest.mark.django_db(transaction=True)
    def test_failures_at_the_same_moment_are_all_counted(self):
        make_owner(email="owner@store.example", password="right")

        answers = at_once([lambda: sign_in(password="wrong").status_code] * 12)

        counted = FailedAttempts.objects.get(kind="account").failures
        assert counted == 12 - (answers.count(429) - max(0, counted - 9))
        assert sign_in().status_code == 429
        assert AuditEvent.objects.filter(event="locked_out").count() == 1


class TestKinds:
    def test_failures_at_the_token_endpoint_lock_nobody_out_of_sign_in(self, partner, owner):
        partner.http.defaults["REMOTE_ADDR"] = ADDRESS
        for _ in range(11):
            wrong_secret(partner)

        assert sign_in().status_code == 302

    def test_failures_to_sign_in_lock_no_app_out_of_the_token_endpoint(self, partner):
        fail_from_the_address()
        partner.http.defaults["REMOTE_ADDR"] = ADDRESS

        assert wrong_secret(partner).status_code == 401

    def test_an_account_named_like_an_app_counts_apart(self, partner):
        for number in range(10):
            sign_in(partner.client_id, "wrong", f"192.0.2.{number}")

        assert wrong_secret(partner).status_code == 401


def test_reset_lockouts_opens_all(owner, capsys):
    fail_on_the_account()
    fail_from_the_address()

    call_command("reset_lockouts")

    assert sign_in().status_code == 302


def test_clear_expired_deletes_what_counts_no_longer(owner, capsys):
    fail_on_the_account(3)
    let_the_lockout_pass()
    fail_from_the_address(1)

    call_command("clear_expired")

    assert {row.kind for row in FailedAttempts.objects.all()} == {"account", "address"}
    assert FailedAttempts.objects.count() == 2


def wrong_secret(partner, path=TOKEN):
    return partner.post(path, grant_type="refresh_token", refresh_token="x", token="x", client_secret="wrong")


class TestTokenEndpoint:
    @pytest.mark.parametrize("path", [TOKEN, REVOKE, INTROSPECT])
    def test_token_endpoint_locks_out_after_ten_failures(self, partner, path):
        answers = [wrong_secret(partner, path) for _ in range(11)]

        assert [answer.status_code for answer in answers] == [401] * 9 + [429, 429]
        for answer in answers[-2:]:
            assert answer.json()["error"] == "temporarily_unavailable"
            assert answer.headers["Content-Type"] == "application/json"
            assert answer.headers["Retry-After"] == "900"
            assert answer.headers["Cache-Control"] == "no-store"

    def test_token_endpoint_counts_wrong_codes_and_refresh_tokens(self, partner):
        answers = [getattr(partner, kind)("guess").status_code for kind in ("exchange", "refresh") * 5]

        assert answers == [400] * 9 + [429]

    def test_token_endpoint_counts_a_client_s_failures_from_any_address_and_by_basic_auth(self, partner):
        partner.secret = "wrong"

        for number in range(10):
            partner.http.defaults["REMOTE_ADDR"] = f"192.0.2.{number}"
            answer = partner.exchange("x", basic=bool(number % 2))

        assert answer.status_code == 429

    def test_token_endpoint_counts_for_the_client_in_the_body_beside_an_empty_header(self, partner):
        """The body is then what authenticates the client."""
        partner.http.defaults["HTTP_AUTHORIZATION"] = "Basic "

        assert wrong_secret(partner).status_code == 401

        assert FailedAttempts.objects.get(kind="client").subject == partner.app.client_id

    def test_token_endpoint_answers_right_requests_during_a_lockout(self, partner, dashboard_client):
        pair = partner.install(dashboard_client)
        for _ in range(11):
            wrong_secret(partner)

        assert partner.refresh(pair["refresh_token"]).status_code == 200
        assert partner.exchange(partner.consent(dashboard_client)["code"]).status_code == 200
        assert partner.post(INTROSPECT, token="x").json() == {"active": False}
        assert partner.post(REVOKE, token="x").status_code == 200

    def test_token_endpoint_lockout_spares_other_clients_elsewhere(self, partner, owner):
        other = register_partner(owner)
        other.http.defaults["REMOTE_ADDR"] = OTHER_ADDRESS
        for _ in range(10):
            wrong_secret(partner)

        assert wrong_secret(other).status_code == 401

    @pytest.mark.parametrize(
        "malformed",
        [{"grant_type": None}, {"grant_type": "password"}, {"code": None}, {"grant_type": "refresh_token"}],
        ids=str,
    )
    def test_token_endpoint_does_not_count_malformed_requests(self, partner, malformed):
        answers = {partner.exchange(**{"code": "x", **malformed}).status_code for _ in range(12)}

        assert answers == {400}
        assert not FailedAttempts.objects.exists()

    def test_token_endpoint_answers_again_after_the_lockout(self, partner):
        for _ in range(10):
            wrong_secret(partner)
        let_the_lockout_pass()

        assert wrong_secret(partner).status_code == 401


class TestWhatIsKept:
    def test_lockout_tables_hold_no_secret(self, partner, dashboard_client):
        code = partner.consent(dashboard_client)["code"]
        sign_in(password="a-password")
        partner.exchange("a-code", code_verifier="a-verifier")
        partner.refresh("a-refresh-token")
        partner.exchange(code, client_secret="a-secret")
        partner.post(REVOKE, token="a-token", client_secret="a-secret")

        kept = repr(list(FailedAttempts.objects.values()))
        assert FailedAttempts.objects.count() == 4
        secrets = ("a-password", "a-code", "a-verifier", "a-refresh-token", "a-secret", "a-token", code, partner.secret)
        assert [secret for secret in secrets if secret in kept] == []
