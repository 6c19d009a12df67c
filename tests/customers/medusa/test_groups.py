"""/admin/customer-groups and what is below it."""

import pytest

from customers.groups.models import CustomerGroup
from customers.models import Event, User
from tests.support.factories import make_user
from tests.support.medusa import CUSTOMERS, GROUPS, group_id_of, group_url, id_of, invalid, not_found

NOBODYS = "cgrp_01ARZ3NDEKTSV4RRFFQ69G5FAV"


def batch(*customers) -> dict:
    return {"customer_ids": [{"id": each if isinstance(each, str) else id_of(each)} for each in customers]}


@pytest.fixture
def vip(make_group):
    return make_group()


EVERY_CALL = [
    ("get", "", "read"),
    ("post", "", "write"),
    ("get", "/{id}", "read"),
    ("post", "/{id}", "write"),
    ("delete", "/{id}", "write"),
    ("get", "/{id}/customers", "read"),
    ("post", "/{id}/customers/batch", "write"),
    ("delete", "/{id}/customers/batch", "write"),
]


@pytest.mark.parametrize(("method", "path", "access"), EVERY_CALL)
class TestEveryCall:
    def test_group_calls_require_authentication(self, anonymous, vip, method, path, access):
        response = getattr(anonymous, method)(GROUPS + path.format(id=group_id_of(vip)))

        assert (response.status_code, response.content) == (401, b"Unauthorized")

    def test_group_calls_need_a_scope(self, reader, writer, vip, method, path, access):
        wrong = {"read": writer, "write": reader}[access]

        response = getattr(wrong, method)(GROUPS + path.format(id=group_id_of(vip)))

        assert response.status_code == 403
        assert response.json()["message"] == f"This needs a token with the scope users:{access}."

    def test_group_calls_with_unknown_id_are_404(self, medusa_client, ada, method, path, access):
        if "{id}" not in path or (method, path) in (("delete", "/{id}"), ("get", "/{id}/customers")):
            return
        for id in ("nope", NOBODYS):
            response = medusa_client.generic(
                method.upper(), GROUPS + path.format(id=id), '{"customer_ids": []}' if "batch" in path else "",
                "application/json",
            )  # fmt: skip

            assert response.status_code == 404
            assert response.json() == not_found(f"CustomerGroup with id {id} was not found")

    def test_group_paths_work_with_slash(self, medusa_client, vip, method, path, access):
        response = getattr(medusa_client, method)(f"{GROUPS}{path.format(id=group_id_of(vip))}/")

        assert response.status_code in (200, 400)


class TestCreateGroup:
    def test_create_group_returns_200_and_the_group(self, medusa_client):
        response = medusa_client.post(GROUPS, {"name": "VIP", "metadata": {"a": 1}})

        group = CustomerGroup.objects.get()
        moment = f"{group.created_at.isoformat(timespec='milliseconds')[:-6]}Z"
        assert response.status_code == 200
        assert list(response.json()["customer_group"].items()) == [
            ("id", group_id_of(group)),
            ("created_at", moment),
            ("updated_at", f"{group.updated_at.isoformat(timespec='milliseconds')[:-6]}Z"),
            ("deleted_at", None),
            ("name", "VIP"),
            ("metadata", {"a": 1}),
        ]

    def test_create_group_rejects_a_taken_name(self, medusa_client, vip):
        response = medusa_client.post(GROUPS, {"name": "VIP"})

        assert response.status_code == 422
        assert response.json() == {
            "code": "invalid_request_error",
            "type": "duplicate_error",
            "message": "Key (name)=(VIP) already exists.",
        }

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            ({}, "name must be a string"),
            ({"name": 1, "foo": 1}, "property foo should not exist, name must be a string"),
            ({"name": "x", "metadata": 1}, "metadata must be an object"),
            ({"name": "x" * 256}, "name must be shorter than or equal to 255 characters"),
            ({"name": "x", "metadata": {"a": 2**70}}, "metadata: Number out of range."),
        ],
    )
    def test_create_group_rejects_invalid_bodies(self, medusa_client, body, message):
        response = medusa_client.post(GROUPS, body)

        assert response.status_code == 400
        assert response.json()["message"].endswith(message.partition(": ")[2] or message)


