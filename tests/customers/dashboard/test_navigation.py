"""The frame of the pages: the sidebar, the store's name, breadcrumbs."""

import re

from django.apps import apps
from django.contrib import admin

from customers.dashboard import navigation
from customers.mirror.models import ReceivedEvent
from customers.store.services import change_details
from tests.support.dashboard import CUSTOMERS, DASHBOARD, customer_url

WEBHOOKS = f"{DASHBOARD}webhooks/webhook/"


def sidebar(response) -> str:
    return re.search(r'<nav id="navigation".*?</nav>', response.content.decode(), re.DOTALL)[0]


def current(response) -> list[str]:
    return re.findall(r'aria-current="page">([^<]+)', sidebar(response))


def breadcrumbs(response) -> str:
    found = re.search(r'<div class="breadcrumbs">.*?</div>', response.content.decode(), re.DOTALL)
    return " ".join(re.sub("<[^>]*>", "", found[0]).replace("&rsaquo;", ">").split())


def titles(response) -> list[str]:
    """Of the tab and of the page."""
    page = response.content.decode()
    return [re.search(r"<title>(.*?) \|", page)[1], re.search(r"<h1[^>]*>([^<]*)", page)[1].strip()]


class TestSidebar:
    def test_sidebar_has_groups_of_places(self, dashboard_client):
        shown = sidebar(dashboard_client.get(DASHBOARD))

        assert re.findall(r"<h2[^>]*>([^<]+)", shown) == ["Customers", "Sales", "Apps and API", "Settings"]
        assert current(dashboard_client.get(DASHBOARD)) == ["Home"]

    def test_sidebar_marks_the_current_place_on_pages_below_it(self, dashboard_client, ada):
        for url in (CUSTOMERS, customer_url(ada), f"{CUSTOMERS}add/", f"{CUSTOMERS}duplicates/"):
            assert current(dashboard_client.get(url)) == ["Customers"], url

    def test_sidebar_shows_deliveries_only_beside_webhooks(self, dashboard_client):
        assert "Deliveries" not in sidebar(dashboard_client.get(CUSTOMERS))
        assert "Deliveries" in sidebar(dashboard_client.get(WEBHOOKS))
        assert current(dashboard_client.get(f"{DASHBOARD}webhooks/delivery/")) == ["Deliveries"]

    def test_sidebar_has_only_what_the_role_may_view(self, as_role):
        shown = sidebar(as_role("Viewer").get(DASHBOARD))

        assert "Orders" in shown
        for hidden in ("Staff", "API tokens", "Webhooks", "Imports and exports", "Security log"):
            assert hidden not in shown

    def test_no_place_is_missing_in_the_sidebar(self, dashboard_client):
        shown = sidebar(dashboard_client.get(WEBHOOKS))

        names = re.findall(r'href="/dashboard/(\w+)/(\w+)/"', shown)
        # Those of the mirror's events are shown only beside the mirrored stores.
        places = {model for model in apps.get_models() if admin.site.is_registered(model)} - {ReceivedEvent}
        assert sorted(names) == sorted((model._meta.app_label, model._meta.model_name) for model in places)


class TestStoreName:
    def test_pages_have_the_name_of_the_store(self, dashboard_client, client):
        change_details(name="Beans <& Sons>")

        for page in (dashboard_client.get(CUSTOMERS), client.get(f"{DASHBOARD}login/")):
            assert "Beans &lt;&amp; Sons&gt;" in page.content.decode()
            assert "<& Sons>" not in page.content.decode()


class TestBreadcrumbs:
    def test_breadcrumbs_name_each_page_once(self, dashboard_client, ada):
        trails = {
            CUSTOMERS: "Home > Customers",
            f"{CUSTOMERS}add/": "Home > Customers > Add customer",
            f"{customer_url(ada)}": f"Home > Customers > {ada}",
            f"{DASHBOARD}orders/order/": "Home > Orders",
            f"{DASHBOARD}customers/blockedcustomer/": "Home > Block list",
        }

        assert {url: breadcrumbs(dashboard_client.get(url)) for url in trails} == trails

    def test_heading_of_a_list_has_the_name_of_the_sidebar(self, dashboard_client):
        for url, name in ((f"{DASHBOARD}groups/customergroup/", "Groups"), (WEBHOOKS, "Webhooks")):
            page = dashboard_client.get(url)
            assert current(page) == [name]
            assert f"<h1>{name}</h1>" in page.content.decode()

    def test_each_place_has_one_name_on_its_page_and_where_something_is_added(self, dashboard_client):
        """In the sidebar, the title, the heading and the breadcrumbs; a page of adding in the search, too."""
        request = dashboard_client.get(DASHBOARD).wsgi_request
        for place in navigation.places(admin.site.get_app_list(request)):
            page = dashboard_client.get(place["admin_url"], follow=True)
            if place["name"] != "Store details":  # opens the only object
                assert titles(page) == [place["name"], place["name"]], place["name"]
                assert breadcrumbs(page) == f"Home > {place['name']}"
            if place["add_url"] and place["name"] != "Segments":  # begins with the list of customers
                adding = dashboard_client.get(place["add_url"])
                name = titles(adding)[0]
                assert titles(adding) == [name, name]
                assert breadcrumbs(adding).endswith(f" > {name}")
                found = dashboard_client.get(f"{DASHBOARD}search/", {"q": name}).content.decode()
                assert f'href="{place["add_url"]}"' in found, name

    def test_index_of_an_app_leads_home(self, dashboard_client):
        assert dashboard_client.get(f"{DASHBOARD}customers/").headers["Location"] == DASHBOARD
