"""What an owner does with the people who may enter the dashboard."""

import re

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone

from customers.models import StaffMember, User
from oauth.accounts import staff
from oauth.accounts.models import Email, Session
from oauth.accounts.own_roles import create_role
from oauth.actor import SYSTEM
from oauth.audit.models import AuditEvent
from oauth.errors import ServiceError
from oauth.models import App
from oauth.scopes import Scope
from oauth.tokens import issue_personal_token
from tests.support.clients import USERS, ApiClient
from tests.support.dashboard import DASHBOARD, browser_of
from tests.support.factories import make_owner, make_user
from tests.support.mail import sent_emails
from tests.support.staff import STAFF, make_member, member_url

PASSWORD = "an uncommon 1 password"


def invitation(**changes) -> dict:
    return {"email": "new@store.example", "first_name": "Nora", "last_name": "New", "role": "Staff", **changes}


def roles_of(member) -> list[str]:
    return list(member.groups.values_list("name", flat=True))


def logged(kind) -> list[dict]:
    return list(AuditEvent.objects.filter(event=kind).order_by("id").values_list("detail", flat=True))


class TestInvite:
    def test_invited_member_chooses_a_password_by_the_email_s_link_and_signs_in(self, dashboard_client):
        response = dashboard_client.post(f"{STAFF}add/", invitation(role="Viewer"))

        assert response.status_code == 302
        member = StaffMember.objects.get(email="new@store.example")
        assert (roles_of(member), member.is_superuser, member.has_usable_password()) == (["Viewer"], False, False)
        [email] = sent_emails()
        assert email.to == ["new@store.example"]
        link = re.search(r"http://testserver(/dashboard/password_reset/\S+)", email.body)[1]
        browser = Client(raise_request_exception=False)
        form = browser.get(link).headers["Location"]
        chosen = browser.post(form, {"new_password1": PASSWORD, "new_password2": PASSWORD})
        assert chosen.status_code == 302
        signed_in = browser.post(f"{DASHBOARD}login/", {"username": "new@store.example", "password": PASSWORD})
        assert (signed_in.status_code, signed_in.headers["Location"]) == (302, DASHBOARD)
        assert browser.get(DASHBOARD).status_code == 200

    def test_invitation_is_logged(self, dashboard_client):
        dashboard_client.post(f"{STAFF}add/", invitation())

        assert logged("staff_invited") == [{"member": "new@store.example", "role": "Staff"}]
        assert LogEntry.objects.get().user.email == "owner@store.example"

    @pytest.mark.parametrize("email", ["ada@lovelace.example", "ADA@Lovelace.example"])
    def test_invitation_of_a_customer_s_email_is_refused_and_changes_nothing(self, dashboard_client, ada, email):
        response = dashboard_client.post(f"{STAFF}add/", invitation(email=email))

        assert response.status_code == 200
        assert "A customer has this email" in response.content.decode()
        assert not sent_emails()
        ada.refresh_from_db()
        assert (ada.user_type, ada.groups.count()) == ("lead", 0)

    @pytest.mark.parametrize(
        ("wrong", "message"),
        [
            ({"email": "OWNER@store.example"}, "There is a member of staff with this email."),
            ({"email": ""}, "This field is required."),
            ({"email": "nobody"}, "Enter a valid email address."),
            ({"role": ""}, "This field is required."),
            ({"role": "Emperor"}, "Select a valid choice."),
            ({"first_name": "n" * 256}, "at most 255 characters"),
        ],
    )
    def test_invalid_invitation_shows_the_error(self, dashboard_client, wrong, message):
        response = dashboard_client.post(f"{STAFF}add/", invitation(**wrong))

        assert response.status_code == 200
        assert message in response.content.decode()
        assert StaffMember.objects.count() == 1

    def test_invitation_that_the_mail_server_refuses_is_sent_again(self, dashboard_client, settings):
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_PORT = 1
        response = dashboard_client.post(f"{STAFF}add/", invitation(), follow=True)
        assert "is on its way" in response.content.decode()
        assert not sent_emails()

        settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
        assert not sent_emails()  # not before the retry is due
        Email.objects.update(due_at=timezone.now())

        assert [email.to for email in sent_emails()] == [["new@store.example"]]
        assert not Email.objects.exists()

    def test_invitation_sent_again_while_it_waits_is_one_email(self, dashboard_client):
        dashboard_client.post(f"{STAFF}add/", invitation())
        dashboard_client.post(member_url(StaffMember.objects.get(email="new@store.example"), "invite_again"))

        assert len(sent_emails()) == 1