class TestListGroups:
    def test_list_groups_returns_ten_newest_first(self, medusa_client, make_group):
        for number in range(12):
            make_group(str(number))

        answer = medusa_client.get(GROUPS).json()

        assert list(answer) == ["count", "customer_groups", "offset", "limit"]
        assert (answer["count"], answer["offset"], answer["limit"]) == (12, 0, 10)
        assert [group["name"] for group in answer["customer_groups"]] == [str(number) for number in range(11, 1, -1)]

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({"q": "v"}, {"VIP"}),
            ({"q": "%"}, set()),
            ({"name[]": "VIP"}, {"VIP"}),
            ({"name[0]": "VIP", "name[1]": "B2B"}, {"VIP", "B2B"}),
            ({"limit": "1", "order": "name"}, {"B2B"}),
            ({"limit": "1", "offset": "1", "order": "name"}, {"VIP"}),
            ({"order": "-name", "limit": "1"}, {"VIP"}),
            ({"id": NOBODYS}, set()),
            ({"created_at[lt]": "2020-01-01"}, set()),
            ({"updated_at[gt]": "2020-01-01"}, {"VIP", "B2B"}),
        ],
    )
    def test_list_groups_filters(self, medusa_client, make_group, query, found):
        make_group("VIP")
        make_group("B2B")

        response = medusa_client.get(GROUPS, query)

        assert {group["name"] for group in response.json()["customer_groups"]} == found

    def test_list_groups_filters_by_ids(self, medusa_client, make_group):
        first, second, _ = make_group("1"), make_group("2"), make_group("3")

        assert medusa_client.get(GROUPS, {"id": group_id_of(first)}).json()["count"] == 1
        assert medusa_client.get(GROUPS, {"id[]": [group_id_of(first), group_id_of(second)]}).json()["count"] == 2

    @pytest.mark.parametrize(
        ("query", "message"),
        [
            ({"foo": "1"}, "property foo should not exist"),
            ({"name": "VIP"}, "each value in name must be a string"),
            ({"order": "size"}, "Order field size is not valid"),
            ({"expand": "size"}, "Relations [size] are not valid"),
            ({"id[gt]": "x"}, "id must be a string or an array of strings"),
        ],
    )
    def test_list_groups_rejects_invalid_parameters(self, medusa_client, query, message):
        response = medusa_client.get(GROUPS, query)

        assert (response.status_code, response.json()) == (400, invalid(message))

    def test_list_groups_takes_three_queries(self, medusa_client, vip, django_assert_num_queries):
        with django_assert_num_queries(3):  # token, count, page
            medusa_client.get(GROUPS)


class TestRetrieveGroup:
    def test_retrieve_group_returns_the_group(self, medusa_client, vip):
        group = medusa_client.get(group_url(vip)).json()["customer_group"]

        assert (group["id"], group["name"]) == (group_id_of(vip), "VIP")
        assert "customers" not in group

    def test_retrieve_group_expands_customers(self, medusa_client, vip, ada):
        vip.customers.add(ada)

        group = medusa_client.get(group_url(vip), {"expand": "customers"}).json()["customer_group"]

        assert [customer["id"] for customer in group["customers"]] == [id_of(ada)]

    def test_expanded_customers_share_the_largest_limit_of_an_answer(self, medusa_client, make_group, settings):
        settings.MEDUSA_MAX_LIMIT = 4
        vip, b2b = make_group(name="VIP"), make_group(name="B2B")
        people = [make_user() for _ in range(5)]
        vip.customers.set(people)
        b2b.customers.set(people[:1])

        group = medusa_client.get(group_url(vip), {"expand": "customers"}).json()["customer_group"]
        listed = medusa_client.get(GROUPS, {"expand": "customers"}).json()["customer_groups"]

        assert [customer["id"] for customer in group["customers"]] == [id_of(each) for each in people[:0:-1]]
        assert {each["name"]: len(each["customers"]) for each in listed} == {"VIP": 2, "B2B": 1}


class TestUpdateGroup:
    def test_update_group_changes_name_and_metadata(self, medusa_client, make_group):
        group = make_group(metadata={"a": 1, "b": 2})

        response = medusa_client.post(group_url(group), {"name": "B2B", "metadata": {"a": "", "c": None}})

        assert response.status_code == 200
        changed = response.json()["customer_group"]
        assert (changed["name"], changed["metadata"]) == ("B2B", {"b": 2, "c": None})
        assert medusa_client.get(group_url(group)).json()["customer_group"] == changed

    def test_update_group_moves_updated_at_only_on_change(self, medusa_client, vip):
        medusa_client.post(group_url(vip), {"name": "VIP", "metadata": {}})

        assert CustomerGroup.objects.get().updated_at == vip.updated_at

    def test_update_group_rejects_a_taken_name(self, medusa_client, make_group):
        make_group("VIP")

        response = medusa_client.post(group_url(make_group("B2B")), {"name": "VIP"})

        assert response.status_code == 422
        assert response.json()["message"] == "Customer_group with name VIP already exists."

    def test_update_group_rejects_invalid_bodies(self, medusa_client, vip):
        response = medusa_client.post(group_url(vip), {"foo": 1, "name": 1})

        message = "property foo should not exist, name must be a string"
        assert (response.status_code, response.json()) == (400, invalid(message))


