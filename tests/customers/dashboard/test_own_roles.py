"""A store's own roles: made of sections on one page, and what their members may see, do and give."""

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command

from customers.models import StaffMember
from customers.orders.services import record_order
from oauth.accounts import own_roles, staff
from oauth.accounts.models import StaffRole
from oauth.accounts.own_roles import create_role, update_role
from oauth.accounts.sections import SECTIONS, Level
from oauth.actor import SYSTEM, Actor
from oauth.audit.models import AuditEvent
from oauth.errors import ServiceError
from oauth.scopes import Scope
from oauth.tokens import issue_personal_token
from tests.customers.dashboard.test_roles import ids  # noqa: F401  a fixture
from tests.support.cases import each
from tests.support.clients import ADMIN_API, USERS, ApiClient
from tests.support.crawl import crawl, refused_forms
from tests.support.dashboard import CUSTOMERS, DASHBOARD, browser_of, browser_of_role, customer_url
from tests.support.order_documents import order
from tests.support.staff import STAFF, make_member, member_url

ROLES = f"{DASHBOARD}accounts/staffrole/"


def levels_form(**levels: str) -> dict[str, str]:
    return {f"levels-{key}": levels.get(key, "none") for key in SECTIONS}


def role_url(role: StaffRole, view: str = "change") -> str:
    return f"{ROLES}{role.pk}/{view}/"


def logged(event: str) -> list[dict]:
    return list(AuditEvent.objects.filter(event=event).order_by("id").values_list("detail", flat=True))


def text_of(response) -> str:
    assert response.status_code == 200, response.status_code
    return response.content.decode()


class TestPage:
    def test_owner_makes_a_role_of_sections(self, dashboard_client):
        form = {"name": " Support ", **levels_form(customers="edit", sales="view")}

        assert dashboard_client.post(f"{ROLES}add/", form).status_code == 302

        role = StaffRole.objects.get(group__name="Support")
        assert role.levels == {"customers": "edit", "sales": "view"}
        names = set(role.group.permissions.values_list("codename", flat=True))
        assert {"change_customer", "view_order", "add_segment"} <= names
        assert not names & {"change_order", "export_customer", "erase_customer", "view_webhook"}
        assert logged("role_created") == [{"role": "Support", "sections": role.levels}]
        page = text_of(dashboard_client.get(ROLES))
        assert "Customers: edit, Sales: view" in page
        assert 'name="levels-sales" value="view" aria-label="Sales: View" checked' in text_of(
            dashboard_client.get(role_url(role))
        )

    @each(
        "form, message",
        [
            ({"name": "owner", **levels_form(customers="view")}, "already a role with this name"),
            ({"name": "Empty", **levels_form()}, "Open at least one section."),
            ({"name": "Sellers", **levels_form(sales="view")}, "give at least View there, too"),
            ({"name": "Log", **levels_form(log="edit")}, "Security log can&#x27;t be edited."),
            ({"name": "Odd", **levels_form(customers="all")}, "Choose a level of each section."),
            ({"name": "", **levels_form(customers="view")}, "This field is required."),
        ],
    )
    def test_role_that_does_not_fit_is_refused(self, dashboard_client, form, message):
        before = Group.objects.count()

        assert message in text_of(dashboard_client.post(f"{ROLES}add/", form))
        assert Group.objects.count() == before

    def test_built_in_roles_have_a_page_without_a_form(self, dashboard_client):
        viewer = StaffRole.objects.get(group__name="Viewer")

        assert "_save" not in text_of(dashboard_client.get(role_url(viewer)))
        assert dashboard_client.post(role_url(viewer), {"name": "X", **levels_form(log="view")}).status_code == 403
        with pytest.raises(ServiceError, match="Built-in"):
            own_roles.delete_role(viewer.pk, by=SYSTEM)

    def test_role_in_use_is_not_deleted(self, dashboard_client):
        role = create_role(name="Support", levels={"customers": "view"}, by=SYSTEM)
        member = make_member("Support")

        page = text_of(dashboard_client.post(role_url(role, "delete"), follow=True))

        assert "1 person has this role. Give them another role first." in page
        staff.change_role(member.pk, "Viewer", by=SYSTEM)
        dashboard_client.post(role_url(role, "delete"))
        assert not Group.objects.filter(name="Support").exists()
        assert logged("role_deleted") == [{"role": "Support"}]

    def test_owner_gives_an_own_role_by_invitation_and_on_the_page_of_a_member(self, dashboard_client):
        create_role(name="Support", levels={"customers": "view"}, by=SYSTEM)
        member = make_member("Staff")

        dashboard_client.post(f"{STAFF}add/", {"email": "new@store.example", "first_name": "", "last_name": "",
                                               "role": "Support"})  # fmt: skip
        dashboard_client.post(member_url(member), {"first_name": "", "last_name": "", "role": "Support"})

        roles = {staff.role_of(each) for each in StaffMember.objects.filter(groups__name="Support")}
        assert (roles, StaffMember.objects.filter(groups__name="Support").count()) == ({"Support"}, 2)


