import re
from datetime import timedelta
from io import StringIO

import phonenumbers
import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from customers.dashboard import periods, statistics
from customers.management.commands.quickstart import FIRST_CUSTOMER
from customers.models import Address, Customer, Event, Note, StaffMember, User
from customers.orders.models import Order
from customers.orders.services import record_order, record_subscription
from customers.privacy.erasure import erase
from customers.store.services import change_details, get_details
from oauth import api_usage
from oauth.actor import SYSTEM
from oauth.scopes import Scope
from tests.support.clients import user_url
from tests.support.factories import make_user
from tests.support.order_documents import order, published, subscription

pytestmark = pytest.mark.django_db

NUMBER = 120


def demo(*options, stderr=None) -> str:
    out = StringIO()
    call_command("demo", *options, customers=NUMBER, stdout=out, stderr=stderr or StringIO())
    return out.getvalue()


class TestDemo:
    def test_demo_fills_a_store_with_generated_customers(self):
        out = demo()

        people = Customer.objects.all()
        assert out.startswith(f"Added {NUMBER} generated customers, {Order.objects.count()} orders and ")
        assert all(re.fullmatch(r"[a-z0-9.]+@(mail|post|inbox)\.example", person.email) for person in people)
        assert {person.user_type for person in people} == {"lead", "customer"}
        assert len({address.country for address in Address.objects.all()}) > 4
        assert all(person.date_joined < timezone.now() for person in people)
        assert Note.objects.exists()

    def test_demo_keeps_the_currencies_that_a_store_has_chosen(self):
        change_details(currencies=["GBP"])
        demo()
        assert get_details().currencies == ["GBP"]

    def test_demo_chooses_the_currency_of_a_store_that_has_chosen_none(self):
        demo()

        assert {get_details().currencies[0]} == set(Order.objects.values_list("currency", flat=True))

    def test_demo_generates_valid_phone_numbers_that_nobody_shares(self):
        demo()

        numbers = Address.objects.exclude(phone_number="").values_list("phone_number", flat=True)
        assert len(numbers) > 20
        assert all(phonenumbers.is_valid_number(phonenumbers.parse(number)) for number in numbers)
        assert len(numbers) == len(set(numbers))

    def test_demo_puts_everything_at_a_plausible_time(self):
        demo()

        for event in Event.objects.select_related("user"):
            assert event.user.date_joined <= event.at <= event.user.updated_at
        for each in Order.objects.select_related("user"):
            assert each.user.date_joined <= each.date_placed < timezone.now()
        assert not Note.objects.filter(created_at__gte=timezone.now() - timedelta(seconds=1)).exists()

    def test_demo_fills_the_charts_of_the_home_page(self):
        demo()

        since = timezone.now() - timedelta(days=29)
        months = periods.months(12, timezone.localdate())
        assert all(statistics.joined_within([month.moments for month in months]))
        assert statistics.buyers_within((since, timezone.now())).new
        assert len(api_usage.calls_by_app(since)) == 4

    def test_demo_generates_the_same_customers_from_the_same_seed(self):
        def customers() -> list:
            names = ("email", "first_name", "phone_number", "tags", "metadata", "orders_count", "addresses__line1")
            return list(Customer.objects.order_by("email", "addresses__id").values_list(*names))

        demo()
        first = customers()
        for model in (Note, Order, Customer):
            model.objects.all().delete()
        demo()

        assert customers() == first

    def test_demo_adds_nothing_a_second_time(self):
        demo()
        before = (User.objects.count(), Order.objects.count(), Event.objects.count())

        out = demo()

        assert out == f"The generated customers exist already ({NUMBER}). Nothing was added.\n"
        assert (User.objects.count(), Order.objects.count(), Event.objects.count()) == before

    def test_demo_rejects_a_store_with_customers_of_its_own(self):
        make_user(email="grace@hopper.example")

        with pytest.raises(CommandError, match="has customers of its own"):
            demo()
        assert Customer.objects.count() == 1

    def test_demo_rejects_a_store_with_an_erased_customer(self):
        erase(make_user().pk, by=SYSTEM)

        with pytest.raises(CommandError, match="has customers of its own"):
            demo()

    def test_force_adds_demo_and_leaves_other_customers_alone(self):
        grace = make_user(email="grace@hopper.example")

        demo("--force")

        assert Customer.objects.count() == NUMBER + 1
        assert Event.objects.get(user=grace).at > timezone.now() - timedelta(minutes=1)
        assert User.objects.get(pk=grace.pk).updated_at == grace.updated_at

    def test_force_leaves_orders_and_subscriptions_alone(self):
        grace = make_user(email="grace@hopper.example")
        record_order(user_id=grace.pk, document=order(number="10001"))
        record_subscription(user_id=grace.pk, document=subscription(id=1))

        demo("--force")

        assert (grace.orders.count(), grace.subscriptions.count()) == (1, 1)

    def test_demo_ignores_the_first_customer_of_quickstart(self):
        make_user(**FIRST_CUSTOMER)

        demo()

        assert Customer.objects.count() == NUMBER + 1

    def test_demo_makes_staff_who_cannot_sign_in(self):
        demo()

        assert [member.has_usable_password() for member in StaffMember.objects.all()] == [False] * 3

    def test_demo_orders_match_the_published_schema(self, api):
        demo()
        buyer = Customer.objects.filter(orders_count__gt=1, subscriptions_count__gt=0).first()

        client = api(Scope.USERS_READ, Scope.ORDERS_READ, Scope.SUBSCRIPTIONS_READ)
        orders = client.get(f"{user_url(buyer)}orders/").json()
        subscriptions = client.get(f"{user_url(buyer)}subscriptions/").json()

        for each in orders:
            published("UserOrderInline", "2024-04-01").validate(each)
        for each in subscriptions:
            published("Subscription", "2024-04-01").validate(each)
        assert orders
        assert subscriptions

    def test_demo_shows_the_progress_of_each_step(self):
        err = StringIO()

        demo(stderr=err)

        assert err.getvalue().splitlines() == [
            "Done: database tables.",
            "Done: customers.",
            "Done: orders and subscriptions.",
            "Done: notes and changes.",
        ]
