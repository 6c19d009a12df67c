"""Ids that no column holds."""

from datetime import UTC, datetime, timedelta

import pytest

from customers.medusa import ids
from customers.models import User
from tests.support.clients import user_url
from tests.support.factories import make_user, make_users
from tests.support.medusa import CUSTOMERS, id_of, url_of

NOW = datetime(2026, 11, 21, 17, 34, 21, 623_456, tzinfo=UTC)


class TestIds:
    @pytest.mark.parametrize("number", [1, 31, 32, 2**31, 2**63 - 1])
    def test_id_contains_the_primary_key(self, number):
        id = ids.encoded(ids.CUSTOMER, number, NOW)

        assert len(id) == 30
        assert ids.decoded(ids.CUSTOMER, id) == number

    def test_id_is_a_ulid_of_the_creation_time(self):
        """Ten characters of milliseconds, as the specification's example has them."""
        id = ids.encoded("", 0, datetime.fromtimestamp(1469918176.385, UTC))

        assert id == "01ARYZ6S41" + "0" * 16

    def test_ids_sort_by_creation(self):
        made = [(NOW - timedelta(days=9), 9), (NOW, 1), (NOW, 2), (NOW + timedelta(milliseconds=1), 0)]
        encoded = [ids.encoded(ids.CUSTOMER, number, moment) for moment, number in made]

        assert encoded == sorted(encoded)

    @pytest.mark.parametrize("year", [1, 1969, 1970, 9999])
    def test_ids_work_for_any_year(self, year):
        id = ids.encoded(ids.CUSTOMER, 7, datetime(year, 12, 31, tzinfo=UTC))

        assert ids.decoded(ids.CUSTOMER, id) == 7

    @pytest.mark.parametrize(
        "id",
        ["", "cus_", "7", "cus_7", "cus_" + "Z" * 26, "cus_" + "0" * 25 + "I", "cus_" + "0" * 25 + "a",
         "cgrp_" + "0" * 26, "cus_0000000000" + "Z" * 16, "cus_" + "0" * 26 + "\n"],
    )  # fmt: skip
    def test_malformed_ids_have_no_key(self, id):
        assert ids.decoded(ids.CUSTOMER, id) is None


@pytest.mark.django_db
class TestIdsOfCustomers:
    def test_customer_id_is_of_the_same_person_in_both_apis(self, medusa_client, ada):
        first = medusa_client.get(url_of(ada)).json()["customer"]
        second = medusa_client.get(user_url(ada)).json()

        assert (first["email"], first["id"]) == (second["email"], id_of(ada))

    def test_customer_id_never_changes(self, medusa_client, ada):
        medusa_client.patch(user_url(ada), {"email": "x@example.com", "date_joined": "2020-01-01T00:00:00Z", "id": 9})
        medusa_client.post(url_of(ada), {"first_name": "Eve", "groups": []})

        assert id_of(User.objects.get(pk=ada.pk)) == id_of(ada)

    def test_customer_id_works_for_join_dates_before_1970(self, medusa_client):
        old = make_user(date_joined=datetime(1900, 1, 1, tzinfo=UTC))

        assert medusa_client.get(url_of(old)).status_code == 200

    def test_customer_ids_differ_for_one_join_date(self, medusa_client):
        make_users(5, date_joined=NOW)

        rows = medusa_client.get(CUSTOMERS).json()["customers"]
        assert len({row["id"] for row in rows}) == 5
        assert [row["id"] for row in rows] == sorted((row["id"] for row in rows), reverse=True)
