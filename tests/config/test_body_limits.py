"""The largest body that each path takes, whoever sends it and in whatever format."""

from functools import partial

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from django.urls import reverse

from customers.core.http.refusals import BUSY
from customers.jobs.models import Job
from oauth.scopes import Scope
from tests.support.cases import each

LIMITS = {"ANONYMOUS_BODY_BYTES": 500, "MAX_BODY_BYTES": 2_000, "MAX_IMPORT_BYTES": 5_000}
IMPORT = "/dashboard/jobs/job/import/"
CONTENT_TYPES = ["application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "a/b", ""]

# Paths by the kind of the error they answer.
SIGN_IN = {
    "/admin/auth": "medusa",
    "/admin/auth/token": "medusa",
    "/ADMIN/Auth": "medusa",
    "/oauth2/token/": "oauth",
    "/oauth2/revoke_token/": "oauth",
    "/oauth2/introspect/": "oauth",
    "/webhooks/1/": "api",
    "/dashboard/login/": "page",
    "/dashboard/login/code/": "page",
    "/dashboard/password_reset/": "page",
    "/oauth2/authorize/": "page",
    "/": "page",
    "/unknown/": "page",
}
SURFACES = {
    "/api/admin/users/": "api",
    "/api/admin/unknown/": "api",
    "/api/admin/webhooks/": "api",
    "/admin/customers": "medusa",
    "/admin/unknown": "medusa",
    "/ADMIN/Customers": "medusa",
    "/dashboard/customers/customer/add/": "page",
    "/dashboard/unknown/": "page",
    IMPORT: "page",
}
MADE_UP = {
    "bearer": {"HTTP_AUTHORIZATION": "Bearer made-up"},
    "medusa": {"HTTP_X_MEDUSA_ACCESS_TOKEN": "made-up"},
    "session": {"HTTP_COOKIE": "sessionid=made-up"},
    "medusa session": {"HTTP_COOKIE": "a=b; connect.sid=made-up"},
}

# Whether an answer has the format of this surface.
FORMATS = {
    "api": lambda answer: list(answer.json()) == ["detail"],
    "medusa": lambda answer: answer.json()["type"] == "invalid_data",
    "oauth": lambda answer: answer.json()["error"] == "invalid_request",
    "page": lambda answer: b"<html" in answer.content,
}


class Unreachable(FileUploadHandler):
    """In place of Django's upload handlers: nothing of a refused body may come this far."""

    def receive_data_chunk(self, raw_data, start):
        raise AssertionError("A refused body was parsed.")

    new_file = file_complete = receive_data_chunk


@pytest.fixture(autouse=True)
def limits(settings):
    for name, value in LIMITS.items():
        setattr(settings, name, value)


def send(client, path, length, content_type="application/json", **extra):
    return client.generic("POST", path, b"{" + b" " * (length - 1), content_type, **extra)


def assert_is_refused(answer, kind, status=413):
    assert answer.status_code == status
    assert FORMATS[kind](answer), answer.content


class TestLimits:
    @each("path, kind", (SIGN_IN | SURFACES).items())
    @each("content_type", CONTENT_TYPES)
    def test_body_without_credentials_is_limited(self, anonymous, path, kind, content_type):
        assert send(anonymous, path, 500, content_type).status_code != 413
        assert_is_refused(send(anonymous, path, 501, content_type), kind)

    @each("credentials", MADE_UP)
    @each("path, kind", SIGN_IN.items())
    def test_made_up_credentials_open_nothing_where_people_and_programs_sign_in(
        self, anonymous, path, kind, credentials
    ):
        assert_is_refused(send(anonymous, path, 501, **credentials), kind)

    @each("credentials", MADE_UP)
    @each("path, kind", SURFACES.items())
    def test_made_up_credentials_open_no_more_than_the_limit_for_all(self, anonymous, path, kind, credentials):
        assert send(anonymous, path, 2_000, **credentials).status_code != 413
        assert_is_refused(send(anonymous, path, 2_001, **credentials), kind)

    @each("path, kind", (SIGN_IN | SURFACES).items())
    def test_body_of_an_owner_is_limited_in_every_format(self, dashboard_client, path, kind):
        for content_type in CONTENT_TYPES:
            if path != IMPORT:
                assert_is_refused(send(dashboard_client, path, 2_001, content_type), kind)

    @each("path, kind", (SIGN_IN | SURFACES).items())
    def test_huge_length_of_an_unfinished_body_is_refused(self, anonymous, path, kind):
        assert_is_refused(send(anonymous, path, 10, CONTENT_LENGTH=str(500_000_000_000)), kind)

    @each("path, kind", (SIGN_IN | SURFACES).items())
    @each("status, extra", [
        (411, {"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": ""}),
        (411, {"HTTP_TRANSFER_ENCODING": "gzip, chunked"}),
        (400, {"CONTENT_LENGTH": "ten"}),
        (400, {"CONTENT_LENGTH": "-1"}),
    ])  # fmt: skip
    def test_body_of_unknown_length_is_refused(self, anonymous, path, kind, status, extra):
        assert_is_refused(send(anonymous, path, 10, **extra), kind, status)

    @each("path, kind", (SIGN_IN | SURFACES).items())
    def test_request_that_the_server_has_no_room_for_is_refused(self, anonymous, path, kind):
        answer = send(anonymous, path, 10, **{BUSY: True})

        assert answer.status_code == 503
        assert answer.headers["Retry-After"] == "2"
        if kind == "medusa":
            assert answer.json()["type"] == "unexpected_state"
        else:
            assert FORMATS[kind](answer), answer.content

    def test_good_request_of_an_app_may_have_the_limit_for_all(self, api):
        client = api(Scope.USERS_WRITE)
        body = '{"email": "ada@example.com"}'

        assert client.post("/api/admin/users/", body.ljust(2_000)).status_code == 201
        assert client.post("/api/admin/users/", body.ljust(2_001)).status_code == 413


class TestImport:
    @pytest.fixture(autouse=True)
    def unreachable(self, settings):
        self.allow_parsing = partial(setattr, settings, "FILE_UPLOAD_HANDLERS", settings.FILE_UPLOAD_HANDLERS)
        settings.FILE_UPLOAD_HANDLERS = [f"{__name__}.Unreachable"]

    def upload(self, client, length):
        body = encode_multipart(BOUNDARY, {"file": SimpleUploadedFile("people.csv", b"email\n".ljust(length))})
        return client.generic("POST", IMPORT, body, MULTIPART_CONTENT)

    def test_path_of_the_rule_is_the_path_of_the_form(self):
        assert reverse("admin:jobs_job_import") == IMPORT

    def test_staff_may_upload_more_than_other_bodies_have(self, as_role):
        self.allow_parsing()

        answer = self.upload(as_role("Staff"), 4_000)

        assert answer.status_code == 302
        assert Job.objects.exists()

    def test_upload_above_its_own_limit_is_refused_before_it_is_parsed(self, as_role):
        assert_is_refused(self.upload(as_role("Staff"), 6_000), "page")

        assert not Job.objects.exists()

    @each("who", ["anonymous", "viewer", "made-up session", "token"])
    def test_large_upload_without_permission_is_refused_before_it_is_parsed(self, anonymous, as_role, api, who):
        client = {
            "anonymous": lambda: anonymous,
            "viewer": lambda: as_role("Viewer"),
            "made-up session": lambda: type(anonymous)(headers={"Cookie": "sessionid=made-up"}),
            "token": lambda: api(Scope.USERS_WRITE),
        }[who]()

        assert_is_refused(self.upload(client, 4_000), "page")
