"""The ways in, and what each may do."""

import json
import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from jwcrypto.jwt import JWT

from customers.medusa import authentication
from customers.models import User
from oauth.accounts import two_factor
from oauth.accounts.models import Session, TwoFactor
from oauth.actor import Actor
from oauth.audit.models import AuditEvent
from oauth.models import AccessToken
from oauth.scopes import Scope
from tests.oauth.accounts.test_two_factor import code_of
from tests.support.cases import each
from tests.support.clients import ApiClient
from tests.support.dashboard import browser_of
from tests.support.factories import make_owner
from tests.support.medusa import AUTH, CUSTOMERS, NEW, PASSWORD, TOKEN, invalid, url_of

ORIGIN = "https://admin.example"
STORE = "http://testserver"
STAFF = "/dashboard/customers/staffmember/"


def unauthorized(response) -> bool:
    return (response.status_code, response.content) == (401, b"Unauthorized")


def jwt_of(browser, email: str, password: str = PASSWORD) -> str:
    return browser.post(TOKEN, {"email": email, "password": password}).json()["access_token"]


class TestApiTokens:
    @pytest.mark.parametrize("header", ["x-medusa-access-token", "X-Medusa-Access-Token"])
    def test_api_token_works_in_the_medusa_header(self, medusa_client, ada, header):
        assert ApiClient(headers={header: medusa_client.token}).get(url_of(ada)).status_code == 200

    @pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
    def test_api_token_works_as_bearer(self, medusa_client, ada, scheme):
        assert (
            ApiClient(headers={"Authorization": f"{scheme} {medusa_client.token}"}).get(url_of(ada)).status_code == 200
        )

    @pytest.mark.parametrize("bad", ["shc_nope", "a.b.c", ""])
    def test_api_token_in_the_medusa_header_works_beside_a_bad_bearer(self, medusa_client, ada, bad):
        headers = {"x-medusa-access-token": medusa_client.token, "Authorization": f"Bearer {bad}"}

        assert ApiClient(headers=headers).get(url_of(ada)).status_code == 200

    def test_api_token_as_bearer_works_beside_a_bad_medusa_header(self, medusa_client, ada):
        headers = {"x-medusa-access-token": "nope", "Authorization": f"Bearer {medusa_client.token}"}

        assert ApiClient(headers=headers).get(url_of(ada)).status_code == 200

    @pytest.mark.parametrize(
        "headers",
        [{}, {"x-medusa-access-token": "nope"}, {"Authorization": "Bearer nope"}, {"Authorization": "Basic eDp5"}],
    )
    def test_malformed_api_tokens_are_refused(self, anonymous, headers):
        assert unauthorized(anonymous.get(CUSTOMERS, headers=headers))

    def test_api_token_needs_no_csrf_token(self, medusa_client):
        browser = ApiClient(medusa_client.token, enforce_csrf_checks=True)

        assert browser.post(CUSTOMERS, NEW).status_code == 201

    def test_api_token_in_the_query_is_refused(self, medusa_client, anonymous):
        assert unauthorized(anonymous.get(CUSTOMERS, {"access_token": medusa_client.token}))

    def test_api_token_use_is_recorded(self, api, owner):
        client = api(Scope.USERS_READ)
        AccessToken.objects.update(last_used_at=None)

        client.get(CUSTOMERS)

        token = AccessToken.objects.get()
        assert (token.last_used_version, token.last_used_ip) == ("medusa v1", "127.0.0.1")

    @pytest.mark.parametrize("scope", [Scope.ADMIN_READ, Scope.ADMIN_WRITE])
    def test_admin_scope_includes_users_scopes(self, api, ada, scope):
        client = api(scope)

        assert client.get(CUSTOMERS).status_code == (200 if scope == Scope.ADMIN_READ else 403)
        assert client.post(CUSTOMERS, NEW).status_code == (201 if scope == Scope.ADMIN_WRITE else 403)

    @pytest.mark.parametrize("scopes", [[], [Scope.USERS_WRITE], [Scope.ORDERS_READ, Scope.ADMIN_WRITE]])
    def test_get_auth_by_a_token_that_may_not_read_users_is_403(self, api, owner, scopes):
        response = api(*scopes).get(AUTH)

        assert (response.status_code, response.json()["type"]) == (403, "not_allowed")
        assert owner.email not in response.content.decode()

    def test_get_auth_returns_the_owner_of_an_api_token(self, api, owner):
        user = api(Scope.USERS_READ).get(AUTH).json()["user"]

        assert list(user) == [
            "id", "created_at", "updated_at", "deleted_at", "role", "email", "first_name", "last_name", "api_token",
            "metadata",
        ]  # fmt: skip
        assert user["id"].startswith("usr_")
        assert (user["email"], user["role"], user["api_token"]) == (owner.email, "admin", None)


