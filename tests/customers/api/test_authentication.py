"""Bearer tokens and scopes, for every operation on customers."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone

from customers.models import Note, User
from oauth.models import AccessToken, App
from oauth.scopes import Scope
from tests.support.clients import USERS, ApiClient, notes_url
from tests.support.factories import make_user
from tests.support.operations import CREATE_OPERATIONS, OPERATIONS

UNKNOWN_TOKEN = "shc_000000000000000000000000000000000000000000"


class TestAnonymous:
    def test_request_without_a_token_is_401_without_an_error_code(self, anonymous, ada, ada_address):
        for operation in OPERATIONS:
            response = operation(anonymous, user=ada, address=ada_address)

            assert response.status_code == 401, operation.name
            assert response.headers["WWW-Authenticate"] == 'Bearer realm="admin"'
            assert "detail" in response.json()
        assert not User.objects.filter(email="ada@example.com").exists()
        assert not Note.objects.exists()
        assert ada.addresses.count() == 1

    @pytest.mark.parametrize("scheme", ["Basic {}", "Token {}", "{}", "bearer_{}", "Bearer{}", ""])
    def test_authorization_with_another_scheme_is_401(self, anonymous, admin_client, scheme):
        response = anonymous.get(USERS, headers={"Authorization": scheme.format(admin_client.token)})

        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"].startswith('Bearer realm="admin"')

    @pytest.mark.parametrize("name", ["access_token", "token", "bearer_token"])
    def test_token_in_query_string_or_body_is_401(self, anonymous, admin_client, name):
        assert anonymous.get(USERS, {name: admin_client.token}).status_code == 401
        assert anonymous.post_form(USERS, {name: admin_client.token, "email": "ada@example.com"}).status_code == 401

    def test_dashboard_session_without_a_token_is_401(self, anonymous, owner):
        anonymous.force_login(owner)

        assert anonymous.get(USERS).status_code == 401


class TestRefusedToken:
    def test_unknown_token_is_401_with_the_code_invalid_token(self, ada):
        for operation in CREATE_OPERATIONS:
            response = operation(ApiClient(UNKNOWN_TOKEN), user=ada)

            assert response.status_code == 401, operation.name
            assert response.headers["WWW-Authenticate"] == 'Bearer realm="admin", error="invalid_token"'
            assert "detail" in response.json()

    @pytest.mark.parametrize(
        "reason", ["expired", "revoked", "inactive app", "deleted app", "inactive owner", "cut", "empty"]
    )
    def test_expired_revoked_or_inactive_token_is_401(self, admin_client, owner, reason):
        assert admin_client.get(USERS).status_code == 200
        token = AccessToken.objects.get()
        match reason:
            case "expired":
                AccessToken.objects.update(expires=timezone.now() - timedelta(days=1))
            case "revoked":
                token.revoke()
            case "inactive app":
                App.objects.update(is_active=False)
            case "deleted app":
                App.objects.all().delete()
            case "inactive owner":
                User.objects.filter(pk=owner.pk).update(is_active=False)
            case "cut":
                admin_client = ApiClient(admin_client.token[:-1])
            case "empty":
                admin_client = ApiClient(" ")

        response = admin_client.get(USERS)

        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"] == 'Bearer realm="admin", error="invalid_token"'

    def test_invalid_token_is_401_before_the_body_is_parsed(self, db):
        assert ApiClient(UNKNOWN_TOKEN).post(USERS, "{ broken").status_code == 401


class TestBearer:
    @pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer "])
    def test_bearer_scheme_ignores_case(self, anonymous, admin_client, scheme):
        assert anonymous.get(USERS, headers={"Authorization": f"{scheme} {admin_client.token}"}).status_code == 200

    def test_token_is_looked_up_by_the_first_query(self, admin_client, ada, django_assert_num_queries):
        with django_assert_num_queries(2) as queries:  # token, users with addresses
            admin_client.get(USERS)

        assert "token_checksum" in queries[0]["sql"]

    def test_token_acts_as_its_owner(self, api, owner, ada):
        colleague = make_user(email="colleague@store.example", user_type="dashboard")
        colleague.groups.add(Group.objects.get(name="Staff"))

        note = api(Scope.USERS_WRITE, owner=colleague).post(notes_url(ada), {"message": "Called."}).json()

        assert note["author"]["email"] == "colleague@store.example"


class TestScope:
    def test_operation_without_its_scope_is_403(self, api, ada, ada_address):
        other = {Scope.USERS_READ: Scope.USERS_WRITE, Scope.USERS_WRITE: Scope.USERS_READ}
        clients = {
            scope: api(other[scope], Scope.ORDERS_READ, Scope.ORDERS_WRITE)
            for scope in (Scope.USERS_READ, Scope.USERS_WRITE)
        }
        for operation in OPERATIONS:
            response = operation(clients[operation.scope], user=ada, address=ada_address)

            assert response.status_code == 403, operation.name
            assert "detail" in response.json()
            assert response.headers["WWW-Authenticate"] == (
                f'Bearer realm="admin", error="insufficient_scope", scope="{operation.scope}"'
            )
        assert not User.objects.filter(email="ada@example.com").exists()
        assert not Note.objects.exists()
        assert ada.addresses.count() == 1

    @pytest.mark.parametrize(
        "scopes",
        [
            {Scope.USERS_READ: Scope.USERS_READ, Scope.USERS_WRITE: Scope.USERS_WRITE},
            {Scope.USERS_READ: Scope.ADMIN_READ, Scope.USERS_WRITE: Scope.ADMIN_WRITE},
        ],
        ids=["own", "admin"],
    )
    def test_operation_with_its_own_or_the_admin_scope_is_allowed(self, api, ada, ada_address, scopes):
        clients = {scope: api(granted) for scope, granted in scopes.items()}
        for operation in OPERATIONS:
            response = operation(clients[operation.scope], user=ada, address=ada_address)

            assert response.status_code in (200, 201, 204), operation.name

    def test_missing_scope_is_403_before_the_body_is_parsed(self, api):
        assert api(Scope.USERS_READ).post(USERS, "{ broken").status_code == 403

    def test_missing_scope_is_403_for_known_and_unknown_users(self, api, ada):
        for operation in OPERATIONS:
            assert operation(api(), user=ada).status_code == 403
            assert operation(api()).status_code == 403