class TestChangeARole:
    def test_role_change_replaces_the_former_role(self, dashboard_client):
        member = make_member("Staff")

        response = dashboard_client.post(member_url(member), {"first_name": "Sam", "last_name": "", "role": "Viewer"})

        assert response.status_code == 302
        assert roles_of(member) == ["Viewer"]
        member.refresh_from_db()
        assert member.first_name == "Sam"
        assert {"member": "a-staff@store.example", "role": ["Staff", "Viewer"]} in logged("staff_changed")

    def test_role_change_of_a_superuser_takes_all_permissions(self, dashboard_client):
        other = make_owner()

        dashboard_client.post(member_url(other), {"first_name": "", "last_name": "", "role": "Viewer"})

        other.refresh_from_db()
        assert (roles_of(other), other.is_superuser) == (["Viewer"], False)

    def test_role_change_of_the_last_active_owner_is_refused(self, dashboard_client, owner):
        make_member("Owner", is_active=False)

        response = dashboard_client.post(member_url(owner), {"first_name": "", "last_name": "", "role": "Staff"})

        assert response.status_code == 200
        assert "needs an active owner" in response.content.decode()
        owner.refresh_from_db()
        assert owner.is_superuser

    def test_role_change_of_an_owner_works_while_another_owner_exists(self, dashboard_client, owner):
        make_member("Owner")

        dashboard_client.post(member_url(owner), {"first_name": "", "last_name": "", "role": "Staff"})

        owner.refresh_from_db()
        assert (roles_of(owner), owner.is_superuser) == (["Staff"], False)

    def test_role_change_leaves_email_and_password_alone(self, dashboard_client):
        member = make_member("Staff")

        dashboard_client.post(
            member_url(member), invitation(email="other@store.example", is_superuser="on", password="x")
        )

        former = (member.email, member.password)
        member.refresh_from_db()
        assert ((member.email, member.password), member.is_superuser) == (former, False)


class TestDeactivate:
    def test_deactivation_ends_sessions_and_tokens_for_good(self, dashboard_client):
        member = make_owner()
        browser = browser_of(member)
        api = ApiClient(issue_personal_token(app_name="ERP", scopes=[Scope.USERS_READ], owner=member))
        assert api.get(USERS).status_code == 200

        dashboard_client.post(member_url(member, "deactivate"))

        assert browser.get(DASHBOARD).status_code == 302
        assert not Session.objects.filter(user=member).exists()
        assert api.get(USERS).status_code == 401
        dashboard_client.post(member_url(member, "reactivate"))
        member.refresh_from_db()
        assert member.is_active
        assert api.get(USERS).status_code == 401
        assert {"member": member.email, "is_active": [True, False]} in logged("staff_changed")

    def test_reactivation_ends_what_another_deactivation_has_left(self, dashboard_client):
        member = make_owner()
        browser = browser_of(member)
        api = ApiClient(issue_personal_token(app_name="ERP", scopes=[Scope.USERS_READ], owner=member))
        User.objects.filter(pk=member.pk).update(is_active=False)  # as in a shell

        dashboard_client.post(member_url(member, "reactivate"))

        assert api.get(USERS).status_code == 401
        assert browser.get(DASHBOARD).status_code == 302

    def test_deactivation_leaves_api_access_that_another_owner_can_replace(self, dashboard_client):
        member = make_owner()
        issue_personal_token(app_name="ERP", scopes=[Scope.USERS_READ], owner=member)
        dashboard_client.post(member_url(member, "deactivate"))
        app = App.objects.get()

        page = dashboard_client.post(f"{DASHBOARD}oauth/privateapp/{app.pk}/replace/")

        token = re.search(r"shc_\w{42}", page.content.decode())[0]
        assert ApiClient(token).get(USERS).status_code == 200

    def test_deactivation_of_oneself_is_refused(self, dashboard_client, owner):
        make_owner()

        response = dashboard_client.post(member_url(owner, "deactivate"), follow=True)

        assert "You can&#x27;t deactivate yourself." in response.content.decode()
        owner.refresh_from_db()
        assert owner.is_active
        assert not LogEntry.objects.exists()

    def test_deactivation_asks_for_confirmation(self, dashboard_client):
        member = make_member()

        page = dashboard_client.get(member_url(member, "deactivate"))

        assert "end at once" in page.content.decode()
        member.refresh_from_db()
        assert member.is_active


