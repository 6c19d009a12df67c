"""Sessions and JWTs of staff who signed in through this API, and what ends them."""

import json
import re
from datetime import timedelta

import pytest
from django.test import Client
from jwcrypto.jwt import JWT

from customers.medusa import authentication
from customers.models import User
from oauth.accounts import two_factor
from oauth.accounts.models import Session
from oauth.audit.models import AuditEvent
from oauth.scopes import Scope
from tests.support.cases import each
from tests.support.clients import ApiClient
from tests.support.dashboard import browser_of
from tests.support.factories import make_owner
from tests.support.medusa import AUTH, CUSTOMERS, NEW, jwt_of, unauthorized, url_of
from tests.support.two_factor import code_of

ORIGIN = "https://admin.example"
STORE = "http://testserver"
STAFF = "/dashboard/customers/staffmember/"


class TestSessions:
    def test_session_ends_with_delete(self, signed_in):
        browser = signed_in("Staff")

        response = browser.delete(AUTH)

        assert (response.status_code, response.content) == (200, b"OK")
        assert response.headers["Content-Type"].startswith("text/plain")
        assert unauthorized(browser.get(AUTH))
        assert not Session.objects.exists()

    def test_delete_auth_without_session_is_refused(self, anonymous):
        assert unauthorized(anonymous.delete(AUTH))

    def test_delete_auth_by_api_token_keeps_the_session(self, api, signed_in):
        browser = signed_in("Staff")

        assert api(Scope.USERS_READ).delete(AUTH).status_code == 200
        assert browser.get(AUTH).status_code == 200

    def test_session_ends_when_the_password_changes(self, signed_in):
        browser = signed_in("Staff")
        member = User.objects.get(email="staff@store.example")
        member.set_password("another")
        member.save()

        assert unauthorized(browser.get(AUTH))

    @pytest.mark.parametrize("change", [{"is_active": False}, {"user_type": "customer"}])
    def test_session_ends_when_staff_is_deactivated(self, signed_in, change):
        browser = signed_in("Staff")
        User.objects.update(**change)

        assert unauthorized(browser.get(AUTH))

    def test_dashboard_session_does_not_open_medusa(self, owner):
        browser = Client()
        browser.force_login(owner)

        assert unauthorized(browser.get(CUSTOMERS))

    def test_key_of_a_dashboard_session_does_not_open_medusa_as_its_cookie(self, owner):
        browser = Client()
        browser.force_login(owner)
        thief = Client()
        thief.cookies[authentication.COOKIE] = browser.cookies["sessionid"].value

        assert unauthorized(thief.get(CUSTOMERS))
        assert browser.get("/dashboard/").status_code == 200

    @each("path", ["", "account/", "oauth/privateapp/", "customers/customer/", "password_change/"])
    def test_key_of_a_medusa_session_does_not_open_the_dashboard_as_its_cookie(self, signed_in, path):
        browser = signed_in("Owner")
        thief = Client()
        thief.cookies["sessionid"] = browser.cookies[authentication.COOKIE].value

        assert thief.get(f"/dashboard/{path}").status_code == 302
        assert thief.post("/dashboard/login/", {"username": "x", "password": "y"}).status_code == 200
        assert browser.get(CUSTOMERS).status_code == 200  # and is left alone

    def test_session_table_is_read_only_with_a_cookie(self, medusa_client, ada, django_assert_num_queries):
        with django_assert_num_queries(2):  # token, customer
            medusa_client.get(url_of(ada))

    @pytest.mark.parametrize(
        ("headers", "is_allowed"),
        [
            ({}, True),
            ({"Origin": STORE}, True),
            ({"Origin": ORIGIN}, True),
            ({"Origin": "https://evil.example"}, False),
            ({"Origin": "null"}, False),
            ({"Origin": ""}, False),
            ({"Origin": "http://testserver.evil.example"}, False),
            ({"Sec-Fetch-Site": "same-origin"}, True),
            ({"Sec-Fetch-Site": "none"}, True),
            ({"Sec-Fetch-Site": "same-site"}, False),
            ({"Sec-Fetch-Site": "cross-site"}, False),
        ],
    )
    def test_session_refuses_writes_from_other_origins(self, signed_in, settings, headers, is_allowed):
        settings.MEDUSA_ADMIN_CORS = [ORIGIN]
        browser = signed_in("Staff")

        response = browser.post(CUSTOMERS, NEW, headers=headers)

        assert (response.status_code == 201) == is_allowed
        assert unauthorized(response) == (not is_allowed)

    def test_api_token_works_beside_a_session_of_another_origin(self, api, signed_in):
        browser, token = signed_in("Viewer"), api(Scope.USERS_WRITE).token
        headers = {"Origin": "https://evil.example", "x-medusa-access-token": token}

        assert browser.post(CUSTOMERS, NEW, headers=headers).status_code == 201


