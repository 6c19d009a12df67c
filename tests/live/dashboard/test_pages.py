"""Every page is accessible (axe, WCAG 2.1 AA), no wider than the screen, and requests nothing from other hosts."""

import re
from base64 import b32decode
from importlib.resources import files

import pytest
from django_otp.oath import totp

from tests.live.conftest import wait_until
from tests.live.dashboard.pages import WIDTHS, Pages
from tests.live.dashboard.people import PASSWORD, add_customer, record_sales
from tests.live.owner import errors, hosts_asked
from tests.support.factories import address
from tests.support.order_documents import full

# The package is made for Playwright; only its script is used.
AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text()
RUN_AXE = """
    const [options, done] = arguments;
    axe.run(document, options).then((found) => done(found.violations));
"""
OPTIONS = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"],
    "resultTypes": ["violations"],
}
# Colours take nine tenths of the time. They do not depend on the width, apart from what only one width shows.
LAYOUT = {**OPTIONS, "rules": {"color-contrast": {"enabled": False}}}
COLOURS = {**OPTIONS, "runOnly": ["color-contrast"]}
# What is checked of each page: width, mode, and the rules of axe.
LOOKS = [
    ("desktop", "light", OPTIONS),
    ("desktop", "dark", COLOURS),
    ("tablet", "dark", LAYOUT),
    ("phone", "dark", OPTIONS),
]
SCROLLED_SIDEWAYS = """
    return [...document.querySelectorAll("#content :not(pre, textarea)")]
        .filter((part) => part.scrollWidth > part.clientWidth + 1 && part.clientWidth)
        .filter((part) => ["auto", "scroll"].includes(getComputedStyle(part).overflowX))
        .map((part) => `${part.className}: ${part.scrollWidth} in ${part.clientWidth}`);
"""
LIST = "customers/customer/"
OF_THE_OWNER = [
    "",
    "search/?q=ada",
    LIST,
    f"{LIST}?user_type=lead&tag=vip&joined_from=2020-01-01&spent_from=x",
    f"{LIST}?q=nobody-at-all",
    f"{LIST}add/",
    f"{LIST}{{customer}}/change/",
    f"{LIST}{{customer}}/edit/",
    f"{LIST}{{customer}}/block/",
    f"{LIST}{{customer}}/send_password_reset/",
    f"{LIST}{{customer}}/notes/add/",
    f"{LIST}{{customer}}/erase/",
    "jobs/job/",
    "jobs/job/import/",
    "metadata/definition/",
    "metadata/definition/add/",
    "metadata/definition/{definition}/change/",
    "orders/order/",
    "orders/order/{order}/change/",
    "orders/subscription/",
    "orders/subscription/{subscription}/change/",
    "customers/staffmember/",
    "customers/staffmember/add/",
    "customers/staffmember/two-factor/",
    "customers/blockedcustomer/",
    "customers/tag/",
    "groups/customergroup/",
    "segments/segment/",
    "store/storedetails/1/change/",
    "customers/staffmember/{member}/change/",
    "customers/staffmember/{member}/deactivate/",
    "accounts/staffrole/",
    "accounts/staffrole/add/",
    "accounts/staffrole/{role}/change/",
    "oauth/partnerapp/",
    "oauth/partnerapp/add/",
    "oauth/partnerapp/{app}/change/",
    "oauth/partnerapp/{app}/replace_secret/",
    "oauth/privateapp/",
    "oauth/privateapp/add/",
    "oauth/privateapp/{token}/change/",
    "oauth/privateapp/{token}/replace/",
    "audit/auditevent/",
    "webhooks/webhook/",
    "webhooks/webhook/add/",
    "webhooks/webhook/{webhook}/change/",
    "webhooks/webhook/{webhook}/send_test/",
    "webhooks/webhook/{webhook}/delete/",
    "webhooks/delivery/",
    "webhooks/delivery/{delivery}/change/",
    "webhooks/delivery/{delivery}/send_again/",
    "mirror/mirroredstore/",
    "mirror/mirroredstore/{mirrored_store}/change/",
    "mirror/receivedevent/",
    "mirror/receivedevent/{received_event}/change/",
    "account/",
    "password_change/",
]
OF_ANYBODY = [
    "login/",
    "password_reset/",
    "password_reset/done/",
    "password_reset/no/link/",
    "password_reset/complete/",
]
MIRROR_A_STORE = """
from customers.mirror.payload import InboundEvent
from customers.mirror.services import get_or_create_store, process_event
store = get_or_create_store("https://live.example")
process_event(store, InboundEvent("1", "customer.updated", {"id": 5001, "email": "5001@live.example"}))
"""
# Of the same length in words, however long the tests take.
A_WHILE_AGO = """
from datetime import timedelta
from django.db.models import F
from customers.webhooks.models import Delivery, Webhook
for model, names in ((Webhook, ["created_at", "failing_since"]), (Delivery, ["created_at", "last_sent_at"])):
    model.objects.update(**{name: F(name) - timedelta(minutes=25) for name in names})
"""


