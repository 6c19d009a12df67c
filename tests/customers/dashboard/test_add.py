"""The form that adds a customer, with an address."""

from customers.models import Customer, Event
from tests.support.dashboard import add_customer, customer_url
from tests.support.pages import new_address


class TestAdd:
    def test_add_creates_a_lead_with_addresses(self, dashboard_client, owner):
        response = add_customer(
            dashboard_client,
            email="grace@example.com",
            tags="vip, new",
            phone_number="020 7946 0018",
            metadata='{"a": 1}',
            **new_address(first_name="Grace"),
        )

        assert response.status_code == 302
        customer = Customer.objects.get()
        assert (customer.user_type, customer.first_name, customer.phone_number) == ("lead", "Grace", "+442079460018")
        assert (customer.tags, customer.metadata, customer.has_usable_password()) == (["vip", "new"], {"a": 1}, False)
        assert customer.addresses.get().is_default_for_shipping
        event = Event.objects.get()
        assert (event.kind, event.actor, event.app) == ("created", owner, None)

    def test_add_rejects_invalid_or_duplicate_email(self, dashboard_client, ada):
        for email in ["", "ADA@lovelace.example", "a@b"]:
            page = add_customer(dashboard_client, email=email)

            assert page.status_code == 200, email
            assert page.context["form"].errors["email"], email
            assert Customer.objects.count() == 1, email

    def test_add_shows_an_address_error_in_its_row(self, dashboard_client):
        rows = {**new_address(1, phone_number="1"), "addresses-0-line1": ""}

        page = add_customer(dashboard_client, email="grace@example.com", **rows)

        assert page.status_code == 200
        empty, wrong = page.context["addresses"].errors
        assert (empty, list(wrong)) == ({}, ["phone_number"])
        assert not Customer.objects.exists()

    def test_add_shows_errors_of_customer_and_address_together(self, dashboard_client):
        page = add_customer(dashboard_client, email="no", phone_number="12", **new_address(line4="", phone_number="12"))

        text = page.content.decode()
        for id in ("id_email", "id_phone_number", "id_addresses-0-line4", "id_addresses-0-phone_number"):
            assert f'href="#{id}"' in text, id
        assert text.count("read as a number of United Kingdom") == 4  # at both fields, and in the summary

    def test_add_links_to_the_customer_who_has_the_email(self, dashboard_client, ada, owner):
        page = add_customer(dashboard_client, email="ADA@lovelace.example").content.decode()
        assert f'with this email address: <a href="{customer_url(ada)}">Ada Lovelace</a>' in page

        assert "already a member of staff" in add_customer(dashboard_client, email=owner.email).content.decode()
