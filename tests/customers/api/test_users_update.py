import json

import pytest
from django.db import connection

from customers.models import Tag, User
from tests.customers.api.test_users_create import EVERY_FIELD
from tests.support.cases import each
from tests.support.clients import USERS, address_url, addresses_url, notes_url, user_url
from tests.support.factories import address, make_address, make_user

both_methods = pytest.mark.parametrize("method", ["put", "patch"])


@both_methods
class TestUpdateUser:
    def test_update_user_changes_all_fields(self, admin_client, ada, method):
        changes = {name: value for name, value in EVERY_FIELD.items() if name != "addresses"}

        response = getattr(admin_client, method)(user_url(ada), changes)

        assert response.status_code == 200
        assert {name: response.json()[name] for name in changes} == changes
        assert admin_client.get(user_url(ada)).content == response.content

    def test_update_user_keeps_omitted_fields(self, admin_client, method):
        user = admin_client.post(USERS, EVERY_FIELD).json()

        response = getattr(admin_client, method)(user_url(user["id"]), {"first_name": "Augusta"})

        assert response.json() == {**user, "first_name": "Augusta"}

    def test_update_user_needs_no_email(self, admin_client, ada, method):
        assert getattr(admin_client, method)(user_url(ada), {}).status_code == 200

    def test_update_user_takes_few_queries(self, admin_client, ada, method, django_assert_num_queries):
        getattr(admin_client, method)(user_url(ada), {"first_name": "Warm"})

        # Token; transaction, lock, update with event and webhooks, commit; the user with addresses.
        with django_assert_num_queries(6 if connection.vendor == "postgresql" else 8):
            getattr(admin_client, method)(user_url(ada), {"first_name": "Augusta"})

    def test_update_user_rejects_invalid_value_of_a_field(self, admin_client, ada, method):
        for field, value in [
            ("email", None),
            ("email", ""),
            ("email", "x"),
            ("language", "xx"),
            ("ip", "x"),
            ("tags", "x"),
            ("metadata", 1),
            ("user_agent", "x" * 501),
            ("first_name", "x" * 256),
            ("phone_number", "x"),
            ("is_blocked", None),
        ]:
            before = admin_client.get(user_url(ada)).content

            response = getattr(admin_client, method)(user_url(ada), {"first_name": "Changed", field: value})

            assert response.status_code == 400, (field, value)
            assert list(response.json()) == [field], (field, value)
            assert admin_client.get(user_url(ada)).content == before, (field, value)

    def test_update_user_ignores_addresses(self, admin_client, ada, method):
        before = admin_client.get(user_url(ada)).json()["addresses"]

        for addresses in ([], [address(line1="Elsewhere")], "nonsense", None):
            response = getattr(admin_client, method)(user_url(ada), {"addresses": addresses})

            assert response.status_code == 200
            assert response.json()["addresses"] == before

    def test_update_user_ignores_read_only_fields(self, admin_client, ada, method):
        before = admin_client.get(user_url(ada)).json()
        fields = {
            "id": 1,
            "user_type": "dashboard",
            "orders_count": 9,
            "subscriptions_count": 9,
            "total_spent": "9",
            "is_superuser": True,
        }

        response = getattr(admin_client, method)(user_url(ada), {**fields, "date_joined": "2001-01-01T00:00:00Z"})

        assert response.json() == before
        assert not User.objects.get(pk=ada.pk).is_superuser

    def test_update_user_rejects_duplicate_email(self, admin_client, ada, method):
        make_user(email="taken@example.com")

        response = getattr(admin_client, method)(user_url(ada), {"email": "Taken@Example.COM", "first_name": "Changed"})

        assert response.status_code == 400
        assert list(response.json()) == ["email"]
        assert User.objects.get(pk=ada.pk).first_name == "Ada"

    def test_update_user_accepts_own_email_in_another_case(self, admin_client, ada, method):
        assert (
            getattr(admin_client, method)(user_url(ada), {"email": "ADA@lovelace.example"}).json()["email"]
            == "ADA@lovelace.example"
        )

    def test_update_user_parses_local_phone_in_the_country_of_the_first_address(self, admin_client, method):
        user = make_user(addresses=[address(country="FR"), address(country="US")])

        response = getattr(admin_client, method)(user_url(user), {"phone_number": "01 23 45 67 89"})

        assert response.json()["phone_number"] == "+33123456789"

    def test_update_user_rejects_local_phone_without_an_address(self, admin_client, method):
        response = getattr(admin_client, method)(user_url(make_user()), {"phone_number": "01 23 45 67 89"})

        assert list(response.json()) == ["phone_number"]

    def test_update_user_empties_optional_fields(self, admin_client, method):
        user = admin_client.post(USERS, EVERY_FIELD).json()
        nothing: dict = {
            "phone_number": None,
            "language": None,
            "ip": None,
            "user_agent": None,
            "metadata": None,
            "tags": [],
            "last_name": "",
        }

        response = getattr(admin_client, method)(user_url(user["id"]), nothing)

        assert {name: response.json()[name] for name in nothing} == nothing

    def test_update_user_replaces_metadata(self, admin_client, ada, method):
        getattr(admin_client, method)(user_url(ada), {"metadata": {"a": 1, "b": 2}})

        assert getattr(admin_client, method)(user_url(ada), {"metadata": {"c": 3}}).json()["metadata"] == {"c": 3}

    @pytest.mark.parametrize(("before", "after"), [(1, True), (False, 0), (1, 1.5), (0, None), ("1", 1)])
    def test_update_user_distinguishes_equal_python_values_in_metadata(self, admin_client, ada, method, before, after):
        getattr(admin_client, method)(user_url(ada), {"metadata": {"flag": before}})

        response = getattr(admin_client, method)(user_url(ada), {"metadata": {"flag": after}})

        assert json.dumps(response.json()["metadata"]) == json.dumps({"flag": after})

    def test_update_user_replaces_tags_and_creates_new_ones(self, admin_client, ada, method):
        getattr(admin_client, method)(user_url(ada), {"tags": ["a", "b"]})

        assert getattr(admin_client, method)(user_url(ada), {"tags": ["c", None, "c"]}).json()["tags"] == ["c"]
        assert sorted(Tag.objects.values_list("name", flat=True)) == ["a", "b", "c"]

    def test_update_user_strips_emoji(self, admin_client, ada, method):
        assert getattr(admin_client, method)(user_url(ada), {"first_name": "Ada 🚀"}).json()["first_name"] == "Ada"


