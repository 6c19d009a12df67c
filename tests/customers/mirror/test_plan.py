"""What a plan decides, without a database: conflicts, outdated states, emails that move, erasing."""

from datetime import UTC, datetime, timedelta

import pytest

from customers.mirror.models import MirroredCustomer
from customers.mirror.payload import RemoteAddress, RemoteCustomer, parse_customer
from customers.mirror.plan import (
    Conflict,
    ConflictReason,
    Create,
    Erase,
    FreeEmail,
    Keep,
    SkipStaff,
    Snapshot,
    Update,
    make_plan,
    plan_erasure,
)
from customers.models import User
from tests.support.remote_payloads import erased_json

pytestmark = pytest.mark.once

STORE, OTHER_STORE = 1, 2
ADA, GRACE, MARY = 5001, 5002, 5003
NOW = datetime(2026, 6, 1, tzinfo=UTC)
EARLIER, LATER = NOW - timedelta(hours=1), NOW + timedelta(hours=1)


def remote(id: int = ADA, **fields) -> RemoteCustomer:
    """A customer of the store."""
    return RemoteCustomer(id, {"email": f"{id}@live.example", **fields})


def local(id: int = ADA, **fields) -> User:
    """A customer here."""
    return User(pk=id, **{"email": f"{id}@live.example", "user_type": "lead", **fields})


def synced(id: int = ADA, *, store_id: int = STORE, synced_as_of: datetime | None = EARLIER, **fields):
    return MirroredCustomer(pk=id, store_id=store_id, synced_as_of=synced_as_of, **fields)


def plan(*customers: RemoteCustomer, users=(), states=(), address_owners=None):
    """The actions of a plan, where `users` and the sync `states` are here. Who has no state is new."""
    by_id = {state.pk: state for state in states}
    snapshot = Snapshot(
        store_id=STORE,
        mirrored={each.id: by_id.get(each.id, synced(each.id, synced_as_of=None)) for each in customers},
        users={user.pk: user for user in users},
        address_owners=address_owners or {},
        email_owners={user.email.lower(): user.pk for user in users if user.email},
        synced={state.pk for state in states if state.store_id == STORE and state.synced_as_of},
    )
    return make_plan(customers, snapshot, as_of=NOW)


class TestSingleCustomer:
    def test_unknown_customer_is_created(self):
        assert plan(remote()) == [Create(remote())]

    def test_mirrored_customer_is_updated(self):
        assert plan(remote(), users=[local()], states=[synced()]) == [Update(remote())]

    def test_state_that_was_requested_earlier_than_the_local_one_is_outdated(self):
        assert plan(remote(), users=[local()], states=[synced(synced_as_of=LATER)]) == [Keep(ADA)]

    def test_staff_account_of_the_store_is_skipped(self):
        assert plan(remote(user_type="dashboard")) == [SkipStaff(ADA)]


class TestConflicts:
    @pytest.mark.parametrize(
        ("users", "states", "reason"),
        [
            ([local()], [], ConflictReason.ID_TAKEN),
            ([local()], [synced(store_id=OTHER_STORE)], ConflictReason.OTHER_STORE),
            ([], [synced(store_id=OTHER_STORE, synced_as_of=None)], ConflictReason.OTHER_STORE),
            ([local(user_type="dashboard")], [synced()], ConflictReason.STAFF),
            ([local(is_superuser=True)], [], ConflictReason.STAFF),
            ([local(7, email="5001@LIVE.example")], [], ConflictReason.EMAIL_TAKEN),
            ([local(7, email="5001@live.example")], [synced(7, store_id=OTHER_STORE)], ConflictReason.EMAIL_TAKEN),
        ],
        ids=[
            "id of a local customer",
            "id of a customer of another store",
            "id that another store claimed",
            "id of staff",
            "id of the owner",
            "email of a local customer",
            "email of a customer of another store",
        ],
    )
    def test_conflict_with_somebody_who_is_not_mirrored(self, users, states, reason):
        assert plan(remote(), users=users, states=states) == [Conflict(ADA, reason)]

    def test_conflict_with_the_address_of_another_customer(self):
        customer = RemoteCustomer(ADA, {}, addresses=(RemoteAddress(1, {}), RemoteAddress(2, {})))

        assert plan(customer, address_owners={1: ADA, 2: 7}) == [Conflict(ADA, ConflictReason.ADDRESS_TAKEN)]
        assert plan(customer, address_owners={1: ADA}) == [Create(customer)]

    def test_same_person_of_a_restored_dump_is_no_conflict(self):
        customer = remote(date_joined=EARLIER)

        assert plan(customer, users=[local(date_joined=EARLIER)]) == [Update(customer)]
        assert plan(customer, users=[local(date_joined=NOW)]) == [Conflict(ADA, ConflictReason.ID_TAKEN)]

    def test_conflict_takes_no_email_from_anybody(self):
        customers = [remote(MARY, email="5001@live.example")]
        users, states = [local(), local(MARY)], [synced()]

        assert plan(*customers, users=users, states=states) == [Conflict(MARY, ConflictReason.ID_TAKEN)]


