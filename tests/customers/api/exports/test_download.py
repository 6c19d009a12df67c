"""The download of an export, and the links it gives out."""

from datetime import timedelta

import pytest
from django.core import signing
from django.utils import timezone

from customers.jobs import runner
from customers.jobs.exports.downloads import SALT
from customers.jobs.models import Job, JobFile
from customers.models import User
from oauth.accounts.roles import Role
from oauth.accounts.staff import change_role, deactivate
from oauth.actor import SYSTEM
from oauth.models import AccessToken, App
from oauth.partner_apps import uninstall
from oauth.scopes import Scope
from oauth.tokens import replace_personal_token
from tests.support.cases import each
from tests.support.exports import ALL_CUSTOMERS, EXPORTS, export_url, make_exports
from tests.support.factories import make_owner

NOBODY = 987_654_321

pytestmark = pytest.mark.usefixtures("files")


class TestDownload:
    def test_export_download_returns_a_link_that_needs_no_token(self, admin_client, available, anonymous):
        response = admin_client.get(f"{export_url(available)}download/")
        opened = anonymous.get(response.json()["url"])

        assert list(response.json()) == ["url"]
        assert response.headers["Cache-Control"] == "no-store"
        assert opened.status_code == 200
        body = opened.getvalue()
        assert body.startswith(b'"id","email",')
        assert opened.headers["Content-Type"] == "text/csv; charset=utf-8"
        assert opened.headers["Content-Length"] == str(len(body))
        assert opened.headers["Cache-Control"] == "no-store"
        assert opened.headers["X-Content-Type-Options"] == "nosniff"
        assert opened.headers["Content-Disposition"].startswith('attachment; filename="customers-')
        assert not opened.cookies

    def test_export_download_of_pending_export_is_409(self, admin_client, export):
        response = admin_client.get(f"{export_url(export)}download/")

        assert response.status_code == 409
        assert response.json() == {"detail": "The export is not ready: its status is still pending."}

    def test_export_download_of_failed_export_is_409(self, admin_client, export):
        Job.objects.update(failures=runner.MAX_FAILURES)

        response = admin_client.get(f"{export_url(export)}download/")

        assert (response.status_code, "failed" in response.json()["detail"]) == (409, True)

    def test_export_download_takes_two_queries(self, admin_client, available, django_assert_num_queries):
        with django_assert_num_queries(2):  # token, export
            assert admin_client.get(f"{export_url(available)}download/").status_code == 200


class TestDownloadLink:
    @pytest.fixture
    def link(self, admin_client, available):
        return admin_client.get(f"{export_url(available)}download/").json()["url"]

    def test_export_link_expires_after_an_hour(self, link, anonymous, monkeypatch):
        made = signing.time.time()
        monkeypatch.setattr(signing.time, "time", lambda: made + 3590)
        assert anonymous.get(link).status_code == 200
        monkeypatch.setattr(signing.time, "time", lambda: made + 3610)

        response = anonymous.get(link)

        assert response.status_code == 403
        assert response.json() == {"detail": "This link is not valid, or not any more."}

    @pytest.mark.parametrize("link", ["x", "1", ":", "a:b:c", "é", "%00", "%ff", "x" * 5000])
    def test_export_link_without_signature_is_403(self, anonymous, available, link):
        response = anonymous.get(f"{EXPORTS}files/{link}/")

        assert response.status_code == 403
        assert response.json() == {"detail": "This link is not valid, or not any more."}

    def test_export_link_that_was_changed_is_403(self, admin_client, link, anonymous):
        signature = link.partition("files/")[2].rstrip("/").partition(":")[2]
        other = admin_client.post(EXPORTS, ALL_CUSTOMERS).json()
        make_exports()

        for number in (other["id"], NOBODY):
            forged = signing.b64_encode(f"[{number},{AccessToken.objects.get().pk}]".encode()).decode()
            assert anonymous.get(f"{EXPORTS}files/{forged}:{signature}/").status_code == 403

    def test_export_link_signed_for_another_purpose_is_403(self, anonymous, available):
        content = [available["id"], AccessToken.objects.get().pk]
        other, link = signing.dumps(content), signing.dumps(content, salt=SALT)

        assert anonymous.get(f"{EXPORTS}files/{link}/").status_code == 200
        assert anonymous.get(f"{EXPORTS}files/{other}/").status_code == 403

    def test_export_link_to_deleted_file_is_404(self, link, anonymous, available):
        JobFile.objects.get().file.storage.delete(JobFile.objects.get().file.name)
        missing = anonymous.get(link)
        JobFile.objects.all().delete()
        forgotten = anonymous.get(link)

        assert [response.status_code for response in (missing, forgotten)] == [404, 404]
        assert missing.json() == forgotten.json() == {"detail": "The file is not kept any more."}

    def test_export_link_of_inactive_app_is_403(self, partner, anonymous):
        app = partner()
        export = app.post(EXPORTS, ALL_CUSTOMERS).json()
        make_exports()
        link = app.get(f"{export_url(export)}download/").json()["url"]
        assert anonymous.get(link).status_code == 200

        App.objects.filter(kind=App.Kind.PARTNER).update(is_active=False)

        assert anonymous.get(link).status_code == 403

    @each(
        "end",
        [
            lambda app: app.delete(),
            lambda app: AccessToken.objects.filter(application=app).delete(),
            lambda app: AccessToken.objects.update(expires=timezone.now() - timedelta(days=1)),
            lambda app: AccessToken.objects.update(scope=str(Scope.EXPORTS_WRITE)),
            lambda app: uninstall(app, SYSTEM),
            lambda app: change_role(app.user_id, Role.VIEWER, by=SYSTEM),
            lambda app: deactivate(app.user_id, by=SYSTEM),
            lambda app: User.objects.filter(pk=app.user_id).update(user_type="lead"),
        ],
    )
    def test_export_link_ends_with_what_asked_for_it(self, partner, anonymous, end):
        make_owner()
        app = partner()
        export = app.post(EXPORTS, ALL_CUSTOMERS).json()
        make_exports()
        link = app.get(f"{export_url(export)}download/").json()["url"]
        assert anonymous.get(link).status_code == 200

        end(App.objects.get(kind=App.Kind.PARTNER))

        assert anonymous.get(link).status_code == 403

    def test_export_link_ends_when_a_personal_token_is_replaced(self, admin_client, link, anonymous, owner):
        assert anonymous.get(link).status_code == 200

        replace_personal_token(App.objects.get(), owner=owner, by=SYSTEM)

        assert anonymous.get(link).status_code == 403

    def test_export_link_rejects_other_methods(self, link, anonymous):
        assert anonymous.post(link).status_code == 405

    def test_export_link_takes_six_queries(self, link, anonymous, django_assert_num_queries):
        # token, export, its parts; the security log with the names of person and app
        with django_assert_num_queries(6):
            assert anonymous.get(link).status_code == 200
