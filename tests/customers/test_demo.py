import re
from datetime import timedelta
from io import StringIO

import phonenumbers
import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from customers.dashboard import statistics
from customers.management.commands.quickstart import FIRST_CUSTOMER
from customers.models import Address, Customer, Event, Note, StaffMember, User
from customers.orders.models import Order
from customers.orders.services import record_order, record_subscription
from customers.privacy.erasure import erase
from oauth import api_usage
from oauth.actor import SYSTEM
from oauth.scopes import Scope
from tests.support.clients import user_url
from tests.support.factories import make_user
from tests.support.order_documents import order, published, subscription

pytestmark = pytest.mark.django_db

NUMBER = 120


def demo(*options, **named) -> str:
    said = StringIO()
    call_command("demo", *options, stdout=said, **{"customers": NUMBER, **named})
    return said.getvalue()


class TestDemo:
    def test_fills_a_store_with_people_who_do_not_exist(self):
        said = demo()

        people = Customer.objects.all()
        assert said.startswith(f"{NUMBER} people who do not exist, {Order.objects.count()} orders and ")
        assert all(re.fullmatch(r"[a-z0-9.]+@(mail|post|inbox)\.example", person.email) for person in people)
        assert {person.user_type for person in people} == {"lead", "customer"}
        assert len({address.country for address in Address.objects.all()}) > 4
        assert all(person.date_joined < timezone.now() for person in people)
        assert Note.objects.exists()

    def test_gives_phone_numbers_that_could_be_ones(self):
        demo()

        numbers = Address.objects.exclude(phone_number="").values_list("phone_number", flat=True)
        assert len(numbers) > 20
        assert all(phonenumbers.is_possible_number(phonenumbers.parse(number)) for number in numbers)

    def test_lets_everything_happen_in_its_time(self):
        demo()

        for event in Event.objects.select_related("user"):
            assert event.user.date_joined <= event.at <= event.user.updated_at
        for each in Order.objects.select_related("user"):
            assert each.user.date_joined <= each.date_placed < timezone.now()
        assert not Note.objects.filter(created_at__gte=timezone.now() - timedelta(seconds=1)).exists()

    def test_fills_the_charts_of_the_home_page(self):
        demo()

        since = statistics.start_of(timezone.localdate() - timedelta(days=29))
        assert all(statistics.joined_within(statistics.last_months(timezone.localdate())))
        assert statistics.buyers_since(since).new
        assert statistics.leads_turned_customers_since(since)
        assert len(api_usage.calls_by_app(since)) == 4

    def test_makes_the_same_people_of_the_same_seed(self):
        def told() -> list:
            names = ("email", "first_name", "phone_number", "tags", "metadata", "orders_count", "addresses__line1")
            return list(Customer.objects.order_by("email", "addresses__id").values_list(*names))

        demo()
        first = told()
        for model in (Note, Order, Customer):
            model.objects.all().delete()
        demo()

        assert told() == first

    def test_adds_nothing_a_second_time(self):
        demo()
        before = (User.objects.count(), Order.objects.count(), Event.objects.count())

        said = demo()

        assert said == f"The demo's people are there ({NUMBER}). Nothing was added.\n"
        assert (User.objects.count(), Order.objects.count(), Event.objects.count()) == before

    def test_refuses_a_store_with_customers_of_its_own(self):
        make_user(email="grace@hopper.example")

        with pytest.raises(CommandError, match="has customers of its own"):
            demo()
        assert Customer.objects.count() == 1

    def test_counts_a_customer_who_was_erased_as_the_stores_own(self):
        erase(make_user().pk, by=SYSTEM)

        with pytest.raises(CommandError, match="has customers of its own"):
            demo()

    def test_fills_such_a_store_if_told_and_leaves_its_customers_alone(self):
        grace = make_user(email="grace@hopper.example")

        demo("--force")

        assert Customer.objects.count() == NUMBER + 1
        assert Event.objects.get(user=grace).at > timezone.now() - timedelta(minutes=1)
        assert User.objects.get(pk=grace.pk).updated_at == grace.updated_at

    def test_leaves_orders_and_subscriptions_of_such_a_store_alone(self):
        grace = make_user(email="grace@hopper.example")
        record_order(user_id=grace.pk, document=order(number="10001"))
        record_subscription(user_id=grace.pk, document=subscription(id=1))

        demo("--force")

        assert (grace.orders.count(), grace.subscriptions.count()) == (1, 1)

    def test_takes_the_customer_of_the_first_steps_for_none(self):
        make_user(**FIRST_CUSTOMER)

        demo()

        assert Customer.objects.count() == NUMBER + 1

    def test_makes_colleagues_who_cannot_sign_in(self):
        demo()

        assert [member.has_usable_password() for member in StaffMember.objects.all()] == [False] * 3

    def test_reports_orders_as_the_api_publishes_them(self, api):
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
