"""The page of a customer: what it shows, and what its form changes."""

import re

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission
from django.test import Client

from customers import services
from customers.models import Customer, Event, Tag
from customers.orders.services import record_order, record_subscription
from customers.privacy.erasure import erase
from oauth.actor import SYSTEM
from tests.support.dashboard import ADD_CUSTOMER, CUSTOMERS, add_customer, customer_url, edit_url, save_customer
from tests.support.factories import make_address, make_user, make_users
from tests.support.order_documents import order, subscription
from tests.support.pages import fields_of, new_address


def facts_of(page) -> dict[str, str]:
    pairs = re.findall(r"<dt>([^<]+)</dt>\s*<dd[^>]*>(.*?)</dd>", page.content.decode(), re.DOTALL)
    return {name: " ".join(re.sub("<[^>]+>", " ", value).split()) for name, value in pairs}


NOTHING = "— none"


class TestFacts:
    def test_page_shows_the_facts(self, dashboard_client):
        customer = make_user(email="ada@lovelace.example", phone_number="+442079460018", tags=["vip", "b2b"])
        record_order(user_id=customer.pk, document=order(total_incl_tax="20.00"))

        page = dashboard_client.get(customer_url(customer))
        facts, text = facts_of(page), page.content.decode()

        assert (
            facts
            | {
                "Email": "ada@lovelace.example Copy",
                "Phone": "+442079460018 Copy",
                "Total spent": "20.00 USD",
                "Orders": "1",
                "Last login": NOTHING,
                "Password": "Not set",
            }
            == facts
        )
        assert 'href="mailto:ada@lovelace.example"' in text
        assert 'href="tel:+442079460018"' in text
        assert "Not accepted" in text

    def test_page_of_a_blocked_customer_says_what_it_means(self, dashboard_client, ada):
        services.update_user(ada.pk, by=SYSTEM, is_blocked=True, block_reason="Chargebacks")

        text = dashboard_client.get(customer_url(ada)).content.decode()

        for part in ("Chargebacks", "without an end", "Orders: apps see", "Sign-in: nothing changes", "Notified:"):
            assert part in text, part

    def test_page_shows_one_sign_for_missing_values(self, dashboard_client):
        [customer] = make_users(1, email=None)

        facts = facts_of(dashboard_client.get(customer_url(customer)))

        assert (facts["Email"], facts["Phone"], facts["Language"]) == (NOTHING, NOTHING, NOTHING)

    def test_page_names_the_apps_that_changed_the_customer(self, api, dashboard_client, ada):
        api("users:write", app_name="Mailer").patch(f"/api/admin/users/{ada.pk}/", {"first_name": "Augusta"})

        text = dashboard_client.get(customer_url(ada)).content.decode()

        assert re.search(r'href="/dashboard/oauth/privateapp/\d+/change/">Mailer', text)

    def test_page_takes_twenty_statements(self, dashboard_client, ada, django_assert_max_num_queries):
        """At most, and however much the customer has. Five are of the frame: session, person, permissions, store."""

        def fill():
            make_address(ada)
            record_order(user_id=ada.pk, document=order())
            record_subscription(user_id=ada.pk, document=subscription())
            services.update_user(ada.pk, by=SYSTEM, tags=["vip"], metadata={"a": 1})

        for _ in range(2):
            fill()
            with django_assert_max_num_queries(20):
                assert dashboard_client.get(customer_url(ada)).status_code == 200


class TestErased:
    @pytest.fixture
    def erased(self, ada):
        record_order(user_id=ada.pk, document=order(number="A1"))
        erase(ada.pk, by=SYSTEM)
        return ada

    def test_page_of_an_erased_customer_is_a_stub_without_actions(self, dashboard_client, erased):
        text = dashboard_client.get(customer_url(erased)).content.decode()
        content = text[text.index('<div id="customer">') :]

        assert "This customer was erased" in content
        assert "A1" in content
        assert "<form" not in content
        hrefs = re.findall(r'href="([^"]*)"', content)
        assert [href for href in hrefs if "/orders/" not in href and not href.startswith("?")] == []

    def test_erased_customer_can_not_be_changed(self, dashboard_client, erased):
        paths = ["edit/", "edit/contact/", "addresses/add/", "notes/add/", "block/", "send_password_reset/"]
        for path in paths:
            url = f"{CUSTOMERS}{erased.pk}/{path}"
            assert dashboard_client.get(url).status_code == dashboard_client.post(url).status_code == 403, path
        assert dashboard_client.get(f"{CUSTOMERS}{erased.pk}/erase/").status_code != 403  # of later orders