class TestJwts:
    @pytest.fixture
    def jwt(self, anonymous, staff):
        return jwt_of(anonymous, staff("Staff").email)

    @pytest.fixture
    def bearer(self, jwt):
        return ApiClient(jwt)

    def test_jwt_opens_the_api_without_a_cookie(self, bearer, jwt, ada):
        assert bearer.get(CUSTOMERS).status_code == 200
        assert bearer.get(AUTH).json()["user"]["email"] == "staff@store.example"

    def test_jwt_lives_for_a_day(self, jwt):
        token = JWT(jwt=jwt, key=authentication._key(), algs=["HS256"])

        claims = json.loads(token.claims)
        assert json.loads(token.header)["alg"] == "HS256"
        assert claims["exp"] - claims["iat"] == 24 * 3600
        assert claims["user_id"].startswith("usr_")

    def test_jwt_expires_after_a_day(self, anonymous, staff, monkeypatch):
        monkeypatch.setattr(authentication, "JWT_LIFETIME", timedelta(minutes=-2))

        jwt = jwt_of(anonymous, staff("Staff").email)

        assert unauthorized(ApiClient(jwt).get(CUSTOMERS))

    @pytest.mark.parametrize("change", [{"is_active": False}, {"user_type": "customer"}])
    def test_jwt_ends_when_staff_is_deactivated(self, bearer, change):
        User.objects.update(**change)

        assert unauthorized(bearer.get(CUSTOMERS))

    def test_jwt_ends_when_the_password_changes(self, bearer):
        member = User.objects.get(email="staff@store.example")
        member.set_password("another")
        member.save()

        assert unauthorized(bearer.get(CUSTOMERS))

    def test_jwt_ends_when_the_secret_key_changes(self, bearer, settings):
        settings.SECRET_KEY = "another"

        assert unauthorized(bearer.get(CUSTOMERS))

    @pytest.mark.parametrize("change", ["tail", "none", "head"])
    def test_tampered_jwt_is_refused(self, jwt, change):
        head, claims, signature = jwt.split(".")
        forged = {
            "tail": f"{head}.{claims}.{'A' * len(signature)}",
            "none": f"eyJhbGciOiJub25lIn0.{claims}.",
            "head": f"{head}.{claims[:-4]}AAAA.{signature}",
        }[change]

        assert unauthorized(ApiClient(forged).get(CUSTOMERS))


def by_owner(path: str) -> None:
    assert browser_of(make_owner()).post(path).status_code == 302


def switch_on_two_factor(member: User) -> None:
    two_factor.begin(member)
    code = code_of(two_factor.unconfirmed_key(member))
    assert browser_of(member).post("/dashboard/account/two-factor/", {"code": code}).status_code == 200


class TestEnd:
    """What ends the access of somebody who signed in through this API, whether by cookie or by JWT."""

    @pytest.fixture
    def cookie(self, signed_in) -> ApiClient:
        return signed_in("Owner")

    @pytest.fixture
    def bearer(self, cookie) -> ApiClient:
        return ApiClient(jwt_of(ApiClient(), "staff@store.example"))

    @pytest.fixture
    def member(self, cookie) -> User:
        return User.objects.get(email="staff@store.example")

    @each(
        "end",
        {
            "signed out by an owner": lambda member: by_owner(f"{STAFF}{member.pk}/sign_out/"),
            "signed out elsewhere": lambda member: browser_of(member).post("/dashboard/account/sign-out/"),
            "two-factor sign-in": lambda member: switch_on_two_factor(member),
            "deactivated": lambda member: by_owner(f"{STAFF}{member.pk}/deactivate/"),
            "deactivated, activated": lambda member: [
                by_owner(f"{STAFF}{member.pk}/{action}/") for action in ("deactivate", "reactivate")
            ],
            "deactivated in a shell, activated": lambda member: [
                User.objects.filter(pk=member.pk).update(is_active=False),
                by_owner(f"{STAFF}{member.pk}/reactivate/"),
            ],
            "password": lambda member: member.set_password("another 1 password") or member.save(),
        },
    )
    def test_access_ends_for_good(self, cookie, bearer, member, end):
        assert [client.get(CUSTOMERS).status_code for client in (cookie, bearer)] == [200, 200]

        end(member)

        assert unauthorized(cookie.get(CUSTOMERS))
        assert unauthorized(bearer.get(CUSTOMERS))
        assert unauthorized(bearer.post(CUSTOMERS, NEW))

    def test_delete_auth_ends_the_jwt_and_no_other_session(self, cookie, bearer):
        other = ApiClient(jwt_of(ApiClient(), "staff@store.example"))

        assert bearer.delete(AUTH).status_code == 200

        assert unauthorized(bearer.get(CUSTOMERS))
        assert [client.get(CUSTOMERS).status_code for client in (cookie, other)] == [200, 200]
        assert AuditEvent.objects.filter(event="signed_out", actor="staff@store.example").count() == 1

    def test_jwt_is_listed_and_ended_at_your_account(self, bearer, member):
        browser = browser_of(member)
        page = browser.get("/dashboard/account/").content.decode()
        assert page.count('name="session"') == 2  # the cookie's and the JWT's

        for digest in re.findall(r'name="session" value="(\w+)"', page):
            browser.post("/dashboard/account/sign-out/", {"session": digest})

        assert unauthorized(bearer.get(CUSTOMERS))

    def test_jwt_has_no_key_of_a_session(self, bearer):
        claims = json.loads(JWT(jwt=bearer.token, key=authentication._key(), algs=["HS256"]).claims)
        thief = Client()
        for name, path in (("sessionid", "/dashboard/"), (authentication.COOKIE, CUSTOMERS)):
            thief.cookies[name] = claims["session"]
            assert thief.get(path).status_code in (302, 401)
