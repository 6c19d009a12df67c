"""What the database itself promises, without serializers and services; and how members of staff are made."""

import pytest
from django.db import IntegrityError, connection, transaction

from customers.models import Address, Tag, User
from customers.validation import EmailTaken
from tests.support.factories import address, make_user

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("other", ["ada@example.com", "ADA@EXAMPLE.COM"])
def test_database_rejects_duplicate_email_ignoring_case(other):
    User.objects.create(email="Ada@example.com")

    with pytest.raises(IntegrityError, match="email_key"):
        User.objects.create(email=other)


def test_database_accepts_many_people_without_email():
    User.objects.create(email=None)
    User.objects.create(email=None)

    assert User.objects.filter(email=None).count() == 2


@pytest.mark.parametrize("flag", ["is_default_for_shipping", "is_default_for_billing"])
def test_database_rejects_second_default_address(flag):
    user = make_user()
    Address.objects.create(user=user, **address(**{flag: True}))
    Address.objects.create(user=make_user(), **address(**{flag: True}))

    with pytest.raises(IntegrityError):
        Address.objects.create(user=user, **address(**{flag: True}))


@pytest.mark.parametrize("counter", ["orders_count", "subscriptions_count", "total_spent"])
def test_database_rejects_negative_counter(counter):
    user = make_user()

    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.filter(pk=user.pk).update(**{counter: -1})


def test_database_rejects_address_without_person():
    @transaction.atomic
    def create():
        Address.objects.create(user_id=987_654_321, **address())
        connection.check_constraints()  # the database does so itself at the end of a transaction

    with pytest.raises(IntegrityError):
        create()


def test_database_rejects_duplicate_tag():
    Tag.objects.create(name="vip")

    with pytest.raises(IntegrityError):
        Tag.objects.create(name="vip")


@pytest.mark.parametrize(("user_type", "is_staff"), [("lead", False), ("customer", False), ("dashboard", True)])
def test_database_derives_is_staff_from_user_type(user_type, is_staff):
    user = User.objects.create(email="ada@example.com", user_type=user_type)

    assert user.is_staff is is_staff
    assert User.objects.filter(is_staff=is_staff).get() == user


class TestCreateStaff:
    def test_create_staff_makes_a_member_who_cannot_sign_in_yet(self):
        member = User.objects.create_staff("mia@store.example", first_name="Mia  Ann", last_name="Okafor")

        assert (member.is_staff, member.is_superuser, member.has_usable_password()) == (True, False, False)
        assert member.get_full_name() == "Mia Ann Okafor"

    def test_create_staff_rejects_duplicate_email_ignoring_case(self):
        make_user(email="Mia@store.example")

        with pytest.raises(EmailTaken):
            User.objects.create_staff("mia@store.example")
        assert User.objects.count() == 1