@pytest.fixture(scope="module")
def ids(shop, owner, colleagues) -> dict[str, str]:
    """The id of one object of each kind; the pages of these objects show everything that a page can show."""
    customer = add_customer(shop, tags=["vip", "wholesale"], addresses=[address(), address()], metadata={"points": 7})
    url = f"{shop.url}/api/admin/users/{customer['id']}/notes/"
    assert shop.session().post(url, json={"message": "Asked for a call back."}).ok
    record_sales(shop, customer, full("order"), full("subscription"))
    shop.register_app("http://localhost:3000/", "http://localhost:3000/callback")
    colleagues("Viewer")
    points = {"object": "customer", "key": "points", "name": "Points", "type": "integer", "maximum_value": "100"}
    owner.submit("/dashboard/metadata/definition/add/", **points, enable_filter="on")
    hook = {"target": "http://127.0.0.1:9/", "events": "customer.created", "api_version": "2024-04-01"}
    owner.submit("/dashboard/webhooks/webhook/add/", **hook, active="on")
    add_customer(shop)

    def first(path: str) -> str:
        return re.findall(rf"/dashboard/{path}/(\d+)/change/", owner.get(f"{shop.url}/dashboard/{path}/").text)[-1]

    paths = {
        "definition": "metadata/definition",
        "order": "orders/order",
        "subscription": "orders/subscription",
        "member": "customers/staffmember",
        "role": "accounts/staffrole",
        "app": "oauth/partnerapp",
        "webhook": "webhooks/webhook",
        "delivery": "webhooks/delivery",
        "mirrored_store": "mirror/mirroredstore",
        "received_event": "mirror/receivedevent",
    }
    delivery = f"{shop.url}/dashboard/webhooks/delivery/{first('webhooks/delivery')}/change/"
    wait_until(lambda: "data-outcome" not in owner.get(delivery).text)  # until it is sent, its page looks again
    shop.manage("shell", "-c", MIRROR_A_STORE + A_WHILE_AGO)
    found = {name: first(path) for name, path in paths.items()}
    return {**found, "customer": customer["id"], "token": first("oauth/privateapp")}


@pytest.fixture
def desk(chrome, shop, owner):
    pages = Pages(chrome, shop, *WIDTHS["desktop"])
    pages.be(owner)
    forget_logs(chrome)
    yield pages
    pages.use_scheme("light")


def forget_logs(chrome) -> None:
    for log in ("performance", "browser"):
        chrome.get_log(log)


def faults(pages: Pages, options=OPTIONS) -> list[str]:
    """The axe rules that the current page breaks, and where."""
    if not pages.browser.execute_script("return 'axe' in window"):
        pages.browser.execute_script(AXE)
    found = pages.browser.execute_async_script(RUN_AXE, options)
    return [f"{each['id']}: {' '.join(node['target'])}" for each in found for node in each["nodes"]]


def check(pages: Pages) -> None:
    """Checks the current page in all its looks."""
    assert errors(pages.browser) == []  # violations of the content security policy included
    assert hosts_asked(pages.browser, pages.shop) == {pages.shop.url.removeprefix("http://")}
    for width, scheme, options in LOOKS:
        pages.use_scheme(scheme)
        pages.resize(*WIDTHS[width])
        too_wide = pages.browser.execute_script("return document.documentElement.scrollWidth - innerWidth")
        assert too_wide <= 0, width
        if width != "phone":
            assert pages.browser.execute_script(SCROLLED_SIDEWAYS) == [], width
        assert faults(pages, options) == [], (width, scheme)
    forget_logs(pages.browser)  # axe itself tries styles that the policy forbids


