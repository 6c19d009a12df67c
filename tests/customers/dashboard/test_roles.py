"""What owners, staff and viewers may do: every URL of the dashboard, and every link and form on its pages."""

import re
from decimal import Decimal

import pytest
from django.contrib.auth.models import Group
from django.db import transaction
from django.urls import get_resolver

from customers.groups.services import create_group
from customers.jobs import bulk_edits
from customers.metadata.services import create_definition
from customers.mirror.payload import InboundEvent
from customers.mirror.services import get_or_create_store, process_event
from customers.models import User
from customers.orders.checkout import create_cart
from customers.orders.services import record_order, record_subscription
from customers.segments.services import create_segment
from customers.webhooks.services import send_test
from oauth.accounts import staff
from oauth.accounts.own_roles import create_role
from oauth.actor import SYSTEM, Actor
from oauth.audit.log import Event, record
from oauth.audit.models import AuditEvent
from oauth.models import PrivateApp
from oauth.scopes import Scope
from oauth.tokens import issue_personal_token
from tests.support.crawl import crawl, refused_forms
from tests.support.dashboard import CUSTOMERS, DASHBOARD, customer_url, save_customer
from tests.support.factories import make_address, make_note
from tests.support.order_documents import order, subscription
from tests.support.partner import register_partner
from tests.support.webhooks import make_webhook

ALL, EDITORS, OWNERS, NOBODY = {"Owner", "Staff", "Viewer"}, {"Owner", "Staff"}, {"Owner"}, set()

REFUSED = (403, 405)
LINE = {"product_id": 71, "quantity": 1, "price": Decimal("10.00")}

# The first pattern that matches the name of a view: the roles that may open it, and the roles that may send its form.
ALLOWED = [
    # Open to everybody, or about one's own account.
    (r"index|home|search|logo|apps|app_list|jsi18n|autocomplete|view_on_site|None", None, None),
    (r"(sign-in|account|two-factor)(-\w+)*|login|logout|password_\w+|admin_password_reset", None, None),
    (r"install-app|open-app", OWNERS, NOBODY),
    (r"accounts_staffrole_\w+", OWNERS, OWNERS),
    (r"(metadata_definition|webhooks_webhook)_delete", OWNERS, OWNERS),
    (r"groups_customergroup_delete", EDITORS, EDITORS),
    (r"segments_segment_(changelist|history)", ALL, ALL),
    (r"segments_segment_change", ALL, EDITORS),
    (r"segments_segment_(add|delete)", EDITORS, EDITORS),
    (r"\w+_delete", NOBODY, NOBODY),
    (r"webhooks_delivery_add", NOBODY, NOBODY),
    (r"webhooks_delivery_change", OWNERS, NOBODY),
    (r"webhooks_\w+", OWNERS, OWNERS),
    (r"mirror_\w+_add", NOBODY, NOBODY),
    (r"mirror_\w+_change", OWNERS, NOBODY),
    (r"mirror_\w+", OWNERS, OWNERS),
    (r"audit_auditevent_add", NOBODY, NOBODY),
    (r"audit_auditevent_change", OWNERS, NOBODY),
    (r"audit_auditevent_\w+", OWNERS, OWNERS),
    (r"oauth_\w+", OWNERS, OWNERS),
    (r"customers_staffmember_\w+", OWNERS, OWNERS),
    (r"customers_customer_tags", ALL, NOBODY),
    (r"customers_blockedcustomer_(add|delete)", NOBODY, NOBODY),
    (r"customers_blockedcustomer_\w+", ALL, ALL),
    (r"customers_tag_(changelist|history)", ALL, ALL),
    (r"customers_tag_change", ALL, EDITORS),
    (r"customers_tag_(add|delete_tag)", EDITORS, EDITORS),
    (r"customers_customer_(changelist|history)", ALL, ALL),
    (r"customers_customer_change", ALL, NOBODY),
    (r"customers_customer_(edit|edit_part|add_address|edit_address|delete_address)", EDITORS, EDITORS),
    (r"customers_customer_count", ALL, NOBODY),
    (r"customers_customer_columns", NOBODY, ALL),  # by its button
    (r"customers_customer_export", NOBODY, EDITORS),  # by its button
    (r"customers_customer_edit_note", NOBODY, EDITORS),  # it is the note of somebody else
    (r"customers_customer_(add|add_note|block|edit_block|unblock|send_password_reset|personal_data)", EDITORS, EDITORS),
    (r"customers_customer_erase", OWNERS, OWNERS),
    (r"customers_customer_duplicates", ALL, NOBODY),
    (r"customers_customer_dismiss_duplicate", NOBODY, EDITORS),  # by its button
    (r"customers_customer_merge", EDITORS, NOBODY),
    (r"customers_customer_(confirm_merge|undo_merge)", EDITORS, EDITORS),
    (r"jobs_job_(add|delete)", NOBODY, NOBODY),
    (r"jobs_job_(step|discard)", NOBODY, EDITORS),  # by their buttons
    (r"jobs_job_(refused|file)", EDITORS, NOBODY),
    (r"jobs_job_\w+", EDITORS, EDITORS),
    (r"metadata_definition_(changelist|history)", ALL, ALL),
    (r"metadata_definition_change", ALL, OWNERS),
    (r"metadata_definition_add", OWNERS, OWNERS),
    (r"groups_customergroup_(changelist|history)", ALL, ALL),
    (r"groups_customergroup_change", ALL, EDITORS),
    (r"groups_customergroup_add", EDITORS, EDITORS),
    (r"groups_customergroup_(add|remove)_member", NOBODY, EDITORS),  # by their buttons
    (r"orders_\w+_(changelist|history)", ALL, ALL),
    (r"orders_\w+_change", ALL, NOBODY),
    (r"orders_\w+_add", NOBODY, NOBODY),
    (r"store_storedetails_add", NOBODY, NOBODY),
    (r"store_storedetails_(changelist|history)", ALL, ALL),
    (r"store_storedetails_change", ALL, OWNERS),
]