class TestSignIn:
    def test_sign_in_returns_the_user_and_a_cookie(self, anonymous, staff):
        staff("Staff")

        response = anonymous.post(AUTH, {"email": "Staff@store.example", "password": PASSWORD})

        assert response.status_code == 200
        user = response.json()["user"]
        assert (user["email"], user["role"], user["first_name"]) == ("staff@store.example", "member", "Sam")
        cookie = response.cookies[authentication.COOKIE]
        assert (cookie["max-age"], cookie["path"], cookie["samesite"]) == (36000, "/admin", "Lax")
        assert cookie["httponly"]
        assert not cookie["secure"]  # a developer's machine
        assert unauthorized(ApiClient().get(AUTH))
        assert anonymous.get(AUTH).json() == response.json()

    def test_session_lasts_ten_hours(self, signed_in):
        browser = signed_in("Staff")

        session = Session.objects.get()
        assert timedelta(hours=9, minutes=59) < session.expire_date - timezone.now() <= timedelta(hours=10)
        Session.objects.update(expire_date=timezone.now())
        assert unauthorized(browser.get(AUTH))

    def test_session_cookie_has_the_configured_samesite(self, anonymous, staff, settings):
        settings.MEDUSA_COOKIE_SAMESITE = "None"
        staff("Staff")

        cookie = anonymous.post(AUTH, {"email": "staff@store.example", "password": PASSWORD}).cookies["connect.sid"]

        assert (cookie["samesite"], cookie["secure"]) == ("None", True)

    def test_session_cookie_is_secure_in_production(self, anonymous, staff, settings):
        settings.SESSION_COOKIE_SECURE = True
        staff("Staff")

        response = anonymous.post(AUTH, {"email": "staff@store.example", "password": PASSWORD})

        assert response.cookies["connect.sid"]["secure"]

    @pytest.mark.parametrize("path", [AUTH, TOKEN])
    @pytest.mark.parametrize(
        ("email", "password"), [("staff@store.example", "wrong"), ("nobody@store.example", PASSWORD)]
    )
    def test_sign_in_rejects_bad_credentials(self, anonymous, staff, path, email, password):
        staff("Owner")

        response = anonymous.post(path, {"email": email, "password": password})

        assert unauthorized(response)
        assert not response.cookies
        assert AuditEvent.objects.filter(event="sign_in_failed", actor=email).exists()

    @pytest.mark.parametrize("path", [AUTH, TOKEN])
    def test_sign_in_rejects_customers(self, anonymous, account, path):
        response = anonymous.post(path, {"email": account.email, "password": PASSWORD})

        assert unauthorized(response)
        assert not response.cookies

    @pytest.mark.parametrize("path", [AUTH, TOKEN])
    def test_sign_in_rejects_deactivated_staff(self, anonymous, staff, path):
        staff("Staff")
        User.objects.update(is_active=False)

        assert unauthorized(anonymous.post(path, {"email": "staff@store.example", "password": PASSWORD}))

    @pytest.mark.parametrize("path", [AUTH, TOKEN])
    def test_sign_in_rejects_staff_with_two_factor(self, anonymous, staff, path):
        member = staff("Staff")
        two_factor.begin(member)
        TwoFactor.objects.update(is_on=True)

        assert unauthorized(anonymous.post(path, {"email": member.email, "password": PASSWORD}))
        two_factor.switch_off(member, Actor())
        assert anonymous.post(path, {"email": member.email, "password": PASSWORD}).status_code == 200

    @pytest.mark.parametrize("path", [AUTH, TOKEN])
    def test_sign_in_is_locked_after_ten_failures(self, anonymous, staff, path):
        staff("Staff")
        for _ in range(10):
            response = anonymous.post(path, {"email": "staff@store.example", "password": "wrong"})

        assert response.status_code == 429
        assert response.json()["type"] == "not_allowed"
        assert response.headers["Retry-After"] == "900"
        assert anonymous.post(path, {"email": "staff@store.example", "password": PASSWORD}).status_code == 429
        dashboard = {"username": "staff@store.example", "password": PASSWORD}
        assert anonymous.post_form("/dashboard/login/", dashboard).status_code == 429

    @pytest.mark.parametrize("path", [AUTH, TOKEN])
    @pytest.mark.parametrize(
        ("body", "message"),
        [
            ({}, "email should not be empty, email must be an email, "
                 "password should not be empty, password must be a string"),
            ({"email": "x", "password": "y"}, "email must be an email"),
            ({"email": "a@example.com", "password": ""}, "password should not be empty"),
            ({"email": "a@example.com", "password": 1}, "password must be a string"),
            ({"email": "a@example.com", "password": "x", "code": "1"}, "property code should not exist"),
        ],
    )  # fmt: skip
    def test_sign_in_rejects_invalid_bodies(self, anonymous, path, body, message):
        response = anonymous.post(path, body)

        assert (response.status_code, response.json()) == (400, invalid(message))

    def test_sign_in_is_in_the_security_log(self, signed_in):
        browser = signed_in("Staff")
        jwt_of(browser, "staff@store.example")
        browser.delete(AUTH)

        events = AuditEvent.objects.order_by("pk").values_list("event", "actor")
        assert list(events) == [(event, "staff@store.example") for event in ("signed_in", "signed_in", "signed_out")]

    def test_medusa_sign_in_does_not_open_the_dashboard(self, signed_in):
        assert signed_in("Owner").get("/dashboard/").status_code == 302


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
        with django_assert_num_queries(3):
            medusa_client.get(CUSTOMERS)

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


