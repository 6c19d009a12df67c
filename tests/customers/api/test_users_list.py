from datetime import datetime

import pytest

from customers.models import User
from tests.support.clients import USERS, user_url
from tests.support.database import by_database
from tests.support.factories import address, make_user


def found(client, **query) -> set[str]:
    """The part before the @ of those on the first page."""
    response = client.get(USERS, query)
    assert response.status_code == 200, response.content
    return {user["email"].partition("@")[0] for user in response.json()["results"]} - {"owner"}


class TestListUsers:
    def test_list_users_newest_first(self, admin_client, owner):
        older, newer = make_user(), make_user()

        response = admin_client.get(USERS)

        assert response.status_code == 200
        page = response.json()
        assert list(page) == ["next", "previous", "results"]
        assert (page["next"], page["previous"]) == (None, None)
        assert [user["id"] for user in page["results"]] == [newer.pk, older.pk, owner.pk]

    def test_list_users_returns_what_retrieve_returns(self, admin_client, ada):
        make_user(addresses=[address(line1="first"), address(line1="second")])

        for user in admin_client.get(USERS).json()["results"]:
            assert user == admin_client.get(user_url(user["id"])).json()

    def test_list_users_takes_two_queries(self, admin_client, django_assert_num_queries):
        for _ in range(3):
            make_user(addresses=[address(), address()], tags=["a", "b"])

        with django_assert_num_queries(2):  # token, users with addresses
            admin_client.get(USERS)

    def test_list_users_takes_one_more_query_for_the_rate_limit_on_sqlite(self, api, django_assert_num_queries):
        client = api("users:read", rate_limit=4)

        with django_assert_num_queries(by_database(postgresql=2, sqlite=3)):
            client.get(USERS)

    def test_list_users_without_a_match_is_an_empty_page(self, admin_client):
        assert admin_client.get(USERS, {"email": "nobody@example.com"}).json() == {
            "next": None,
            "previous": None,
            "results": [],
        }


class TestEmailFilter:
    def test_email_filter_matches_the_whole_address_ignoring_case(self, admin_client):
        make_user(email="Ada@example.com")
        make_user(email="ada@example.com.au")
        for email in ["ada@example.com", "ADA@Example.COM", " ada@example.com "]:
            assert found(admin_client, email=email) == {"Ada"}, email

    def test_email_filter_does_not_match_a_part(self, admin_client):
        make_user(email="ada@example.com")
        for email in ["ada", "da@example.com", "ada@example.co", "%", "ada@example_com"]:
            assert found(admin_client, email=email) == set(), email


class TestNameFilter:
    @pytest.fixture(autouse=True)
    def somebody(self, db):
        make_user(email="ada@example.com", first_name="Ada", last_name="Lovelace")
        make_user(email="adam@example.com", first_name="Adam", last_name="Smith")
        make_user(email="love@example.com", first_name="Love", last_name="Adamsson")
        make_user(email="elodie@example.com", first_name="ÉLODIE", last_name="Ünal")
        make_user(email="percent@example.com", first_name="100%", last_name="A_B\\C")
        make_user(email="mary@example.com", first_name="Mary  Ann", last_name="Evans")

    def test_name_filter_matches_part_of_the_full_name(self, admin_client):
        for name, people in [
            ("ada", {"ada", "adam", "love"}),
            ("ada love", {"ada"}),
            ("Ada Lovelace", {"ada"}),
            ("  ADA   LOVE ", {"ada"}),
            ("a l", {"ada"}),
            ("lace", {"ada"}),
            ("lovelace ada", set()),
            ("love ada", {"love"}),
            ("élodie", {"elodie"}),
            ("ÉLODIE ü", {"elodie"}),
            ("%", {"percent"}),
            ("a_b", {"percent"}),
            ("_", {"percent"}),
            ("\\", {"percent"}),
            ("Mary  Ann Evans", {"mary"}),
            ("nobody", set()),
        ]:
            assert found(admin_client, name=name) == people, (name, people)


class TestPhoneFilter:
    def test_phone_filter_matches_a_part_ignoring_punctuation(self, admin_client):
        make_user(email="ada@example.com", phone_number="+44 20 7946 0958")
        make_user(email="bob@example.com", phone_number="+1 201 555 0123")
        make_user(email="nobody@example.com")
        for text in [
            "+442079460958",
            "442079460958",
            "2079460958",
            "020 7946 0958",
            "(020) 7946-0958",
            "+44 20 7946",
            "7946.0958",
            "0958",
            "946",
        ]:
            assert found(admin_client, phone_number=text) == {"ada"}, text

    def test_phone_filter_without_digits_matches_nobody(self, admin_client):
        make_user(phone_number="+44 20 7946 0958")
        for text in ["+", "abc", "()", "00", "²"]:
            assert found(admin_client, phone_number=text) == set(), text

    def test_phone_filter_drops_the_leading_zero_of_a_local_number(self, admin_client):
        make_user(email="zeros@example.com", phone_number="+1 201 555 0001")
        make_user(email="ada@example.com", phone_number="+44 20 7946 0958")
        for text, people in [
            ("000", {"zeros"}),
            ("0001", {"zeros"}),
            ("0201 555 0001", {"zeros"}),
            ("0555", set()),
            ("(0)20 7946 0958", {"ada"}),
        ]:
            assert found(admin_client, phone_number=text) == people, (text, people)


