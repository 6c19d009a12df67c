"""Which pairs of customers are suggested as one person, and why."""

import pytest
from django.core.management import call_command
from django.utils import timezone

from customers import services
from customers.merging import duplicates
from customers.merging.models import Duplicate, MatchKey, SearchState
from customers.merging.worker import SWEEP_EVERY
from customers.models import User
from oauth.actor import SYSTEM
from oauth.scopes import Scope
from tests.support.cases import each
from tests.support.clients import ADMIN_API
from tests.support.factories import address, make_user

pytestmark = pytest.mark.django_db

DUPLICATES = f"{ADMIN_API}duplicates/"
NAME = {"first_name": "Ada", "last_name": "Lovelace"}


def work() -> None:
    call_command("run_worker", until_empty=True)


def pairs() -> dict[tuple[int, int], tuple[int, list[str]]]:
    return {(each.first_id, each.second_id): (each.score, each.signs) for each in Duplicate.objects.all()}


class TestSigns:
    @each(
        "one, other, score, signs",
        {
            "phone number": ({"phone_number": "+442079460018"}, {"phone_number": "020 7946 0018",
                "addresses": [address()]}, 60, ["phone"]),
            "Gmail ignores dots and tags": ({"email": "ada.l@gmail.com"}, {"email": "a.dal+shop@googlemail.com"}, 40,
                ["email"]),
            "Outlook ignores tags": ({"email": "ada@outlook.com"}, {"email": "Ada+1@Outlook.com"}, 40, ["email"]),
            "Outlook knows dots": ({"email": "ada.l@outlook.com"}, {"email": "adal@outlook.com"}, 0, []),
            "an own domain knows dots and tags": ({"email": "ada.l@lovelace.example"},
                {"email": "ada.l+1@lovelace.example"}, 0, []),
            "name and postcode": ({**NAME, "addresses": [address(postcode="SW1Y 4JH")]},
                {"first_name": "LOVELACE", "last_name": "ada", "addresses": [address(postcode="sw1y4jh")]}, 50,
                ["name_and_postcode"]),
            "name alone": (NAME, NAME, 0, []),
            "postcode alone": ({"addresses": [address(postcode="SW1Y 4JH")]},
                {"addresses": [address(postcode="SW1Y 4JH")]}, 0, []),
            "the same postcode elsewhere": ({**NAME, "addresses": [address(postcode="10115")]},
                {**NAME, "addresses": [address(postcode="10115", country="DE")]}, 0, []),
            "name and birthday": ({**NAME, "metadata": {"birthday": "1815-12-10"}},
                {**NAME, "metadata": {"Geburtsdatum": "18151210"}}, 70, ["name_and_birthday"]),
            "another birthday": ({**NAME, "metadata": {"dob": "1815-12-10"}},
                {**NAME, "metadata": {"dob": "1815-12-11"}}, 0, []),
            "a date that is no birthday": ({**NAME, "metadata": {"member_since": "1815-12-10"}},
                {**NAME, "metadata": {"member_since": "1815-12-10"}}, 0, []),
            "several signs": ({**NAME, "phone_number": "+442079460018", "metadata": {"dob": "1815-12-10"}},
                {**NAME, "phone_number": "+442079460018", "metadata": {"dob": "1815-12-10"}}, 88,
                ["name_and_birthday", "phone"]),
        },
    )  # fmt: skip
    def test_pair_is_suggested_for_what_both_have(self, one, other, score, signs):
        first, second = make_user(**one), make_user(**other)

        duplicates.check([second.pk, first.pk])

        assert pairs() == ({(first.pk, second.pk): (score, signs)} if score else {})

    def test_what_many_customers_share_is_no_sign(self):
        shop = [make_user(phone_number="+442079460018").pk for _ in range(duplicates.MOST_WITH_ONE_KEY + 1)]

        duplicates.check(shop)

        assert pairs() == {}

    def test_staff_are_never_suggested(self, owner):
        User.objects.bulk_update([User(pk=owner.pk, phone_number="+442079460018")], ["phone_number"])

        duplicates.check([make_user(phone_number="+442079460018").pk, owner.pk])

        assert pairs() == {}


class TestWorker:
    def test_worker_checks_new_and_changed_customers(self):
        ada = make_user(phone_number="+442079460018")
        work()
        twin = make_user(phone_number="+442079460018")
        work()
        assert pairs() == {(ada.pk, twin.pk): (60, ["phone"])}

        services.update_user(twin.pk, by=SYSTEM, phone_number="+442079460019")
        work()
        assert pairs() == {}

    def test_worker_sweeps_all_customers_once_a_day(self, monkeypatch):
        monkeypatch.setattr("customers.merging.worker.CUSTOMERS", 1)
        make_user(phone_number="+442079460018"), make_user(phone_number="+442079460018")
        work()
        Duplicate.objects.all().delete()
        work()
        assert pairs() == {}

        SearchState.objects.update(swept_at=timezone.now() - SWEEP_EVERY)
        MatchKey.objects.create(user_id=10**9, sign="phone", key=1)  # of a customer who is gone
        work()

        assert len(pairs()) == 1
        assert not MatchKey.objects.filter(user_id=10**9).exists()

    def test_check_searches_once_however_many_customers_there_are(self, django_assert_max_num_queries):
        people = [make_user(phone_number=f"+4420794600{number}") for number in (18, 18, 19, 19)]

        with django_assert_max_num_queries(14) as queries:
            duplicates.check([person.pk for person in people])

        searches = [query for query in queries.captured_queries if "HAVING" in query["sql"]]
        assert len(searches) == 1
        assert len(pairs()) == 2


class TestApi:
    def test_pairs_are_listed_and_dismissed_for_good(self, api):
        client = api(Scope.USERS_READ, Scope.USERS_WRITE)
        ada, twin = make_user(phone_number="+442079460018"), make_user(phone_number="+442079460018")
        work()

        [pair] = client.get(DUPLICATES).json()["results"]
        assert (pair["users"], pair["score"], pair["signs"]) == ([ada.pk, twin.pk], 60, ["phone"])
        assert api(Scope.USERS_READ).post(f"{DUPLICATES}{pair['id']}/dismiss/").status_code == 403
        assert client.post(f"{DUPLICATES}{pair['id']}/dismiss/").json()["id"] == pair["id"]
        services.update_user(ada.pk, by=SYSTEM, first_name="Ada")
        work()

        assert client.get(DUPLICATES).json()["results"] == []
        assert client.post(f"{DUPLICATES}{10**9}/dismiss/").status_code == 404

    def test_list_of_pairs_has_pages(self, api):
        for number in (18, 19, 20):
            make_user(phone_number=f"+4420794600{number}"), make_user(phone_number=f"+4420794600{number}")
        work()
        client = api(Scope.USERS_READ)

        first = client.get(DUPLICATES, {"page_size": 2}).json()
        second = client.get(first["next"]).json()

        assert [len(page["results"]) for page in (first, second)] == [2, 1]
        assert second["next"] is None

    def test_dismissal_holds_for_the_kept_customer_of_a_merge(self, client, merge):
        ada, other = make_user(phone_number="+442079460018"), make_user(phone_number="+442079460018")
        work()
        client.post(f"{DUPLICATES}{Duplicate.objects.get().pk}/dismiss/")
        kept = make_user()

        merge(kept, other)
        work()

        assert Duplicate.objects.filter(dismissed_at=None).count() == 0
        assert Duplicate.objects.filter(first=ada, second=kept).exclude(dismissed_at=None).count() == 1