class TestEveryPage:
    @pytest.mark.parametrize("path", OF_THE_OWNER)
    def test_dashboard_page_is_accessible(self, desk, ids, path):
        desk.open(path.format(**ids))

        assert "/login/" not in desk.browser.current_url
        check(desk)

    @pytest.mark.parametrize("path", OF_ANYBODY)
    def test_sign_in_page_is_accessible(self, desk, path):
        desk.be(None)

        desk.open(path)

        check(desk)

    def test_form_with_errors_is_accessible(self, desk):
        desk.open("customers/customer/add/")
        desk.press("Add customer")

        assert desk.find(".errornote")
        check(desk)

    def test_page_with_a_secret_is_accessible(self, desk):
        desk.open("oauth/privateapp/add/")
        desk.fill(name="Till")
        desk.find("[name=preset][value=customers]").click()
        assert len(desk.all("[name=allowed_scopes]:checked")) == 2
        desk.press("Save")

        assert desk.find("#access_token")
        check(desk)

    def test_two_factor_pages_are_accessible(self, desk, colleagues):
        careful = colleagues("Viewer")
        desk.be(careful)
        desk.open("account/")
        desk.press("Switch on")
        check(desk)

        desk.resize(*WIDTHS["desktop"])
        code = totp(b32decode(desk.find(".oauth-key").text.replace(" ", "")))
        desk.fill(code=f"{code:06}")
        desk.press("Switch on")
        check(desk)

        desk.be(None)
        desk.resize(*WIDTHS["desktop"])
        desk.open()
        desk.fill(username=careful.email, password=PASSWORD)
        desk.press("Sign in")
        assert desk.find("[name=code]")
        check(desk)


class TestPublicPages:
    def test_front_door_is_accessible(self, desk):
        desk.be(None)

        desk.browser.get(f"{desk.shop.url}/")

        assert desk.heading == "Welcome to this store"
        check(desk)

    @pytest.mark.parametrize("signed_in", [True, False])
    def test_error_page_is_accessible(self, desk, owner, signed_in):
        desk.be(owner if signed_in else None)

        desk.browser.get(f"{desk.shop.url}/dashboard/nope/nope/" if signed_in else f"{desk.shop.url}/nope/")

        assert desk.heading == "Page not found"
        assert all("404" in error for error in errors(desk.browser))
        check(desk)

    def test_signed_out_page_is_accessible(self, desk, colleagues):
        desk.be(colleagues("Viewer"))
        desk.open()

        desk.find("#user-tools summary").click()
        desk.press("Sign out")

        assert desk.heading == "You are signed out"
        check(desk)


class TestAxe:
    def test_axe_finds_faults(self, desk):
        """So axe does run under the store's policy for scripts, and the tests above can fail."""
        desk.open()

        desk.browser.execute_script("document.querySelector('h1').style.color = '#eee'; document.title = ''")

        assert {fault.split(":")[0] for fault in faults(desk)} == {"color-contrast", "document-title"}


def test_webhook_form_ticks_all_events_and_a_test_is_answered_in_place(desk, ids):
    desk.open(f"webhooks/webhook/{ids['webhook']}/change/")

    def ticked() -> int:
        return len(desk.all("[name='events']:checked"))

    before, offered = ticked(), len(desk.all("[name='events']"))
    desk.find("[name='events'][value='all']").click()
    with_all = ticked()
    desk.find("[name='events'][value='export.created']").click()
    assert (before, with_all, ticked()) == (1, offered, offered - 2)

    desk.open(f"webhooks/webhook/{ids['webhook']}/change/")
    desk.press("Send a test")
    desk.wait_for(
        lambda: "No answer" in desk.find(".test-outcome").text and "refused" in desk.find(".test-outcome").text
    )
    newest = "[aria-labelledby=webhook-deliveries] tbody tr:first-child"
    desk.wait_for(lambda: "An example customer" in desk.find(newest).text)
    desk.press("Look at it")
    assert "No answer" in desk.find("#content").text
    assert errors(desk.browser) == []