class TestReports:
    def test_orders_are_listed_newest_first_with_links(self, dashboard_client, ada):
        old = record_order(user_id=ada.pk, document=order(number="A1", date_placed="2026-01-01T00:00:00Z"))
        new = record_order(user_id=ada.pk, document=order(number="A2", date_placed="2026-02-01T00:00:00Z"))
        weekly = record_subscription(user_id=ada.pk, document=subscription(id=77))

        page = dashboard_client.get(customer_url(ada)).content.decode()
        table = page[page.index('id="orders"') : page.index('id="timeline"')]

        assert "All orders" not in table
        urls = [f"/dashboard/orders/order/{each.pk}/change/" for each in (new, old)]
        assert 0 < table.index(urls[0]) < table.index(urls[1])
        assert f"/dashboard/orders/subscription/{weekly.pk}/change/" in table

    def test_orders_are_at_most_five_with_a_link_to_all(self, dashboard_client, ada):
        for number in range(6):
            record_order(user_id=ada.pk, document=order(number=f"Order {number}"))
        record_order(user_id=make_user().pk, document=order(number="of-another"))

        page = dashboard_client.get(customer_url(ada)).content.decode()
        table = page[page.index('id="orders"') : page.index('id="subscriptions"')]

        assert table.count('<th scope="row">') == 5
        everything = re.search(r'href="([^"]+user__id__exact[^"]+)"', table)[1]
        listed = dashboard_client.get(everything).content.decode()
        assert "Order 0" in listed
        assert "of-another" not in listed