class TestDeleteGroup:
    def test_delete_group_keeps_its_customers(self, medusa_client, vip, ada):
        vip.customers.add(ada)

        response = medusa_client.delete(group_url(vip))

        assert response.status_code == 200
        assert response.json() == {"id": group_id_of(vip), "object": "customer_group", "deleted": True}
        assert not CustomerGroup.objects.exists()
        assert User.objects.filter(pk=ada.pk).exists()
        assert Event.objects.get(user=ada, kind="changed").changes == {"groups": [["VIP"], []]}

    def test_delete_of_unknown_group_is_200(self, medusa_client):
        response = medusa_client.delete(group_url("cgrp_nope"))

        assert (response.status_code, response.json()["deleted"]) == (200, True)


class TestCustomersOfAGroup:
    def test_group_members_are_listed_with_the_group(self, medusa_client, vip, ada, account):
        vip.customers.add(ada)

        answer = medusa_client.get(f"{group_url(vip)}/customers").json()

        assert (answer["count"], answer["limit"]) == (1, 50)
        assert [customer["id"] for customer in answer["customers"]] == [id_of(ada)]
        assert answer["customers"][0]["groups"][0]["name"] == "VIP"

    def test_members_of_unknown_group_are_empty(self, medusa_client, monkeypatch, ada, account):
        monkeypatch.setattr("customers.medusa.counting.EXACT_UP_TO", 1)
        assert medusa_client.get(CUSTOMERS).json()["count"] == 2  # remembered

        answer = medusa_client.get(f"{group_url(NOBODYS)}/customers").json()

        assert (answer["customers"], answer["count"]) == ([], 0)

    def test_group_members_accept_some_list_parameters(self, medusa_client, vip, ada):
        vip.customers.add(ada)
        members = f"{group_url(vip)}/customers"

        assert medusa_client.get(members, {"q": "nobody"}).json()["count"] == 0
        assert len(medusa_client.get(members, {"expand": "orders"}).json()["customers"][0]["orders"]) == 0
        assert medusa_client.get(members, {"has_account": "true"}).status_code == 400

    def test_batch_adds_customers_once(self, medusa_client, vip, ada, account):
        for _ in range(2):
            response = medusa_client.post(f"{group_url(vip)}/customers/batch", batch(ada, account, ada))

            assert response.status_code == 200
            assert response.json()["customer_group"]["id"] == group_id_of(vip)
        assert set(vip.customers.values_list("pk", flat=True)) == {ada.pk, account.pk}
        assert [event.changes for event in Event.objects.filter(kind="changed")] == [{"groups": [[], ["VIP"]]}] * 2

    def test_batch_rejects_unknown_customers(self, medusa_client, vip, ada, owner):
        response = medusa_client.post(f"{group_url(vip)}/customers/batch", batch(ada, "cus_x", owner))

        message = f'The following customer ids do not exist: "cus_x, {id_of(owner)}"'
        assert (response.status_code, response.json()) == (404, not_found(message))
        assert not vip.customers.exists()

    def test_batch_removes_customers_once(self, medusa_client, vip, ada, account):
        vip.customers.add(ada, account)

        for _ in range(2):
            response = medusa_client.delete(
                f"{group_url(vip)}/customers/batch", batch(ada, "cus_x"), "application/json"
            )

            assert response.status_code == 200
            assert response.json()["customer_group"]["id"] == group_id_of(vip)
        assert list(vip.customers.all()) == [account]

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            ({}, "customer_ids must be an array, "
                 "each value in nested property customer_ids must be either object or array"),
            ({"customer_ids": ["x"]}, "each value in nested property customer_ids must be either object or array"),
            ({"customer_ids": [{"id": 1}]}, "id must be a string"),
            ({"customer_ids": [], "foo": 1}, "property foo should not exist"),
        ],
    )  # fmt: skip
    def test_batch_rejects_invalid_bodies(self, medusa_client, vip, body, message):
        for method in (medusa_client.post, medusa_client.delete):
            response = method(f"{group_url(vip)}/customers/batch", body, "application/json")

            assert (response.status_code, response.json()) == (400, invalid(message))

    def test_batch_takes_few_queries_for_many_customers(self, medusa_client, vip, django_assert_num_queries):
        def queries_for(number):
            members = [make_user() for _ in range(number)]
            with django_assert_num_queries(11):
                medusa_client.post(f"{group_url(vip)}/customers/batch", batch(*members))

        queries_for(2)
        queries_for(9)


def test_customer_list_filters_by_added_members(medusa_client, vip, ada, account):
    medusa_client.post(f"{group_url(vip)}/customers/batch", batch(ada))

    answer = medusa_client.get(CUSTOMERS, {"groups[]": group_id_of(vip)}).json()

    assert [customer["id"] for customer in answer["customers"]] == [id_of(ada)]
