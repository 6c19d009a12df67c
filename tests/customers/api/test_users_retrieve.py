import pytest
from rest_framework.serializers import Serializer

from customers.api.resources.addresses import AddressSerializer
from customers.api.resources.users import UserRepresentation, UserSerializer
from customers.models import User
from tests.customers.api.test_users_create import EVERY_FIELD
from tests.support.clients import USERS, user_url
from tests.support.factories import make_user


class TestRetrieveUser:
    def test_retrieve_user_returns_fields_and_addresses(self, admin_client, ada, ada_address):
        response = admin_client.get(user_url(ada))

        assert response.status_code == 200
        assert response.json()["email"] == "ada@lovelace.example"
        assert [each["id"] for each in response.json()["addresses"]] == [ada_address.pk]

    def test_retrieve_user_takes_three_queries(self, admin_client, ada, django_assert_num_queries):
        with django_assert_num_queries(3):  # token, user, addresses
            admin_client.get(user_url(ada))

    def test_retrieve_user_finds_staff(self, admin_client, owner):
        answer = admin_client.get(user_url(owner)).json()

        assert (answer["user_type"], answer["email"]) == ("dashboard", "owner@store.example")

    def test_retrieve_user_has_no_secret_fields(self, admin_client, owner):
        owner.set_password("correct horse battery staple")
        owner.save()

        answer = admin_client.get(user_url(owner)).json()

        assert set(answer) == {
            "id", "email", "first_name", "last_name", "phone_number", "language", "user_type", "accepts_marketing",
            "is_blocked",
            "ip", "user_agent", "tags", "metadata", "orders_count", "subscriptions_count", "total_spent",
            "date_joined", "addresses",
        }  # fmt: skip

    def test_head_of_a_user_has_headers_and_no_body(self, admin_client, ada):
        response = admin_client.head(user_url(ada))

        assert response.status_code == 200
        assert response.content == b""
        assert response.headers["ETag"]


class TestRepresentation:
    """What is written by hand is what the declared fields would give."""

    @pytest.mark.parametrize("zone", ["UTC", "Asia/Bangkok", "America/St_Johns"])
    def test_user_representation_equals_that_of_the_declared_fields(self, admin_client, settings, zone):
        settings.TIME_ZONE = zone
        full = admin_client.post(USERS, EVERY_FIELD).json()
        User.objects.filter(pk=full["id"]).update(orders_count=3, subscriptions_count=1, total_spent="1234567890.50")

        for user in [User.objects.get(pk=full["id"]), make_user(), make_user(email="no@ms.example")]:
            user.date_joined = user.date_joined.replace(microsecond=0 if user.email == "no@ms.example" else 1)

            by_hand = UserRepresentation.from_model(user)

            declared = UserSerializer().to_representation(user)
            assert list(by_hand.items()) == list(declared.items())

    def test_address_representation_equals_that_of_the_declared_fields(self, admin_client):
        admin_client.post(USERS, EVERY_FIELD)

        for address in User.objects.get(user_type="lead").addresses.all():
            by_hand = AddressSerializer().to_representation(address)

            declared = Serializer.to_representation(AddressSerializer(), address)
            assert list(by_hand.items()) == list(declared.items())

    def test_date_joined_is_in_the_time_zone_of_the_store(self, admin_client, settings, ada):
        settings.TIME_ZONE = "Asia/Bangkok"

        assert admin_client.get(user_url(ada)).json()["date_joined"].endswith("+07:00")