@both_methods
class TestBlockList:
    def test_block_and_unblock_can_be_repeated(self, admin_client, ada, method):
        for is_blocked in (True, True, False, False):
            response = getattr(admin_client, method)(user_url(ada), {"is_blocked": is_blocked})

            assert response.status_code == 200
            assert response.json()["is_blocked"] is is_blocked

    def test_update_user_without_is_blocked_keeps_the_block(self, admin_client, ada, method):
        admin_client.patch(user_url(ada), {"is_blocked": True})

        assert getattr(admin_client, method)(user_url(ada), {"first_name": "Augusta"}).json()["is_blocked"] is True


@both_methods
class TestDashboardUser:
    @pytest.mark.parametrize("email", ["new@store.example", "new@STORE.example"])
    def test_update_user_rejects_new_email_of_staff(self, admin_client, owner, method, email):
        response = getattr(admin_client, method)(user_url(owner), {"email": email, "first_name": "Changed"})

        assert response.status_code == 400
        assert list(response.json()) == ["email"]
        owner.refresh_from_db()
        assert (owner.email, owner.first_name) == ("owner@store.example", "Olive")

    @each(
        "changes",
        [
            {"first_name": "Oda"},
            {"email": "owner@store.example", "tags": []},
            {"tags": ["x"]},
            {"metadata": {}},
        ],
    )
    def test_update_user_of_staff_is_403(self, admin_client, owner, method, changes):
        before = User.objects.filter(pk=owner.pk).values().get()

        response = getattr(admin_client, method)(user_url(owner), changes)

        assert response.status_code == 403
        assert response.json() == {"detail": "Members of staff can only be changed in the dashboard."}
        assert User.objects.filter(pk=owner.pk).values().get() == before


class TestWhatBelongsToStaff:
    def test_apps_write_neither_addresses_nor_notes_of_staff(self, admin_client, owner):
        kept = make_address(owner)

        answers = [
            admin_client.post(addresses_url(owner), address()),
            admin_client.put(address_url(kept), address(line1="2 Elsewhere")),
            admin_client.delete(address_url(kept)),
            admin_client.post(notes_url(owner), {"message": "Not to be trusted."}),
        ]

        assert [answer.status_code for answer in answers] == [403] * 4
        assert [row.line1 for row in owner.addresses.all()] == [kept.line1]
        assert not owner.notes.exists()


class TestUpdatedAt:
    def test_updated_at_changes_only_with_a_value(self, admin_client, ada):
        before = User.objects.get(pk=ada.pk).updated_at

        admin_client.patch(user_url(ada), {"first_name": "Ada", "is_blocked": False})
        assert User.objects.get(pk=ada.pk).updated_at == before

        admin_client.patch(user_url(ada), {"first_name": "Augusta"})
        assert User.objects.get(pk=ada.pk).updated_at > before

    @each(
        "metadata, again, is_changed",
        [
            ('{"size": 1, "a": [{"y": null, "x": 0.5}]}', '{"a": [{"x": 0.5, "y": null}], "size": 1}', False),
            ('{"b": {"y": "2", "x": {"z": 1, "a": true}}}', '{"b": {"x": {"a": true, "z": 1}, "y": "2"}}', False),
            ('{"long": 0, "k": 1}', '{"k": 1, "long": 0}', False),
            ('{"big": 1e18}', '{"big": 1e18}', False),
            ('{"big": 123456789012345678}', '{"big": 123456789012345678}', False),
            ('{"small": 1e-7, "minus": -0.0}', '{"minus": -0.0, "small": 1e-7}', False),
            ('{"is": 1}', '{"is": true}', True),
            ('{"is": [0, false]}', '{"is": [false, 0]}', True),
            ('{"is": 1}', '{"is": 1.0}', True),
            ('{"is": null}', '{}', True),
            ('{"is": {"a": 1}}', '{"is": {"a": "1"}}', True),
            ('{"is": [1, 2]}', '{"is": [2, 1]}', True),
        ],
    )  # fmt: skip
    def test_metadata_is_changed_only_by_another_value(self, admin_client, ada, metadata, again, is_changed):
        admin_client.patch(user_url(ada), {"metadata": json.loads(metadata)})
        before = User.objects.get(pk=ada.pk).updated_at
        number = ada.events.count()

        admin_client.patch(user_url(ada), {"metadata": json.loads(again)})
        assert (User.objects.get(pk=ada.pk).updated_at > before) == is_changed
        assert ada.events.count() == number + is_changed
