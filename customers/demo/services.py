"""Fills a store as its own doors would: people by the import's, the rest by the services, each at a moment gone by."""

from datetime import datetime, timedelta
from random import Random

from django.db import transaction
from django.db.models import F, Max, OuterRef, Q, Subquery
from django.utils import timezone

from customers import insertion, services
from customers.demo import reports
from customers.demo.people import EMAIL_HOSTS, Person, people
from customers.jobs.imports.rows import parse_row
from customers.metadata.services import bindings
from customers.models import Customer, Event, Note, StaffMember, User
from customers.orders.models import Subscription
from customers.orders.services import record_order, record_subscription
from oauth.accounts import staff
from oauth.actor import SYSTEM, Actor
from oauth.models import ApiUsage, App
from oauth.scopes import Scope
from oauth.tokens import issue_personal_token

TOTAL = 5_000
SEED = 1
FIRST_ORDER = 10_001
# No email arrives there, and they have no password: nobody signs in as them.
COLLEAGUES = [
    ("mia@staff.example", "Mia", "Okafor", staff.Role.STAFF),
    ("jonas@staff.example", "Jonas", "Weber", staff.Role.STAFF),
    ("vera@staff.example", "Vera", "Lindqvist", staff.Role.VIEWER),
]
# Names of apps, each with about so many calls an hour.
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


def are_there() -> int:
    """How many of the demo's people the store has."""
    return Customer.objects.filter(_of_the_demo()).count()


def others(but: str) -> int:
    """How many customers it has who are not the demo's, nor have the email `but`."""
    return Customer.objects.exclude(_of_the_demo()).exclude(email=but).count()


def _of_the_demo() -> Q:
    hosts = Q()
    for host in EMAIL_HOSTS:
        hosts |= Q(email__endswith=f"@{host}")
    return hosts & ~Q(email=None)


@transaction.atomic
def fill(total: int, seed: int) -> None:
    """In one transaction: a demo is there as a whole, or not at all."""
    Filling(Random(seed), timezone.now()).run(total)  # noqa: S311  no secrets


class Filling:
    def __init__(self, random: Random, now: datetime):
        self.random, self.now = random, now
        self.order_number = FIRST_ORDER
        # After the store's own: reporting a known one would replace it.
        self.subscription_id = (Subscription.objects.aggregate(last=Max("external_id"))["last"] or 0) + 1

    def run(self, total: int) -> None:
        everybody = list(people(total, self.random, self.now))
        bound = bindings()
        insertion.insert_users(
            [parse_row(line, each.row, bound).customer for line, each in enumerate(everybody)], SYSTEM
        )
        # As if each had come when they joined.
        demo = Customer.objects.filter(_of_the_demo())
        demo.update(updated_at=F("date_joined"))
        joined = demo.filter(pk=OuterRef("user_id")).values("date_joined")
        Event.objects.filter(user__in=demo.values("pk")).update(at=Subquery(joined))
        ids = dict(demo.values_list("email", "pk"))
        self.invite_colleagues()
        for person in everybody:
            self.live(ids[person.row["email"]], person)
        self.register_apps()

    def invite_colleagues(self) -> None:
        for email, first, last, role in COLLEAGUES:
            if not StaffMember.objects.filter(email=email).exists():
                staff.invite(email=email, first_name=first, last_name=last, role=role, by=Actor())
        self.colleague = Actor(user_id=StaffMember.objects.get(email=COLLEAGUES[0][0]).pk)

    def live(self, user_id: int, person: Person) -> None:
        """What happened to somebody since they joined."""
        moments = [*person.orders]
        for placed in person.orders:
            document = reports.order(self.order_number, person, placed, self.random, self.now)
            record_order(user_id=user_id, document=document)
            self.put_back(user_id, placed)
            self.order_number += 1
        if person.subscribes:
            document = reports.subscription(self.subscription_id, person, person.orders[0], self.random, self.now)
            record_subscription(user_id=user_id, document=document)
            self.subscription_id += 1
        if self.random.random() < 0.08:
            note = services.add_note(user_id, message=self.random.choice(NOTES), by=self.colleague)
            at = self.since(person.joined)
            Note.objects.filter(pk=note.pk).update(created_at=at, updated_at=at)
        if self.random.random() < 0.05:
            accepts = not person.row["accepts_marketing"]
            services.update_user(user_id, by=self.colleague, accepts_marketing=accepts)
            moments.append(self.put_back(user_id, self.since(person.joined)))
        if self.random.random() < 0.012:
            services.update_user(user_id, by=self.colleague, is_blocked=True)
            moments.append(self.put_back(user_id, self.since(person.joined)))
        if moments:
            User.objects.filter(pk=user_id).update(updated_at=max(moments))

    def since(self, moment: datetime) -> datetime:
        return moment + (self.now - moment) * self.random.random()

    def put_back(self, user_id: int, at: datetime) -> datetime:
        """To when it happened, what was recorded just now."""
        Event.objects.filter(user_id=user_id, at__gte=self.now).update(at=at)
        return at

    def register_apps(self) -> None:
        owner = User.objects.get(pk=self.colleague.user_id)
        hour = self.now.replace(minute=0, second=0, microsecond=0)
        for name, calls in APPS.items():
            if App.objects.filter(kind=App.Kind.PRIVATE, name=name).exists():
                continue  # the store's own
            issue_personal_token(app_name=name, scopes=[Scope.USERS_READ], owner=owner)
            app = App.objects.get(kind=App.Kind.PRIVATE, name=name)
            ApiUsage.objects.bulk_create(
                ApiUsage(app=app, hour=hour - timedelta(hours=back), calls=self.random.randrange(calls * 2))
                for back in range(HOURS)
            )