class TestEmails:
    def test_email_of_another_mirrored_customer_is_freed(self):
        taker = remote(GRACE, email="5001@LIVE.example")

        assert plan(taker, users=[local()], states=[synced()]) == [
            FreeEmail(ADA, "5001@live.example", refresh=True),
            Create(taker),
        ]

    def test_emails_that_are_swapped_on_one_page_are_freed_without_a_refresh(self):
        customers = [remote(ADA, email="5002@live.example"), remote(GRACE, email="5001@live.example")]
        users, states = [local(ADA), local(GRACE)], [synced(ADA), synced(GRACE)]

        assert plan(*customers, users=users, states=states) == [
            FreeEmail(GRACE, "5002@live.example", refresh=False),
            FreeEmail(ADA, "5001@live.example", refresh=False),
            *[Update(customer) for customer in customers],
        ]

    def test_email_is_freed_with_a_refresh_if_the_owner_is_a_conflict_on_the_same_page(self):
        customers = [remote(ADA, email="mine@example.com"), remote(GRACE, email="5001@live.example")]
        users, states = [local(ADA), local(7, email="mine@example.com")], [synced(ADA)]

        assert plan(*customers, users=users, states=states) == [
            Conflict(ADA, ConflictReason.EMAIL_TAKEN),
            FreeEmail(ADA, "5001@live.example", refresh=True),
            Create(customers[1]),
        ]

    def test_email_that_two_customers_of_a_page_have_goes_to_the_first(self):
        customers = [remote(ADA, email="same@live.example"), remote(GRACE, email="SAME@live.example")]

        assert plan(*customers) == [Conflict(GRACE, ConflictReason.EMAIL_TAKEN), Create(customers[0])]


class TestErasing:
    ERASED = parse_customer(erased_json(orders_count=2))

    def test_erased_customer_is_erased_and_keeps_the_counters(self):
        actions = plan(self.ERASED, users=[local()], states=[synced()])

        assert actions == [Erase(ADA), Update(self.ERASED.without_personal_data())]
        assert actions[1].customer.fields["orders_count"] == 2
        assert "email" not in actions[1].customer.fields

    def test_erased_customer_is_erased_once(self):
        actions = plan(self.ERASED, users=[local(email=None)], states=[synced(is_erased=True)])

        assert actions == [Update(self.ERASED.without_personal_data())]

    def test_unknown_erased_customer_is_created(self):
        assert plan(self.ERASED) == [Create(self.ERASED)]

    def test_late_state_of_an_erased_customer_brings_no_personal_data_back(self):
        late = remote(first_name="Ada", orders_count=3)

        actions = plan(late, users=[local(email=None)], states=[synced(is_erased=True)])

        assert actions == [Update(RemoteCustomer(ADA, {"orders_count": 3}, addresses=()))]

    def test_customer_who_was_erased_before_they_came_is_not_created(self):
        assert plan(remote(), states=[synced(synced_as_of=None, is_erased=True)]) == [Keep(ADA)]

    @pytest.mark.parametrize(
        ("mirrored", "user", "action"),
        [
            (synced(), local(), Erase(ADA)),
            (synced(synced_as_of=None), None, Erase(ADA)),
            (synced(is_erased=True), local(), Keep(ADA)),
            (synced(synced_as_of=None), local(), Conflict(ADA, ConflictReason.ID_TAKEN)),
            (synced(store_id=OTHER_STORE), local(), Conflict(ADA, ConflictReason.OTHER_STORE)),
        ],
        ids=["mirrored", "unknown", "erased before", "local customer", "customer of another store"],
    )
    def test_event_that_a_customer_was_erased(self, mirrored, user, action):
        assert plan_erasure(ADA, STORE, mirrored, user) == action
