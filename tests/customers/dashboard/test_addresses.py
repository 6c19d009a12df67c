"""The addresses on the page of a customer."""

import pytest

from customers import limits, services
from customers.models import Address, Event, User
from oauth.actor import SYSTEM
from tests.support.cases import each
from tests.support.dashboard import customer_url, save_customer
from tests.support.factories import fill_address_book, make_address, make_user
from tests.support.pages import fields_of, new_address


class TestAddresses:
    def test_first_address_becomes_both_defaults(self, dashboard_client, ada):
        assert save_customer(dashboard_client, ada, **new_address()).status_code == 302

        address = ada.addresses.get()
        assert (address.line4, address.is_default_for_shipping, address.is_default_for_billing) == (
            "London",
            True,
            True,
        )

    def test_address_is_changed(self, dashboard_client, ada):
        address = make_address(ada)

        save_customer(
            dashboard_client, ada, **{"addresses-0-line1": "1 High St", "addresses-0-phone_number": "020 7946 0018"}
        )

        address.refresh_from_db()
        assert (address.line1, address.phone_number) == ("1 High St", "+442079460018")

    def test_address_is_deleted(self, dashboard_client, ada):
        address = make_address(ada)

        save_customer(dashboard_client, ada, **{"addresses-0-DELETE": "on"})

        assert not ada.addresses.exists()
        assert Event.objects.get(user=ada, kind="address_deleted").changes["id"] == [address.pk, None]

    def test_default_address_moves_to_another(self, dashboard_client, ada):
        first, second = make_address(ada), make_address(ada, line4="Leeds")

        assert save_customer(dashboard_client, ada, **{"addresses-1-is_default_for_billing": "on"}).status_code == 302

        first.refresh_from_db()
        second.refresh_from_db()
        assert (first.is_default_for_billing, second.is_default_for_billing) == (False, True)
        assert (first.is_default_for_shipping, second.is_default_for_shipping) == (True, False)

    def test_new_address_gives_a_local_phone_number_its_country(self, dashboard_client, ada):
        assert save_customer(dashboard_client, ada, phone_number="020 7946 0999", **new_address()).status_code == 302

        ada.refresh_from_db()
        assert ada.phone_number == "+442079460999"

    def test_address_error_is_shown_in_its_row_and_nothing_is_saved(self, dashboard_client, ada):
        make_address(ada)
        events = Event.objects.count()
        changes = {"addresses-0-line2": "Attic", **new_address(1, phone_number="1"), "last_name": "King"}

        page = save_customer(dashboard_client, ada, **changes)

        assert page.status_code == 200
        formset = page.context["inline_admin_formsets"][0].formset
        assert formset.errors == [{}, {"phone_number": ["Enter a valid phone number."]}]
        ada.refresh_from_db()
        assert (ada.last_name, ada.addresses.count(), ada.addresses.get().line2) == ("Lovelace", 1, "")
        assert Event.objects.count() == events

    def test_address_is_not_saved_if_the_customer_is_invalid(self, dashboard_client, ada):
        make_user(email="grace@example.com")

        page = save_customer(dashboard_client, ada, email="grace@example.com", **new_address())

        assert page.status_code == 200
        assert not ada.addresses.exists()

    @pytest.mark.parametrize("change", [{}, {"addresses-0-line2": "Attic"}, {"addresses-0-DELETE": "on"}])
    def test_address_deleted_meanwhile_is_no_crash(self, dashboard_client, ada, change):
        address = make_address(ada)
        fields = fields_of(dashboard_client.get(customer_url(ada)))
        services.delete_address(ada.pk, address.pk, by=SYSTEM)

        response = dashboard_client.post(customer_url(ada), {**fields, **change})

        assert response.status_code in (200, 302)
        assert not ada.addresses.exists()

    def test_address_of_another_customer_is_not_touched(self, dashboard_client, ada):
        make_address(ada)
        other = make_address(make_user())

        save_customer(dashboard_client, ada, **{"addresses-0-id": str(other.pk), "addresses-0-line1": "1 High St"})

        other.refresh_from_db()
        assert other.line1 == "12 St James's Square"

    def test_many_addresses_are_saved(self, dashboard_client, ada):
        for _ in range(40):
            make_address(ada)

        assert save_customer(dashboard_client, ada, **{"addresses-19-line2": "Attic"}).status_code == 302

        assert ada.addresses.order_by("pk")[19].line2 == "Attic"


class TestManyAddresses:
    @pytest.fixture
    def full_book(self, db) -> User:
        user = make_user()
        fill_address_book(user)
        return user

    @each("role", ["Viewer", "Owner"])
    def test_page_of_a_customer_shows_twenty_addresses_at_a_time(self, full_book, as_role, dashboard_client, role):
        browser = dashboard_client if role == "Owner" else as_role(role)
        book = list(full_book.addresses.order_by("pk"))

        first = browser.get(customer_url(full_book))
        last = browser.get(customer_url(full_book), {"addresses": "50"})

        assert "Addresses 1 to 20 of 1000." in first.content.decode()
        assert "Addresses 981 to 1000 of 1000." in last.content.decode()
        assert len(first.content) < 1_000_000
        if role == "Owner":
            for page, part in ((first, book[:20]), (last, book[-20:])):
                shown = [fields_of(page)[f"addresses-{number}-id"] for number in range(20)]
                assert shown == [str(address.pk) for address in part]
            assert "addresses-20-id" not in fields_of(first)

    def test_address_on_a_further_page_is_changed_and_deleted(self, full_book, dashboard_client):
        book = list(full_book.addresses.order_by("pk"))
        page = f"{customer_url(full_book)}?addresses=2"
        fields = fields_of(dashboard_client.get(page))

        response = dashboard_client.post(
            page, {**fields, "addresses-0-line1": "1 New Street", "addresses-1-DELETE": "on"}
        )

        assert response.status_code == 302
        book[20].refresh_from_db()
        assert book[20].line1 == "1 New Street"
        assert full_book.addresses.count() == limits.MAX_ADDRESSES - 1
        assert not Address.objects.filter(pk=book[21].pk).exists()
