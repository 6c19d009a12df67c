"""What is taken for a text, through every surface: one spelling, something to see, UTF-8, finite numbers."""

import pytest
from django.test import Client

from customers.groups.models import CustomerGroup
from customers.groups.services import create_group
from customers.models import Address, Note, Tag, User
from oauth.scopes import Scope
from tests.support.cases import each
from tests.support.clients import JSON, USERS, addresses_url, notes_url
from tests.support.dashboard import CUSTOMERS, DASHBOARD, customer_url
from tests.support.factories import address, make_user

BLANK = ["\u200b", "\u3164", "\u00ad", "\u2800", "\ufeff", "\u115f", "\u180e", "\U000e0041", " \u200d\u2060 ", "\x01"]
NAN = ["1e400", "-1e400", "0.1e999", "1E+310", "NaN", "-Infinity"]
FORM = "application/x-www-form-urlencoded"
PLACE = {"line1": "1 High St", "line4": "Leeds", "country": "GB"}


@pytest.fixture
def client(api):
    return api(*Scope)


class TestBlank:
    @each("text", BLANK)
    def test_required_fields_refuse_a_text_that_can_not_be_seen(self, client, text):
        person = make_user()
        error = ["This field may not be blank."]

        for name in ("line1", "line4"):
            answer = client.post(addresses_url(person), {**PLACE, name: text})
            assert (answer.status_code, answer.json()) == (400, {name: error})
        answer = client.post(notes_url(person), {"message": text})
        assert (answer.status_code, answer.json()) == (400, {"message": error})
        answer = client.post("/admin/customer-groups", {"name": text})
        assert answer.status_code == 400
        assert error[0] in answer.json()["message"]
        assert [model.objects.count() for model in (Address, Note, CustomerGroup)] == [0, 0, 0]

    @each("text", BLANK)
    def test_dashboard_refuses_a_note_and_a_group_that_can_not_be_seen(self, dashboard_client, text):
        person = make_user(email="ada@example.com")

        note = dashboard_client.post(f"{CUSTOMERS}{person.pk}/notes/add/", {"message": text})
        group = dashboard_client.post("/dashboard/groups/customergroup/add/", {"name": text})

        assert (note.status_code, group.status_code) == (200, 200)
        assert [model.objects.count() for model in (Note, CustomerGroup)] == [0, 0]

    @each("text", BLANK)
    def test_optional_names_and_tags_that_can_not_be_seen_are_empty(self, client, text):
        answer = client.post(USERS, {"email": "a@example.com", "last_name": f"{text}{text}", "tags": [text, "vip"]})

        assert answer.status_code == 201
        assert (answer.json()["last_name"], answer.json()["tags"]) == ("", ["vip"])


class TestOneSpelling:
    @each("composed, decomposed", [("Zoë", "Zoe\u0308"), ("Łódź", "Ło\u0301dz\u0301"), ("한", "\u1112\u1161\u11ab")])
    def test_texts_are_kept_in_one_spelling(self, client, dashboard_client, composed, decomposed):
        person = client.post(
            USERS, {"email": "a@example.com", "first_name": decomposed, "tags": [decomposed, composed]}
        )
        client.post(addresses_url(person.json()["id"]), {**PLACE, "line4": decomposed})
        client.post(notes_url(person.json()["id"]), {"message": decomposed})
        create_group(name=composed)

        assert (person.json()["first_name"], person.json()["tags"]) == (composed, [composed])
        assert Tag.objects.get().name == Address.objects.get().line4 == Note.objects.get().message == composed
        assert client.post("/admin/customer-groups", {"name": decomposed}).status_code == 422
        page = dashboard_client.post("/dashboard/groups/customergroup/add/", {"name": decomposed})
        assert page.status_code == 200
        assert CustomerGroup.objects.count() == 1
        assert "a@example.com" in dashboard_client.get(CUSTOMERS, {"tag": decomposed}).content.decode()

    def test_name_that_grows_in_one_spelling_is_refused(self, client):
        answer = client.post(USERS, {"email": "a@example.com", "last_name": "\u0958" * 200})

        assert answer.status_code == 400
        assert list(answer.json()) == ["last_name"]
        assert client.post(USERS, {"email": "a@example.com", "tags": ["\u0958" * 200]}).status_code == 400


