"""The ways in, and what each may do."""

from datetime import timedelta

import pytest
from django.utils import timezone

from customers.medusa import authentication
from customers.models import User
from oauth.accounts import two_factor
from oauth.accounts.models import Session, TwoFactor
from oauth.actor import Actor
from oauth.audit.models import AuditEvent
from oauth.models import AccessToken
from oauth.scopes import Scope
from tests.support.clients import ApiClient
from tests.support.medusa import AUTH, CUSTOMERS, NEW, PASSWORD, TOKEN, invalid, jwt_of, unauthorized, url_of


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