class TestChange:
    def test_save_records_the_changed_fields(self, dashboard_client, owner, ada):
        changes = {
            "first_name": "Augusta",
            "phone_number": "+44 20 7946 0999",
            "language": "en",
            "accepts_marketing": "on",
            "tags": 'vip, "old, gold", vip',
            "metadata": '{"tier": 2}',
        }

        response = save_customer(dashboard_client, ada, **changes)

        assert response.status_code == 302
        ada.refresh_from_db()
        assert (ada.first_name, ada.phone_number, ada.language) == ("Augusta", "+442079460999", "en")
        assert (ada.accepts_marketing, ada.tags, ada.metadata) == (True, ["vip", "old, gold"], {"tier": 2})
        assert set(Tag.objects.values_list("name", flat=True)) == {"vip", "old, gold"}
        event = Event.objects.get(user=ada, kind="changed")
        assert (event.actor, event.app) == (owner, None)
        assert set(event.changes) == {*changes, "consent_ip", "consent_text"}

    def test_save_without_changes_records_nothing(self, dashboard_client):
        customer = make_user(
            tags=["a, b", 'say "hi"', "c"],
            metadata={"z": [1, 2.5, None], "a": "ä"},
            accepts_marketing=True,
            language="fr",
        )
        make_address(customer, notes="ring\ntwice")
        before = Customer.objects.filter(pk=customer.pk).values().get()
        events = Event.objects.count()

        response = save_customer(dashboard_client, customer)

        assert response.status_code == 302
        assert Customer.objects.filter(pk=customer.pk).values().get() == before
        assert Event.objects.count() == events

    def test_save_keeps_what_others_changed_meanwhile(self, dashboard_client, ada):
        for part in ("", "contact"):
            fields = fields_of(dashboard_client.get(edit_url(ada, part)))
            services.update_user(ada.pk, by=SYSTEM, first_name="Augusta", tags=["vip"], accepts_marketing=True)

            assert dashboard_client.post(edit_url(ada, part), {**fields, "last_name": "King"}).status_code == 302

            ada.refresh_from_db()
            now = (ada.first_name, ada.last_name, ada.tags, ada.accepts_marketing)
            assert now == ("Augusta", "King", ["vip"], True), part
            services.update_user(ada.pk, by=SYSTEM, first_name="Ada", last_name="", tags=[], accepts_marketing=False)

    def test_save_after_an_error_still_keeps_what_others_changed(self, dashboard_client, ada):
        refused = save_customer(dashboard_client, ada, last_name="King", metadata="[")
        services.update_user(ada.pk, by=SYSTEM, first_name="Augusta")

        dashboard_client.post(edit_url(ada), {**fields_of(refused), "metadata": ""})

        ada.refresh_from_db()
        assert (ada.first_name, ada.last_name) == ("Augusta", "King")

    @pytest.mark.parametrize(
        ("field", "value", "message"),
        [
            ("email", "GRACE@example.com", "There is already a customer"),
            ("email", "", "This field is required."),
            ("email", "no", "Enter a valid email address."),
            ("phone_number", "+1", "Enter a valid phone number."),
            ("phone_number", "020 7946 0018", "with its country code"),
            ("language", "xx", "Select a valid choice."),
            ("first_name", "x" * 256, "at most 255 characters"),
            ("first_name", "a\0b", "Null characters are not allowed."),
            ("tags", "x" * 256, "A tag has at most 255 characters."),
            ("tags", "a\0b", "Null characters are not allowed."),
            ("tags", "x" * 140_000, "Enter tags separated by commas."),
            ("metadata", "[1]", "Enter an object."),
            ("metadata", '{"a":', "Enter a valid JSON."),
            ("metadata", '{"a": 1' + "0" * 5000 + "}", "Enter a valid JSON."),
            ("metadata", '{"a": 1e999}', "Enter a valid JSON"),
            ("metadata", r'{"a": "\ud800"}', "unpaired surrogates"),
            ("metadata", '{"a":' + "[" * 40 + "]" * 40 + "}", "More than 32 levels"),
            ("metadata", '{"a":' * 100_000, "Enter a valid JSON."),
        ],
        ids=lambda value: str(value)[:20],
    )
    def test_save_shows_an_error_at_its_field_and_saves_nothing(self, dashboard_client, ada, field, value, message):
        make_user(email="grace@example.com")

        page = save_customer(dashboard_client, ada, last_name="King", **{field: value})

        ada.refresh_from_db()
        assert page.status_code == 200
        assert message in "".join(page.context["form"].errors[field])
        assert fields_of(page)["last_name"] == "King"
        assert (ada.last_name, ada.email) == ("Lovelace", "ada@lovelace.example")

    def test_save_customer_without_email(self, dashboard_client):
        [customer] = make_users(1, email=None)

        assert save_customer(dashboard_client, customer, first_name="Ada").status_code == 302
        customer.refresh_from_db()
        assert (customer.first_name, customer.email) == ("Ada", None)

    def test_save_leads_back_to_the_card_that_was_edited(self, dashboard_client, ada):
        for part in ("contact", "tags", "marketing", "custom-fields"):
            response = save_customer(dashboard_client, ada, part=part)
            assert response.headers["Location"] == f"{customer_url(ada)}#{part}", part
        assert dashboard_client.get(edit_url(ada, "nothing")).status_code == 404

    def test_save_shows_all_errors_at_once_with_links_to_their_fields(self, dashboard_client, ada):
        make_user(email="grace@example.com", first_name="Grace")
        wrong = {"email": "grace@example.com", "phone_number": "+1", "tags": "x" * 256, "metadata": "["}

        page = save_customer(dashboard_client, ada, **wrong)

        assert page.context["form"].errors.keys() == wrong.keys()
        for name in wrong:
            assert f'href="#id_{name}"' in page.content.decode(), name

    def test_refused_local_number_names_the_country_that_was_assumed(self, dashboard_client, ada, settings):
        def message() -> str:
            return save_customer(dashboard_client, ada, phone_number="12").context["form"].errors["phone_number"][0]

        settings.STORE_COUNTRY = "FR"
        assert "read as a number of France, the store’s country" in message()
        make_address(ada, country="GB")
        assert "read as a number of United Kingdom, the country of the first address" in message()

    def test_save_ignores_read_only_fields(self, dashboard_client, ada):
        before = Customer.objects.filter(pk=ada.pk).values().get()

        for field in ["user_type", "orders_count", "total_spent", "ip", "user_agent", "date_joined", "is_blocked"]:
            response = save_customer(dashboard_client, ada, **{field: "1"})

            assert response.status_code == 302, field
            assert Customer.objects.filter(pk=ada.pk).values().get() == before, field

    def test_save_survives_forged_forms(self, dashboard_client, ada):
        assert dashboard_client.post(edit_url(ada), {}).status_code == 200
        for body in [{}, {"addresses-TOTAL_FORMS": "x"}, {"addresses-TOTAL_FORMS": "9999999"}]:
            assert dashboard_client.post(ADD_CUSTOMER, {"email": "new@example.com", **body}).status_code == 200, body
        assert Customer.objects.count() == 1

    def test_page_of_unknown_customer_is_not_found(self, dashboard_client):
        for path in ["987654321", "0", "x", "9" * 30, "9" * 5000]:
            assert dashboard_client.get(f"{CUSTOMERS}{path}/change/").status_code in (302, 404), path

    def test_page_of_staff_is_not_found(self, dashboard_client, owner):
        assert dashboard_client.get(customer_url(owner)).status_code == 302