class TestControlCharacters:
    """A name with control characters could forge a line of a log, of a mail or of a page."""

    @each("name", ["a\x1b[31m", "a\x07", "a\u202eb"])
    def test_name_of_a_customer_with_control_characters_is_refused(self, client, name):
        for field, value in [("first_name", name), ("last_name", name), ("tags", [name])]:
            assert list(client.post(USERS, {"email": "ada@example.com", field: value}).json()) == [field]

    @each("name", ["a\x1b[31m", "a\x07", "a\u202eb", "\u2066a"])
    @each("field", ["first_name", "last_name"])
    def test_name_of_an_address_with_control_characters_is_refused(self, client, field, name):
        answer = client.post(USERS, {"email": "ada@example.com", "addresses": [address(**{field: name})]})
        assert (answer.status_code, list(answer.json()["addresses"]["0"])) == (400, [field])

        user = make_user(addresses=[address()])
        added = client.post(addresses_url(user), address(**{field: name}))
        assert (added.status_code, list(added.json())) == (400, [field])
        assert user.addresses.count() == 1

    @each("name", ["a\x1b[31m", "a\x07", "a\u202eb", "\u2066a"])
    @each("field", ["first_name", "last_name"])
    def test_name_of_staff_with_control_characters_is_refused(self, dashboard_client, owner, field, name):
        form = {"email": "new@store.example", "first_name": "Sam", "last_name": "Staff", "role": "Staff", field: name}
        for path in ("add/", f"{owner.pk}/change/"):
            page = dashboard_client.post(f"{DASHBOARD}customers/staffmember/{path}", form)

            assert page.status_code == 200, path
            assert list(page.context["adminform"].form.errors) == [field], path
        assert not User.objects.filter(email="new@store.example").exists()


class TestNumbersThatOverflow:
    @each("number", NAN)
    def test_json_numbers_that_overflow_are_refused(self, client, number):
        person = make_user(email="ada@example.com")

        for name, value in [("first_name", number), ("tags", f"[{number}]"), ("metadata", f'{{"a": {number}}}')]:
            body = f'{{"email": "a@example.com", "{name}": {value}}}'
            assert client.post(USERS, body, JSON).status_code == 400, name
        body = f'{{"line1": {number}, "line4": "Leeds", "country": "GB"}}'
        assert client.post(addresses_url(person), body, JSON).status_code == 400
        medusa = f'{{"name": "VIP", "metadata": {{"a": {number}}}}}'
        assert client.post("/admin/customer-groups", medusa, JSON).status_code == 400
        form = client.post_form(USERS, {"email": "a@example.com", "metadata": f'{{"a": {number}}}'})
        assert form.status_code == 400
        assert User.objects.filter(email="a@example.com").count() == 0


# The bytes of a form, percent-encoded.
NOT_UTF_8 = ["caf%E9", "%FF", "%C3", "%ED%A0%80", "%C0%80"]
PARTS = {
    "bytes": b'--x\r\nContent-Disposition: form-data; name="email"\r\n\r\na@example.com\r\n'
    b'--x\r\nContent-Disposition: form-data; name="last_name"\r\n\r\ncaf\xe9\r\n--x--\r\n',
    "charset of a part": b'--x\r\nContent-Disposition: form-data; name="email"\r\n\r\na@example.com\r\n'
    b'--x\r\nContent-Disposition: form-data; name="last_name"\r\nContent-Type: text/plain; charset=iso-8859-1\r\n\r\n'
    b"caf\xe9\r\n--x--\r\n",
    "no last boundary": b'--x\r\nContent-Disposition: form-data; name="email"\r\n\r\na@example.com\r\n',
    "broken off in a value": b'--x\r\nContent-Disposition: form-data; name="email"\r\n\r\na@example.co',
    "name of a part": b'--x\r\nContent-Disposition: form-data; name="email"\r\n\r\na@example.com\r\n'
    b'--x\r\nContent-Disposition: form-data; name="last_\xff"\r\n\r\ncafe\r\n--x--\r\n',
}


class TestBytes:
    @each("text", NOT_UTF_8)
    def test_urlencoded_bytes_that_are_not_utf_8_are_refused(self, client, dashboard_client, text):
        person = make_user(email="ada@example.com")

        assert client.post(USERS, f"email=a@example.com&last_name={text}", FORM).status_code == 400
        assert Client().post("/oauth2/token/", f"grant_type={text}", FORM).status_code == 400
        page = dashboard_client.post(f"{CUSTOMERS}{person.pk}/notes/add/", f"message={text}", FORM)
        assert page.status_code == 400
        assert not User.objects.filter(email="a@example.com").exists()
        assert not Note.objects.exists()

    @each("text", NOT_UTF_8)
    def test_query_strings_that_are_not_utf_8_are_refused(self, client, dashboard_client, text):
        for path in (USERS, "/admin/customers", "/admin/customer-groups"):
            answer = client.get(f"{path}?q={text}")
            assert answer.status_code == 400, path
            assert answer.headers["Content-Type"].startswith("application/json")
        assert dashboard_client.get(f"{CUSTOMERS}?q={text}").status_code == 400

    @each("body", PARTS)
    def test_multipart_that_is_broken_off_or_in_another_charset_is_refused(self, client, dashboard_client, body):
        person = make_user(email="ada@example.com")
        content_type = "multipart/form-data; boundary=x"

        assert client.post(USERS, body, content_type).status_code == 400
        assert dashboard_client.post(customer_url(person), body, content_type).status_code == 400
        assert not User.objects.filter(email="a@example.com").exists()

    def test_multipart_in_utf_8_is_read(self, client):
        body = PARTS["bytes"].replace(b"\xe9", "é".encode())

        answer = client.post(USERS, body, "multipart/form-data; boundary=x")

        assert (answer.status_code, answer.json()["last_name"]) == (201, "café")