def views(resolver=None, prefix="/") -> list[tuple[str, str]]:
    """The patterns and the names of all views below /dashboard/."""
    found = []
    for entry in (resolver or get_resolver()).url_patterns:
        path = prefix + str(entry.pattern)
        if hasattr(entry, "url_patterns"):
            found += views(entry, path)
        elif path.startswith(DASHBOARD):
            found.append((path, str(entry.name)))
    return found


def allowed(name: str) -> tuple[set | None, set | None]:
    rules = [rule for pattern, *rule in ALLOWED if re.fullmatch(pattern, name)]
    assert rules, f"Say in this module who may open {name}."
    return rules[0]


RESTRICTED = [(path, name) for path, name in views() if any(rule is not None for rule in allowed(name))]


@pytest.fixture
def ids(owner, ada) -> dict[str, object]:
    """The id of one object of each kind, by the name of its model or of the parameter in its URLs."""
    issue_personal_token(app_name="ERP", scopes=[Scope.USERS_READ], owner=owner)
    record(Event.SIGNED_IN, Actor())
    partner = register_partner(owner).app
    return {
        "client_id": partner.client_id,
        **dict.fromkeys(("job", "job_id"), bulk_edits.TYPES["block"].create({"search": "nobody"}, by=owner).pk),
        "note_id": make_note(ada, author=owner).pk,
        "customer": ada.pk,
        "part": "contact",
        "address_id": make_address(ada).pk,
        "staffmember": owner.pk,
        "staffrole": create_role(name="Support", levels={"customers": "edit"}, by=SYSTEM).pk,
        "privateapp": PrivateApp.objects.get().pk,
        "partnerapp": partner.pk,
        "auditevent": AuditEvent.objects.earliest("pk").pk,
        "definition": create_definition(object="customer", key="points", name="Points", type="integer").pk,
        **webhook_ids(),
        **mirror_ids(),
        "segment": create_segment(name="VIP", filters={"tag": "vip"}).pk,
        **dict.fromkeys(("customergroup", "group_id"), create_group(name="VIP").pk),
        "customer_id": ada.pk,
        "order": record_order(user_id=ada.pk, document=order()).pk,
        "cart": create_cart(by=SYSTEM, user={"email": "lead@example.com"}, lines=[LINE]).pk,
        "subscription": record_subscription(user_id=ada.pk, document=subscription()).pk,
    }


def webhook_ids() -> dict[str, int]:
    """Of a webhook and a delivery."""
    webhook = make_webhook()
    return {"webhook": webhook.pk, "delivery": send_test(webhook.pk).pk}


def mirror_ids() -> dict[str, int]:
    """Of a mirrored store, and of an event that it sent."""
    store = get_or_create_store("https://live.example")
    process_event(store, InboundEvent("1", "customer.updated", {"id": 5001}))
    return {"mirroredstore": store.pk, "receivedevent": store.events.get().pk}


def url_of(path: str, ids: dict) -> str:
    model = path.split("/")[3]
    return re.sub(r"<(?:\w+:)?(\w+)>", lambda match: str(ids.get(match[1], ids.get(model))), path)


