"""Many requests at the same moment, each with a connection of its own."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from customers.models import Address, Tag, User
from tests.support.clients import USERS, address_url, addresses_url, user_url
from tests.support.concurrency import at_once, in_thread, wait_until_waiting
from tests.support.factories import address, make_address, make_user

pytestmark = pytest.mark.django_db(transaction=True)


class TestSameEmail:
    def test_concurrent_creates_with_one_email_make_one_customer(self, admin_client):
        emails = ["ada@example.com", "Ada@Example.com", "ADA@EXAMPLE.COM", "ada@EXAMPLE.com"] * 8
        bodies = [{"email": email, "addresses": [address()], "tags": ["vip"]} for email in emails]

        responses = at_once([lambda body=body: admin_client.post(USERS, body) for body in bodies])

        assert sorted(response.status_code for response in responses) == [201] + [400] * 31
        for response in responses:
            assert response.status_code == 201 or list(response.json()) == ["email"]
        assert User.objects.filter(user_type="lead").count() == 1
        assert Address.objects.count() == 1

    def test_concurrent_updates_to_one_email_change_one_customer(self, admin_client):
        users = [make_user() for _ in range(8)]

        responses = at_once(
            [lambda user=user: admin_client.patch(user_url(user), {"email": "ada@example.com"}) for user in users]
        )

        assert sorted(response.status_code for response in responses) == [200] + [400] * 7


class TestAddresses:
    def test_concurrent_default_addresses_leave_one_default(self, admin_client):
        user = make_user()
        body = address(is_default_for_shipping=True, is_default_for_billing=True)

        responses = at_once([lambda: admin_client.post(addresses_url(user), body)] * 12)

        assert {response.status_code for response in responses} == {201}
        assert user.addresses.count() == 12
        assert user.addresses.filter(is_default_for_shipping=True).count() == 1
        assert user.addresses.filter(is_default_for_billing=True).count() == 1

    def test_concurrent_first_addresses_leave_one_default(self, admin_client):
        user = make_user()

        responses = at_once([lambda: admin_client.post(addresses_url(user), address())] * 8)

        assert {response.status_code for response in responses} == {201}
        assert user.addresses.filter(is_default_for_shipping=True, is_default_for_billing=True).count() == 1

    def test_concurrent_address_updates_and_deletes_leave_at_most_one_default(self, admin_client):
        user = make_user(addresses=[address()] * 6)
        book = list(user.addresses.all())
        body = address(is_default_for_shipping=True)
        calls = [lambda each=each: admin_client.put(address_url(each), body) for each in book]
        calls += [lambda each=each: admin_client.delete(address_url(each)) for each in book[:2]]

        responses = at_once(calls)

        assert {response.status_code for response in responses} <= {200, 204, 404}
        # None, where the last one to ask for it was deleted after all.
        assert user.addresses.filter(is_default_for_shipping=True).count() <= 1


class TestTags:
    @staticmethod
    def write(client, way, tags):
        if way == "create":
            return client.post(USERS, {"email": f"{tags[0]}-{tags[-1]}@example.com", "tags": tags})
        return client.patch(user_url(make_user()), {"tags": tags})

    def test_concurrent_new_tags_are_all_stored(self, admin_client):
        words = [f"tag-{number}" for number in range(30)]
        orders = [(way, words[number:] + words[:number]) for number in range(8) for way in ("create", "update")]

        responses = at_once([lambda way=way, tags=tags: self.write(admin_client, way, tags) for way, tags in orders])

        assert {response.status_code for response in responses} == {200, 201}
        assert [response.json()["tags"] for response in responses] == [tags for _, tags in orders]
        assert Tag.objects.count() == 30

    @pytest.mark.parametrize("ways", [("create", "create"), ("update", "update"), ("create", "update")])
    def test_concurrent_tags_in_opposite_order_do_not_deadlock(self, admin_client, ways):
        """Two writers are held up at a word in the middle of their lists, having written the first ones."""
        if connection.vendor != "postgresql":
            pytest.skip("SQLite has one writer at a time")

        for turn in range(6):
            words = [f"{letter}{turn}" for letter in "abcmxyz"]
            with ThreadPoolExecutor(2) as pool, transaction.atomic():
                Tag.objects.create(name=f"m{turn}")
                futures = [
                    pool.submit(in_thread, self.write, admin_client, way, tags)
                    for way, tags in zip(ways, (words, words[::-1]), strict=True)
                ]
                wait_until_waiting(2)
                transaction.set_rollback(True)

            assert {future.result().status_code for future in futures} <= {200, 201}
        assert Tag.objects.count() == 6 * 7


class TestUpdates:
    def test_concurrent_updates_of_different_fields_lose_nothing(self, admin_client):
        user = make_user(addresses=[address()])
        changes: list[dict] = [
            {"first_name": "Ada"},
            {"last_name": "Lovelace"},
            {"language": "fr"},
            {"is_blocked": True},
            {"tags": ["vip"]},
            {"ip": "::1"},
        ]

        for _ in range(3):
            at_once(
                [lambda body=body: admin_client.patch(user_url(user), body) for body in changes]
                + [lambda: admin_client.post(addresses_url(user), address(phone_number="020 7946 0958"))] * 2
            )

        answer = admin_client.get(user_url(user)).json()
        for body in changes:
            for name, value in body.items():
                assert answer[name] == value

    def test_concurrent_first_address_and_name_update_keep_the_name(self, admin_client):
        for number in range(5):
            user = make_user(email=f"race-{number}@example.com")

            at_once(
                [
                    lambda user=user: admin_client.patch(
                        user_url(user), {"last_name": "Lovelace", "accepts_marketing": True}
                    ),
                    lambda user=user: make_address(user, first_name="Ada"),
                ]
            )

            user.refresh_from_db()
            assert (user.first_name, user.last_name, user.accepts_marketing) == ("Ada", "Lovelace", True)