class TestSignOut:
    def test_sign_out_of_a_member_ends_their_sessions(self, dashboard_client):
        member = make_member()
        browser = browser_of(member)

        dashboard_client.post(member_url(member, "sign_out"))

        assert browser.get(DASHBOARD).status_code == 302
        assert dashboard_client.get(DASHBOARD).status_code == 200
        assert logged("sessions_ended") == [{"account": member.email, "sessions": 1}]


class TestPages:
    def test_staff_list_shows_roles_and_no_customers(self, dashboard_client, ada):
        make_member("Viewer")

        page = dashboard_client.get(STAFF).content.decode()

        assert "a-viewer@store.example" in page
        assert "Viewer" in page
        assert ada.email not in page

    def test_staff_pages_do_not_reach_customers(self, dashboard_client, ada):
        assert dashboard_client.get(member_url(ada)).status_code == 302
        assert dashboard_client.post(member_url(ada, "deactivate")).status_code in (302, 404)
        ada.refresh_from_db()
        assert ada.is_active

    def test_staff_can_not_be_deleted(self, dashboard_client):
        member = make_member()

        assert dashboard_client.post(member_url(member, "delete"), {"post": "yes"}).status_code == 403
        assert User.objects.filter(pk=member.pk).exists()

    def test_staff_history_shows_changes_and_actions(self, dashboard_client):
        member = make_member()
        dashboard_client.post(member_url(member), {"first_name": "Sam", "last_name": "", "role": "Viewer"})
        dashboard_client.post(member_url(member, "sign_out"))

        page = dashboard_client.get(member_url(member, "history")).content.decode()

        assert "Changed First name and role." in page
        assert "Sign out everywhere" in page

    def test_staff_list_takes_a_constant_number_of_queries(self, dashboard_client, django_assert_num_queries):
        make_member()
        dashboard_client.get(STAFF)
        with django_assert_num_queries(8):
            dashboard_client.get(STAFF)
        for number in range(5):
            make_member(email=f"more-{number}@store.example")

        with django_assert_num_queries(8):
            dashboard_client.get(STAFF)

    def test_member_page_takes_no_more_queries_with_more_roles(self, owner, django_assert_num_queries):
        url = member_url(make_member())
        browser = browser_of(make_member("Owner", email="by-role@store.example"))
        browser.get(url)
        with django_assert_num_queries(12):
            browser.get(url)
        for number in range(5):
            create_role(name=f"Role {number}", levels={"customers": "view"}, by=SYSTEM)

        with django_assert_num_queries(12):
            browser.get(url)


@pytest.mark.parametrize("view", ["change", "deactivate", "reactivate", "invite_again", "sign_out", "history"])
@pytest.mark.parametrize("role", ["Staff", "Viewer"])
def test_only_owners_see_staff(as_role, owner, role, view):
    browser = as_role(role)

    assert browser.get(member_url(owner, view)).status_code == 403
    assert browser.post(member_url(owner, view), {"role": "Viewer"}).status_code == 403


def test_customer_with_a_password_can_not_enter_the_dashboard(db):
    customer = make_user(email="grace@example.com")
    customer.set_password(PASSWORD)
    customer.save()
    browser = Client(raise_request_exception=False)

    response = browser.post(f"{DASHBOARD}login/", {"username": "grace@example.com", "password": PASSWORD})

    assert response.status_code == 200
    assert browser.get(DASHBOARD).status_code == 302


def test_last_active_owner_cannot_be_deactivated_by_anybody(db):
    owner = make_owner(email="only@store.example")

    with pytest.raises(ServiceError, match="needs an active owner"):
        staff.deactivate(owner.pk, by=SYSTEM)

    owner.refresh_from_db()
    assert owner.is_active