@pytest.mark.parametrize("role", sorted(ALL))
def test_views_are_open_to_the_roles_that_may_use_them(as_role, ids, role):
    browser, wrong = as_role(role), []
    for path, name in RESTRICTED:
        url, expected = url_of(path, ids), [role in roles for roles in allowed(name)]
        with transaction.atomic():  # each view finds every object in place
            statuses = [browser.get(url).status_code, browser.post(url).status_code]
            transaction.set_rollback(True)
        if max(statuses) >= 500 or [status not in REFUSED for status in statuses] != expected:
            wrong.append(f"{name}: GET and POST answered {statuses}, allowed: {expected}")

    assert wrong == []


def test_views_send_anonymous_people_to_the_sign_in_page(anonymous):
    for path, _ in RESTRICTED:
        if "<" not in path:
            response = anonymous.get(path)
            assert response.status_code == 302, path
            assert response.headers["Location"].startswith(f"{DASHBOARD}login/"), path


# Scripts that every page, list or form of an object loads: the colours, the frame, filters that stay open, the focus.
FRAME = {"theme.js", "shell.js", "filters.js", "change_form.js"}
# Every other one, and the models whose pages load it. None is jQuery, nor needs it.
SCRIPTS = {
    "home.js": {""},
    "list.js": {"customer", "segment"},  # a segment is made from the list of customers
    "customer.js": {"customer"},
    "tags.js": {"customer", "job"},  # an import adds tags
    "job.js": {"job"},
    "definition.js": {"definition"},
    "scopes.js": {"partnerapp", "privateapp"},
    "events.js": {"webhook"},
    "webhook.js": {"webhook", "delivery"},
    "cancel.js": {"webhook", "definition"},  # of Django's page that confirms a deletion
}


@pytest.mark.parametrize("role", sorted(ALL))
def test_pages_show_no_link_or_form_that_is_refused(as_role, ids, role):
    browser = as_role(role)

    found = crawl(browser, [DASHBOARD, customer_url_of(ids)])

    assert found.refused == set()
    assert {CUSTOMERS, f"{DASHBOARD}orders/order/", f"{DASHBOARD}account/"} <= found.pages
    assert (f"{DASHBOARD}customers/staffmember/" in found.pages) == (role == "Owner")
    assert (f"{CUSTOMERS}add/" in found.pages) == (role != "Viewer")
    if role == "Owner":
        assert {name: models for name, models in found.scripts.items() if name not in FRAME} == SCRIPTS
    if role != "Owner":  # owners have forms that end sessions, also their own
        assert refused_forms(browser, found.forms) == []


def customer_url_of(ids: dict) -> str:
    return f"{CUSTOMERS}{ids['customer']}/change/"


class TestApps:
    @pytest.mark.parametrize("role", ["Staff", "Viewer"])
    def test_install_app_needs_an_owner(self, as_role, ids, owner, role):
        partner = register_partner(owner)
        browser = as_role(role)

        asked = browser.get(partner.authorize_url())
        decided = browser.post(partner.authorize_url(), {"decision": "authorize"})

        assert (asked.status_code, decided.status_code) == (403, 403)
        assert "Only owners of the store install and open apps" in asked.content.decode()
        partner.app.refresh_from_db()
        assert partner.app.installed_at is None

    def test_install_app_by_an_owner_who_is_no_superuser(self, as_role, owner):
        partner = register_partner(owner)

        assert partner.install(as_role("Owner"))["access_token"]


class TestNobody:
    def test_tables_of_groups_and_of_all_people_have_no_page(self, dashboard_client):
        assert dashboard_client.get(f"{DASHBOARD}auth/group/").status_code == 404
        assert dashboard_client.get(f"{DASHBOARD}customers/user/").status_code == 404

    def test_customer_form_cannot_make_a_customer_staff(self, dashboard_client, ada):
        forged = {"user_type": "dashboard", "is_superuser": "on", "groups": str(Group.objects.get(name="Owner").pk)}

        save_customer(dashboard_client, ada, first_name="Eve", **forged)

        person = User.objects.get(pk=ada.pk)
        assert person.first_name == "Eve"
        assert (person.user_type, person.is_superuser, person.groups.count()) == ("lead", False, 0)

    def test_customer_urls_do_not_reach_staff(self, dashboard_client, owner):
        for url in (customer_url(owner), f"{CUSTOMERS}{owner.pk}/erase/", f"{CUSTOMERS}{owner.pk}/block/"):
            assert dashboard_client.post(url).status_code in (302, 404, 405)
        owner.refresh_from_db()
        assert (owner.is_superuser, owner.is_blocked) == (True, False)


def test_roles_are_the_groups(db):
    assert set(Group.objects.values_list("name", flat=True)) == set(staff.Role.values)
