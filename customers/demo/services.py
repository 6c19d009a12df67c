"""Fills a store with generated customers and their past: orders, subscriptions, notes, changes, calls of apps.

It writes through the services, in bulk, and then moves what was recorded to the time at which it should have happened.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from random import Random

from django.db import transaction
from django.db.models import F, Max, Min, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from customers import insertion, services
from customers.demo import reports
from customers.demo.people import EMAIL_HOSTS, Person, people
from customers.demo.world import STORE_CURRENCY
from customers.jobs.imports.rows import parse_row
from customers.jobs.imports.values import Rules
from customers.metadata.services import bindings
from customers.models import Customer, Event, Note, StaffMember, User
from customers.orders.models import Order, Subscription
from customers.orders.services import record_new
from customers.store.models import default_currencies
from customers.store.services import change_details, get_details
from oauth.accounts import staff
from oauth.actor import SYSTEM, Actor
from oauth.models import DEFAULT_API_VERSION, AccessToken, ApiUsage, App
from oauth.scopes import Scope
from oauth.tokens import issue_personal_token

TOTAL = 5_000
SEED = 1
BATCH = 500
FIRST_ORDER = 10_001
# These addresses receive no email, and the accounts have no password, so nobody can sign in with them.
COLLEAGUES = [
    ("mia@staff.example", "Mia", "Okafor", staff.Role.STAFF),
    ("jonas@staff.example", "Jonas", "Weber", staff.Role.STAFF),
    ("vera@staff.example", "Vera", "Lindqvist", staff.Role.VIEWER),
]
# Names of apps, each with its average number of calls an hour.
APPS = {"Warehouse": 60, "Newsletter": 25, "Accounting": 8, "Café till": 3}
NOTES = (
    "Asked whether the grinder can be repaired. Sent the spare parts list.",
    "Prefers delivery on Saturdays; the bell does not work, please knock.",
    "Called about a damaged parcel, sent a new bag at no cost.",
    "Runs a small café around the corner, may want wholesale prices.",
    "Birthday in May. Likes light roasts.",
    "Wants invoices by email and by post.",
)
HOURS = 30 * 24

# Called with the name of a step, and how much of how much is done.
OnProgress = Callable[[str, int, int], None]


def count_demo_customers() -> int:
    return Customer.objects.filter(_is_generated()).count()


def count_other_customers(but: str) -> int:
    """Customers that were not generated, without the one who has the email `but`."""
    return Customer.objects.exclude(_is_generated()).exclude(email=but).count()


def _is_generated() -> Q:
    hosts = Q()
    for host in EMAIL_HOSTS:
        hosts |= Q(email__endswith=f"@{host}")
    return hosts & ~Q(email=None)


@transaction.atomic
def fill(total: int, seed: int, on_progress: OnProgress) -> None:
    """Writes all or nothing."""
    Filling(total, seed, on_progress).run()


class Filling:
    def __init__(self, total: int, seed: int, on_progress: OnProgress):
        self.random = Random(seed)  # noqa: S311  no secrets
        self.now = timezone.now()
        self.people = list(people(total, self.random, self.now))
        self.on_progress = on_progress
        self.ids: dict[str, int] = {}
        self.order_number = FIRST_ORDER
        # After those of the store, which a document with the same id would replace.
        self.subscription_id = (Subscription.objects.aggregate(last=Max("external_id"))["last"] or 0) + 1

    def run(self) -> None:
        self.choose_currencies()
        self.insert_people()
        self.invite_colleagues()
        self.record_orders()
        self.change_people()
        self.register_apps()

    def choose_currencies(self) -> None:
        """Puts the currency of the generated orders first, unless somebody has chosen the store's currencies."""
        details = get_details()
        if details.currencies == default_currencies():
            change_details(currencies=[STORE_CURRENCY, *details.currencies])

    def customers(self) -> QuerySet[Customer]:
        return Customer.objects.filter(pk__in=Customer.objects.filter(_is_generated()).values("pk"))

    def batches(self, step: str) -> Iterator[list[Person]]:
        for start in range(0, len(self.people), BATCH):
            yield self.people[start : start + BATCH]
            self.on_progress(step, min(start + BATCH, len(self.people)), len(self.people))

    def insert_people(self) -> None:
        rules = Rules(bindings())
        for batch in self.batches("customers"):
            rows = [parse_row(person.row, rules) for person in batch]
            insertion.insert_users([row.customer for row in rows], SYSTEM)
        self.customers().update(updated_at=F("date_joined"))
        joined = Customer.objects.filter(pk=OuterRef("user_id")).values("date_joined")
        Event.objects.filter(user__in=self.customers().values("pk")).update(at=Subquery(joined))
        self.ids = {customer.email or "": customer.pk for customer in self.customers().only("email")}

    def invite_colleagues(self) -> None:
        for email, first, last, role in COLLEAGUES:
            if not StaffMember.objects.filter(email=email).exists():
                staff.invite(email=email, first_name=first, last_name=last, role=role, by=SYSTEM)
        self.colleague = Actor(user_id=StaffMember.objects.get(email=COLLEAGUES[0][0]).pk)

    def record_orders(self) -> None:
        for batch in self.batches("orders and subscriptions"):
            orders, subscriptions = [], []
            for person in batch:
                user_id = self.ids[person.row["email"]]
                for placed in person.orders:
                    document = reports.order(self.order_number, person, placed, self.random, self.now)
                    orders.append((user_id, document))
                    self.order_number += 1
                if person.subscribes:
                    document = reports.subscription(
                        self.subscription_id, person, person.orders[0], self.random, self.now
                    )
                    subscriptions.append((user_id, document))
                    self.subscription_id += 1
            record_new(orders, subscriptions)
        first_orders = Order.objects.filter(user=OuterRef("user_id")).successful().order_by().values("user")
        became_customers = Event.objects.filter(user__in=self.customers().values("pk"), at__gte=self.now)
        became_customers.update(at=Subquery(first_orders.annotate(first=Min("date_placed")).values("first")))

    def change_people(self) -> None:
        """Notes, and changes by staff, some time after a person joined."""
        changes: dict[int, dict[str, bool]] = {}
        updated = {self.ids[person.row["email"]]: max([person.joined, *person.orders]) for person in self.people}
        joined = {self.ids[person.row["email"]]: person.joined for person in self.people}
        for batch in self.batches("notes and changes"):
            for person in batch:
                user_id = self.ids[person.row["email"]]
                if self.random.random() < 0.08:
                    note = services.add_note(user_id, message=self.random.choice(NOTES), by=self.colleague)
                    at = self.moment_since(person.joined)
                    Note.objects.filter(pk=note.pk).update(created_at=at, updated_at=at)
                if self.random.random() < 0.05:
                    changes.setdefault(user_id, {})["accepts_marketing"] = not person.row["accepts_marketing"]
                if self.random.random() < 0.012:
                    changes.setdefault(user_id, {})["is_blocked"] = True
        services.change_users(changes, by=self.colleague, values=lambda user: changes[user.pk])
        for event in Event.objects.filter(user__in=changes, at__gte=self.now).order_by("id"):
            at = self.moment_since(joined[event.user_id])
            updated[event.user_id] = max(updated[event.user_id], at)
            Event.objects.filter(pk=event.pk).update(at=at)
        users = [User(pk=user_id, updated_at=at) for user_id, at in updated.items()]
        User.objects.bulk_update(users, ["updated_at"], batch_size=BATCH)

    def moment_since(self, moment: datetime) -> datetime:
        return moment + (self.now - moment) * self.random.random()

    def register_apps(self) -> None:
        owner = User.objects.get(pk=self.colleague.user_id)
        hour = self.now.replace(minute=0, second=0, microsecond=0)
        for name, calls in APPS.items():
            if App.objects.filter(kind=App.Kind.PRIVATE, name=name).exists():
                continue  # the store's own
            issue_personal_token(app_name=name, scopes=[Scope.USERS_READ], owner=owner)
            app = App.objects.get(kind=App.Kind.PRIVATE, name=name)
            AccessToken.objects.filter(application=app).update(
                last_used_at=hour, last_used_version=DEFAULT_API_VERSION, last_used_ip="203.0.113.7"
            )
            ApiUsage.objects.bulk_create(
                ApiUsage(app=app, hour=hour - timedelta(hours=back), calls=self.random.randrange(calls * 2))
                for back in range(HOURS)
            )