class TestExactFilters:
    @pytest.fixture(autouse=True)
    def somebody(self, db):
        make_user(email="french@example.com", language="fr", accepts_marketing=True)
        make_user(email="thai@example.com", language="th", is_blocked=True)
        make_user(email="buyer@example.com", user_type="customer")

    def test_exact_filters_match_and_combine(self, admin_client):
        for query, people in [
            ({"language": "fr"}, {"french"}),
            ({"language": "de"}, set()),
            ({"user_type": "customer"}, {"buyer"}),
            ({"user_type": "lead"}, {"french", "thai"}),
            ({"user_type": "nonsense"}, set()),
            ({"is_blocked": "true"}, {"thai"}),
            ({"is_blocked": "1"}, {"thai"}),
            ({"is_blocked": "false"}, {"french", "buyer"}),
            ({"accepts_marketing": "true"}, {"french"}),
            ({"accepts_marketing": "False"}, {"thai", "buyer"}),
            ({"accepts_marketing": "false", "is_blocked": "true"}, {"thai"}),
            ({"language": "fr", "is_blocked": "true"}, set()),
            ({"language": "", "is_blocked": "", "user_type": " "}, {"french", "thai", "buyer"}),
        ]:
            assert found(admin_client, **query) == people, (query, people)

    def test_user_type_filter_matches_staff(self, admin_client, owner):
        results = admin_client.get(USERS, {"user_type": "dashboard"}).json()["results"]

        assert [user["id"] for user in results] == [owner.pk]

    def test_filter_with_invalid_value_is_400_with_its_name(self, admin_client):
        for name, value in [
            ("language", "xx"),
            ("is_blocked", "perhaps"),
            ("accepts_marketing", "2"),
            ("date_joined_from", "yesterday"),
            ("date_joined_to", "2026-02-30"),
            ("email", "\0"),
            ("name", "a\0"),
            ("phone_number", "\0"),
            ("user_type", "\0"),
        ]:
            response = admin_client.get(USERS, {name: value})

            assert response.status_code == 400, (name, value)
            assert list(response.json()) == [name], (name, value)


class TestDayFilters:
    MOMENTS = {
        "before": "2026-03-09T16:59:59.999999Z",
        "start": "2026-03-09T17:00:00Z",
        "noon": "2026-03-10T05:00:00Z",
        "end": "2026-03-10T16:59:59.999999Z",
        "after": "2026-03-10T17:00:00Z",
    }

    @pytest.fixture(autouse=True)
    def somebody(self, settings, owner):
        """Around the 10th of March as it is in Bangkok, seven hours ahead of UTC."""
        settings.TIME_ZONE = "Asia/Bangkok"
        for name, moment in self.MOMENTS.items():
            make_user(email=f"{name}@example.com", date_joined=datetime.fromisoformat(moment))

        User.objects.filter(pk=owner.pk).update(date_joined="2020-01-01T00:00:00Z")

    def test_date_filters_are_whole_days_in_the_time_zone_of_the_store(self, admin_client):
        for query, people in [
            ({"date_joined_from": "2026-03-10", "date_joined_to": "2026-03-10"}, {"start", "noon", "end"}),
            ({"date_joined_from": "2026-03-10"}, {"start", "noon", "end", "after"}),
            ({"date_joined_to": "2026-03-10", "date_joined_from": "2026-03-09"}, {"before", "start", "noon", "end"}),
            ({"date_joined_to": "2026-03-09"}, {"before"}),
            ({"date_joined_from": "2026-03-11"}, {"after"}),
            ({"date_joined_from": "2026-03-11", "date_joined_to": "2026-03-10"}, set()),
        ]:
            assert found(admin_client, **query) == people, (query, people)

    def test_date_filters_follow_daylight_saving_time(self, admin_client, settings):
        settings.TIME_ZONE = "America/New_York"  # 23 hours long, from 05:00 to 04:00 UTC
        User.objects.exclude(user_type="dashboard").delete()
        for name, moment in (
            ("before", "2026-03-08T04:59Z"),
            ("start", "2026-03-08T05:00Z"),
            ("end", "2026-03-09T03:59Z"),
            ("after", "2026-03-09T04:00Z"),
        ):
            make_user(email=f"{name}@example.com", date_joined=datetime.fromisoformat(moment))

        assert found(admin_client, date_joined_from="2026-03-08", date_joined_to="2026-03-08") == {"start", "end"}