def switch_on_two_factor(member: User) -> None:
    two_factor.begin(member)
    code = code_of(two_factor.unconfirmed_key(member))
    assert browser_of(member).post("/dashboard/account/two-factor/", {"code": code}).status_code == 200


class TestRoles:
    @pytest.mark.parametrize(("role", "may_write"), [("Owner", True), ("Staff", True), ("Viewer", False)])
    def test_role_decides_what_session_and_jwt_may_do(self, signed_in, role, may_write):
        browser = signed_in(role)
        bearer = ApiClient(jwt_of(ApiClient(), "staff@store.example"))

        for number, caller in enumerate((browser, bearer)):
            written = caller.post(CUSTOMERS, {**NEW, "email": f"{number}@example.com"})

            assert caller.get(CUSTOMERS).status_code == 200
            assert written.status_code == (201 if may_write else 403)

    def test_staff_without_role_may_do_nothing(self, signed_in):
        browser = signed_in("Viewer")
        User.objects.get(email="staff@store.example").groups.clear()

        assert browser.get(CUSTOMERS).status_code == 403
        assert browser.get(AUTH).status_code == 200

    def test_timeline_names_the_person_of_a_session(self, signed_in):
        signed_in("Staff").post(CUSTOMERS, NEW)

        event = User.objects.get(email=NEW["email"]).events.get()
        assert (event.actor.email, event.app) == ("staff@store.example", None)