class TestTagSuggestions:
    URL = f"{CUSTOMERS}tags/"

    def names(self, browser, typed):
        return browser.get(self.URL, {"q": typed}).json()["names"]

    def test_tag_suggestions_put_prefix_matches_first(self, dashboard_client):
        make_user(tags=["black friday", "FRIENDS", "wholesale"])

        assert self.names(dashboard_client, "fri") == ["FRIENDS", "black friday"]

    def test_tag_suggestions_are_at_most_twenty(self, dashboard_client):
        make_user(tags=[f"tag {number}" for number in range(25)])

        assert len(self.names(dashboard_client, "tag")) == 20

    def test_tag_suggestions_survive_any_text(self, dashboard_client):
        for typed in ["\0", "%", "_", "x" * 10_000, "'", '"']:
            assert self.names(dashboard_client, typed) == [], typed

    def test_tag_suggestions_need_a_member_of_staff(self, db, ada):
        stranger, customer = Client(), Client()
        customer.force_login(ada)

        assert stranger.get(self.URL).status_code == 302
        assert customer.get(self.URL).status_code == 302


class TestRoles:
    def test_viewer_sees_the_customer_without_a_form(self, as_role, ada):
        make_address(ada, line4="Leeds")
        services.update_user(ada.pk, by=SYSTEM, tags=["vip"])

        page = as_role("Viewer").get(customer_url(ada))
        text = page.content.decode()

        assert page.status_code == 200
        assert "Leeds" in text
        assert ">vip<" in text
        content = text[text.index('<div id="customer">') :]
        assert "<form" not in content
        assert "data-dialog" not in content

    def test_viewer_cannot_change_or_add(self, as_role, ada):
        viewer = as_role("Viewer")

        assert viewer.post(customer_url(ada), {"first_name": "Mallory"}).status_code == 405
        assert viewer.post(edit_url(ada), {"first_name": "Mallory"}).status_code == 403
        assert viewer.get(ADD_CUSTOMER).status_code == 403
        assert viewer.post(ADD_CUSTOMER, {"email": "m@example.com"}).status_code == 403

    def test_staff_change_and_add(self, as_role, ada):
        staff = as_role("Staff")

        assert save_customer(staff, ada, first_name="Augusta").status_code == 302
        assert add_customer(staff, email="grace@example.com", **new_address()).status_code == 302

    def test_page_hides_orders_without_permission(self, as_role, ada):
        viewer = as_role("Viewer")
        record_order(user_id=ada.pk, document=order(number="Order 4711"))
        Group.objects.get(name="Viewer").permissions.remove(Permission.objects.get(codename="view_order"))

        assert "Order 4711" not in viewer.get(customer_url(ada)).content.decode()


def test_pages_have_no_inline_script_or_style(dashboard_client, ada):
    for path in ["add/", "{}/change/", "{}/block/", "{}/notes/add/", "{}/edit/", "{}/addresses/add/"]:
        page = dashboard_client.get(CUSTOMERS + path.format(ada.pk)).content.decode()

        assert not re.search(r'\sstyle="|\son[a-z]+="|<style|<script(?![^>]*\ssrc=)(?![^>]*application/json)', page), (
            path
        )


def test_admin_log_has_no_entries_about_customers(dashboard_client, ada):
    save_customer(dashboard_client, ada, first_name="Augusta")

    assert not LogEntry.objects.exists()
    assert dashboard_client.get(customer_url(ada).replace("change", "history")).status_code == 302