class TestLimits:
    """What a role may do, in the dashboard and by the API."""

    def test_shrunk_role_holds_from_the_next_request_on(self, dashboard_client, owner, ada):
        role = create_role(name="Support", levels={"customers": "edit", "sales": "edit"}, by=SYSTEM)
        member = make_member("Support")
        browser, token = browser_of(member), issue_personal_token(
            app_name="ERP", scopes=[Scope.ADMIN_READ, Scope.ADMIN_WRITE], owner=member, rate_limit=0
        )  # fmt: skip
        api = ApiClient(token)

        def statuses():
            return [
                browser.get(f"{DASHBOARD}orders/order/").status_code,
                browser.get(f"{CUSTOMERS}add/").status_code,
                api.get(USERS).status_code,
                api.post(USERS, {}).status_code,
                api.get(f"{ADMIN_API}orders/").status_code,
                api.get(f"{ADMIN_API}webhooks/").status_code,
            ]

        assert statuses() == [200, 200, 200, 400, 200, 403]
        dashboard_client.post(role_url(role), {"name": "Readers", **levels_form(customers="view")})

        assert statuses() == [403, 403, 200, 403, 403, 403]
        assert logged("role_changed") == [
            {"role": ["Support", "Readers"],
             "sections": [{"customers": "edit", "sales": "edit"}, {"customers": "view"}]}
        ]  # fmt: skip
        assert logged("token_limited") == [{"owner": member.email, "role": "Readers"}]

    def test_two_roles_of_one_person_add_up(self, owner):
        create_role(name="A", levels={"customers": "view"}, by=SYSTEM)
        create_role(name="B", levels={"settings": "view"}, by=SYSTEM)
        member = make_member("A")
        member.groups.add(Group.objects.get(name="B"))
        api = ApiClient(issue_personal_token(app_name="ERP", scopes=[Scope.ADMIN_READ], owner=member))

        paths = (USERS, f"{ADMIN_API}store/", f"{ADMIN_API}orders/")
        assert [api.get(path).status_code for path in paths] == [200, 200, 403]

    def test_migrate_keeps_own_roles_and_gives_them_what_their_sections_declare(self, db):
        role = create_role(name="Support", levels={"customers": "view"}, by=SYSTEM)
        before = set(role.group.permissions.all())
        role.group.permissions.set(Permission.objects.filter(codename="erase_customer"))

        call_command("migrate", verbosity=0)

        assert set(role.group.permissions.all()) == before

    def test_every_permission_of_a_built_in_role_belongs_to_a_section_or_to_owners_alone(self):
        declared, in_sections = set(), set()
        for app in apps.get_app_configs():
            for codenames in getattr(app, "role_permissions", {}).values():
                declared |= set(codenames)
            for key, levels in getattr(app, "section_permissions", {}).items():
                assert Level(min(levels)) in SECTIONS[key].levels
                in_sections |= {codename for codenames in levels.values() for codename in codenames}

        of_owners = {"erase_customer", *(f"{verb}_staffrole" for verb in ("view", "add", "change", "delete"))}
        assert declared - in_sections == of_owners


class TestGiving:
    """Nobody gives more than they have."""

    @pytest.fixture
    def manager(self, owner):
        create_role(name="Manager", levels={"customers": "edit", "staff": "edit"}, by=SYSTEM)
        create_role(name="Readers", levels={"customers": "view"}, by=SYSTEM)
        return make_member("Manager")

    def test_manager_gives_only_roles_that_may_do_less(self, manager):
        browser, member = browser_of(manager), make_member("Readers")

        page = text_of(browser.get(member_url(member)))
        forged = browser.post(member_url(member), {"first_name": "", "last_name": "", "role": "Owner"})

        assert ['value="Readers"' in page, 'value="Manager"' in page] == [True, True]
        assert ['value="Owner"' in page, 'value="Staff"' in page, 'value="Viewer"' in page] == [False] * 3
        assert forged.status_code == 200
        assert staff.role_of(member) == "Readers"
        for role in ("Owner", "Staff"):
            with pytest.raises(ServiceError, match="may do more than you may"):
                staff.invite(email="x@store.example", role=role, by=Actor(user_id=manager.pk))

    def test_manager_does_not_touch_people_who_may_do_more(self, manager, owner):
        browser = browser_of(manager)

        for view in ("change", "deactivate", "sign_out", "switch_off_two_factor"):
            assert browser.post(member_url(owner, view), {"role": "Readers"}).status_code == 403, view
        assert "deactivate/" not in text_of(browser.get(member_url(owner)))
        with pytest.raises(ServiceError, match="may do more than you may"):
            staff.deactivate(owner.pk, by=Actor(user_id=manager.pk))

    def test_roles_are_made_by_owners_only(self, manager):
        role = StaffRole.objects.get(group__name="Readers")
        browser = browser_of(manager)

        assert {browser.get(url).status_code for url in (ROLES, f"{ROLES}add/", role_url(role))} == {403}
        with pytest.raises(ServiceError, match="may do more than you may"):
            update_role(role.pk, name="Readers", levels={"log": "view"}, by=Actor(user_id=manager.pk))
        role.refresh_from_db()
        assert role.levels == {"customers": "view"}


@each(
    "levels",
    [
        {"customers": "view"},
        {"customers": "edit", "sales": "view", "files": "view"},
        {"fields": "edit", "settings": "edit", "log": "view"},
        {"apps": "edit", "staff": "edit"},
        {"customers": "view", "sales": "edit", "webhooks": "view", "settings": "view"},
    ],
)
def test_pages_of_own_roles_show_no_link_or_form_that_is_refused(ids, ada, levels):  # noqa: F811  the fixture
    record_order(user_id=ada.pk, document=order())
    create_role(name="Own", levels=levels, by=SYSTEM)
    browser = browser_of_role("Own")

    found = crawl(browser, [DASHBOARD, *([customer_url(ada)] if "customers" in levels else [])])

    assert found.refused == set()
    for key, path in {"customers": CUSTOMERS, "sales": f"{DASHBOARD}orders/order/", "staff": STAFF}.items():
        assert (path in found.pages) == (key in levels), path
    forms = {url for url in found.forms if not url.endswith("/sign_out/")}  # also on the page of oneself
    assert refused_forms(browser, forms) == []
