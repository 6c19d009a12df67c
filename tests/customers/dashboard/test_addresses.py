"""The addresses on the page of a customer, and their forms."""

import pytest

from customers import limits, services
from customers.models import Address, Event, User
from oauth.actor import SYSTEM
from tests.support.cases import each
from tests.support.dashboard import address_url, customer_url, save_address
from tests.support.factories import fill_address_book, make_address, make_user
from tests.support.pages import fields_of

PLACE = {"line1": "12 St James's Square", "line4": "London", "country": "GB"}


def delete_url(customer, address) -> str:
    return f"{address_url(customer, address)}delete/"


class TestAddresses:
    def test_first_address_becomes_both_defaults(self, dashboard_client, ada):
        response = save_address(dashboard_client, ada, **PLACE)

        assert response.headers["Location"] == f"{customer_url(ada)}#addresses"
        address = ada.addresses.get()
        assert (address.line4, address.is_default_for_shipping, address.is_default_for_billing) == (
            "London",
            True,
            True,
        )

    def test_page_shows_every_address_in_full_with_the_name_of_its_country(self, dashboard_client, ada):
        make_address(ada, first_name="Ada", last_name="King", line2="Attic", postcode="SW1Y 4LE")
        make_address(ada, line1="5 Rue Cler", line4="Paris", country="FR")

        text = dashboard_client.get(customer_url(ada)).content.decode()

        for part in ("Addresses (2)", "Ada King", "Attic", "SW1Y 4LE London", "United Kingdom", "5 Rue Cler", "France"):
            assert part in text, part

    def test_address_is_changed(self, dashboard_client, ada):
        address = make_address(ada)

        save_address(dashboard_client, ada, address, line1="1 High St", phone_number="020 7946 0018")

        address.refresh_from_db()
        assert (address.line1, address.phone_number) == ("1 High St", "+442079460018")

    def test_address_keeps_what_others_changed_meanwhile(self, dashboard_client, ada):
        address = make_address(ada)
        fields = fields_of(dashboard_client.get(address_url(ada, address)))
        services.update_address(ada.pk, address.pk, by=SYSTEM, postcode="SW1Y 4JH")

        dashboard_client.post(address_url(ada, address), {**fields, "line2": "Attic"})

        address.refresh_from_db()
        assert (address.line2, address.postcode) == ("Attic", "SW1Y 4JH")

    def test_address_is_deleted_once_confirmed(self, dashboard_client, ada):
        address = make_address(ada)

        assert dashboard_client.get(delete_url(ada, address)).status_code == 200
        assert ada.addresses.exists()
        dashboard_client.post(delete_url(ada, address))

        assert not ada.addresses.exists()
        assert Event.objects.get(user=ada, kind="address_deleted").changes["id"] == [address.pk, None]

    def test_default_address_moves_to_another(self, dashboard_client, ada):
        first, second = make_address(ada), make_address(ada, line4="Leeds")

        assert save_address(dashboard_client, ada, second, is_default_for_billing="on").status_code == 302

        first.refresh_from_db()
        second.refresh_from_db()
        assert (first.is_default_for_billing, second.is_default_for_billing) == (False, True)
        assert (first.is_default_for_shipping, second.is_default_for_shipping) == (True, False)

    def test_all_errors_of_an_address_are_shown_at_once_with_links(self, dashboard_client, ada):
        page = save_address(dashboard_client, ada, **PLACE | {"line1": "", "phone_number": "1", "first_name": "a\nb\0"})

        assert page.status_code == 200
        assert page.context["form"].errors.keys() == {"line1", "phone_number", "first_name"}
        text = page.content.decode()
        for name in ("line1", "phone_number", "first_name"):
            assert f'href="#id_{name}"' in text, name
        assert not ada.addresses.exists()

    def test_refused_local_number_names_the_country_of_the_address(self, dashboard_client, ada):
        page = save_address(dashboard_client, ada, **PLACE | {"phone_number": "12"})

        (message,) = page.context["form"].errors["phone_number"]
        assert "read as a number of United Kingdom, the country of the address" in message

    @each("change", [{}, {"line2": "Attic"}])
    def test_address_deleted_meanwhile_is_no_crash(self, dashboard_client, ada, change):
        address = make_address(ada)
        fields = fields_of(dashboard_client.get(address_url(ada, address)))
        services.delete_address(ada.pk, address.pk, by=SYSTEM)

        assert dashboard_client.post(address_url(ada, address), {**fields, **change}).status_code == 404
        assert dashboard_client.post(delete_url(ada, address)).status_code == 404
        assert not ada.addresses.exists()

    def test_address_of_another_customer_is_not_touched(self, dashboard_client, ada):
        other = make_address(make_user())

        for url in (address_url(ada, other), delete_url(ada, other)):
            assert dashboard_client.get(url).status_code == 404, url
            assert dashboard_client.post(url, PLACE | {"line1": "1 High St"}).status_code == 404, url

        other.refresh_from_db()
        assert other.line1 == "12 St James's Square"

    def test_address_beyond_the_limit_is_refused(self, dashboard_client, ada):
        fill_address_book(ada)

        page = save_address(dashboard_client, ada, **PLACE)

        assert page.status_code == 200
        assert f"at most {limits.MAX_ADDRESSES} addresses" in page.content.decode()

    def test_viewer_reads_addresses_and_changes_none(self, as_role, ada):
        address = make_address(ada)
        viewer = as_role("Viewer")

        assert "12 St James" in viewer.get(customer_url(ada)).content.decode()
        for url in (address_url(ada), address_url(ada, address), delete_url(ada, address)):
            assert viewer.get(url).status_code == viewer.post(url, PLACE).status_code == 403, url
        assert Address.objects.count() == 1


class TestManyAddresses:
    @pytest.fixture
    def full_book(self, db) -> User:
        user = make_user()
        fill_address_book(user)
        return user

    @each("role", ["Viewer", "Owner"])
    def test_page_of_a_customer_shows_twenty_addresses_at_a_time(self, full_book, as_role, dashboard_client, role):
        browser = dashboard_client if role == "Owner" else as_role(role)
        first = browser.get(customer_url(full_book)).content.decode()
        last = browser.get(customer_url(full_book), {"addresses": "50"}).content.decode()

        assert "Addresses 1 to 20 of 1000." in first
        assert "Addresses 981 to 1000 of 1000." in last
        assert first.count("<address>") == last.count("<address>") == 20
        assert len(first) < 150_000
