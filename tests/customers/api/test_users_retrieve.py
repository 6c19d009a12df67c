import pytest
from rest_framework.serializers import Serializer

from customers.api.renderers import to_json
from customers.api.resources.addresses import AddressSerializer
from customers.api.resources.users import UserRepresentation, UserSerializer
from customers.models import User
from tests.customers.api.test_users_create import EVERY_FIELD
from tests.support.clients import USERS, user_url
from tests.support.factories import address, make_user


class TestRetrieveUser:
    def test_retrieve_user_returns_fields_and_addresses(self, admin_client, ada, ada_address):
        response = admin_client.get(user_url(ada))

        assert response.status_code == 200
        assert response.json()["email"] == "ada@lovelace.example"
        assert [each["id"] for each in response.json()["addresses"]] == [ada_address.pk]

    def test_retrieve_user_takes_two_queries(self, admin_client, ada, django_assert_num_queries):
        with django_assert_num_queries(2):  # token, user with addresses
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


def by_models(user: User) -> dict:
    return UserRepresentation.from_columns(vars(user), map(vars, user.addresses.order_by("id")))


class TestRepresentation:
    """What is written by hand is what the declared fields would give."""

    @pytest.mark.parametrize("zone", ["UTC", "Asia/Bangkok", "America/St_Johns"])
    def test_user_representation_equals_that_of_the_declared_fields(self, admin_client, settings, zone):
        settings.TIME_ZONE = zone
        full = admin_client.post(USERS, EVERY_FIELD).json()
        User.objects.filter(pk=full["id"]).update(orders_count=3, subscriptions_count=1, total_spent="1234567890.50")

        for user in [User.objects.get(pk=full["id"]), make_user(), make_user(email="no@ms.example")]:
            user.date_joined = user.date_joined.replace(microsecond=0 if user.email == "no@ms.example" else 1)

            by_hand = by_models(user)

            declared = UserSerializer().to_representation(user)
            assert list(by_hand.items()) == list(declared.items())

    def test_rows_of_one_statement_equal_the_representation_of_the_objects(self, db):
        odd = make_user(
            addresses=[address(line1='"\\ é 漢 \U0001d11e \u2028', notes="two\nlines\t\x1f\x7f"), address()]
        )
        people = [odd, make_user(addresses=[]), make_user(addresses=[address(is_default_for_billing=True)])]

        read = {each["id"]: each for each in UserRepresentation.from_ids(*(user.pk for user in people))}

        for user in people:
            assert to_json(read[user.pk]) == to_json(by_models(user))

    def test_address_representation_equals_that_of_the_declared_fields(self, admin_client):
        admin_client.post(USERS, EVERY_FIELD)

        for each in User.objects.get(user_type="lead").addresses.all():
            by_hand = AddressSerializer().to_representation(each)

            declared = Serializer.to_representation(AddressSerializer(), each)
            assert list(by_hand.items()) == list(declared.items())

    def test_date_joined_is_in_the_time_zone_of_the_store(self, admin_client, settings, ada):
        settings.TIME_ZONE = "Asia/Bangkok"

        assert admin_client.get(user_url(ada)).json()["date_joined"].endswith("+07:00")
