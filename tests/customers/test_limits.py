"""What grows has a limit, on every surface. A request that exceeds it is refused, and nothing of it is stored."""

import json
from contextlib import suppress

import emoji
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.utils import timezone

from customers import limits, services, validation
from customers.groups.models import CustomerGroup
from customers.jobs import bulk_edits, runner
from customers.jobs.exports.parts import EXPORT
from customers.jobs.models import Job, RejectedRow
from customers.metadata.models import Definition
from customers.mirror.payload import parse_customer
from customers.models import Address, User
from customers.webhooks.delivery.outcomes import WEBHOOK_NOTICE, email_owners
from customers.webhooks.delivery.sender import Outcome
from customers.webhooks.models import Webhook
from oauth.accounts.models import Email
from oauth.scopes import Scope
from tests.support.cases import each
from tests.support.clients import ADMIN_API, USERS, addresses_url, notes_url, user_url
from tests.support.concurrency import at_once
from tests.support.dashboard import CUSTOMERS, DASHBOARD, customer_url
from tests.support.exports import ALL_CUSTOMERS, EXPORTS
from tests.support.factories import address, make_user
from tests.support.medusa import CUSTOMERS as MEDUSA_CUSTOMERS
from tests.support.medusa import GROUPS
from tests.support.pages import fields_of
from tests.support.remote_payloads import address_json, customer_json
from tests.support.webhooks import WEBHOOKS, installed_partner

EMAIL = "ada@example.com"
MANY = limits.MAX_LIST_ITEMS + 1
TAGS = [f"tag {number}" for number in range(limits.MAX_TAGS + 1)]
LARGE = {"text": "x" * limits.MAX_METADATA_BYTES}
MANY_KEYS = dict.fromkeys(map(str, range(limits.MAX_METADATA_KEYS + 1)))
WEBHOOK = {"target": "https://shop.example/hook", "events": ["customer.created"]}


@pytest.fixture
def client(api):
    return api(Scope.ADMIN_READ, Scope.ADMIN_WRITE)


@pytest.fixture
def full_book(db) -> User:
    """A customer with as many addresses as the store keeps."""
    user = make_user(email=EMAIL)
    Address.objects.bulk_create(Address(user=user, **address()) for _ in range(limits.MAX_ADDRESSES))
    return user


def imported(rows, tmp_path) -> Job:
    file = tmp_path / "people.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)))
    with suppress(SystemExit):  # the status says that rows were rejected
        call_command("import_customers", str(file), verbosity=0)
    return Job.objects.get()


class TestAdminApi:
    @each(
        "fields, path",
        {
            "addresses": ({"addresses": [address()] * MANY}, ["addresses"]),
            "empty addresses": ({"addresses": [{}] * 20_000}, ["addresses"]),
            "numbers for addresses": ({"addresses": [1] * 100_000}, ["addresses"]),
            "objects for tags": ({"tags": [{}] * 100_000}, ["tags"]),
            "tags": ({"tags": TAGS}, ["tags"]),
            "very many tags": ({"tags": [str(number) for number in range(90_000)]}, ["tags"]),
            "metadata": ({"metadata": LARGE}, ["metadata"]),
            "metadata of wide characters": ({"metadata": {"text": "é" * 16_000}}, ["metadata"]),
            "keys of metadata": ({"metadata": MANY_KEYS}, ["metadata"]),
            "notes of an address": (
                {"addresses": [address(notes="x" * (limits.MAX_ADDRESS_NOTES_LENGTH + 1))]},
                ["addresses", "0", "notes"],
            ),
            "joined emoji": ({"addresses": [address(notes="👩\u200d" * 50_000)]}, ["addresses", "0", "notes"]),
        },
    )
    def test_create_refuses_more_than_the_store_keeps(self, client, fields, path):
        response = client.post(USERS, {"email": EMAIL, **fields})

        answer = response.json()
        assert response.status_code == 400
        assert len(response.content) < 500
        for step in path:
            assert list(answer) == [step]
            answer = answer[step]
        assert not User.objects.filter(email=EMAIL).exists()

    @each("fields", [{"tags": TAGS}, {"metadata": LARGE}, {"metadata": MANY_KEYS}])
    def test_update_refuses_more_than_the_store_keeps(self, client, fields):
        user = make_user(tags=["vip"], metadata={"a": 1})

        response = client.patch(user_url(user), fields)

        assert (response.status_code, list(response.json())) == (400, list(fields))
        user.refresh_from_db()
        assert (user.tags, user.metadata) == (["vip"], {"a": 1})

    def test_create_keeps_as_much_as_the_limits_say(self, client):
        metadata = {"text": "x" * (limits.MAX_METADATA_BYTES - len('{"text":""}'))}
        notes = "x" * limits.MAX_ADDRESS_NOTES_LENGTH
        book = [address(notes=notes)] + [address()] * (limits.MAX_ADDRESSES - 1)

        answer = client.post(USERS, {"email": EMAIL, "tags": TAGS[1:], "metadata": metadata, "addresses": book})

        assert answer.status_code == 201
        assert answer.json()["tags"] == TAGS[1:]
        assert answer.json()["metadata"] == metadata
        assert len(answer.json()["addresses"]) == limits.MAX_ADDRESSES

    def test_wrong_addresses_are_listed_up_to_a_limit(self, client):
        response = client.post(USERS, {"email": EMAIL, "addresses": [{}] * limits.MAX_LIST_ITEMS})

        assert response.status_code == 400
        assert list(response.json()["addresses"]) == [str(position) for position in range(limits.MAX_ERRORS)]

    @each("form", {"addresses": "addresses[{}][line1]", "dots": "addresses.{}.line1"})
    def test_form_with_very_many_addresses_is_refused(self, client, form):
        fields = {form.format(number): "x" for number in range(2_900)}

        response = client.post_form(USERS, {"email": EMAIL, **fields})

        assert (response.status_code, list(response.json())) == (400, ["addresses"])

    @each("send", ["post_form", "post_multipart"])
    def test_form_with_very_many_fields_is_refused(self, client, send):
        fields = {f"addresses[{number}][line1]": "x" for number in range(10_000)}

        response = getattr(client, send)(USERS, {"email": EMAIL, **fields})

        assert response.status_code == 400
        assert not User.objects.filter(email=EMAIL).exists()

    def test_address_beyond_the_limit_is_refused(self, client, full_book):
        response = client.post(addresses_url(full_book), address())

        assert (response.status_code, list(response.json())) == (400, ["addresses"])
        assert full_book.addresses.count() == limits.MAX_ADDRESSES

    def test_long_note_is_refused(self, client):
        user = make_user()

        response = client.post(notes_url(user), {"message": "x" * (limits.MAX_NOTE_LENGTH + 1)})

        assert (response.status_code, list(response.json())) == (400, ["message"])
        assert not user.notes.exists()

    @each(
        "path",
        [
            f"users/?{name}={'a' * (limits.MAX_SEARCH_LENGTH + 1)}"
            for name in ("email", "name", "phone_number", "user_type")
        ]
        + [f"users/?name={'a' * 60_000}", f"metadata/?name={'a' * 60_000}", f"webhooks/?name={'a' * 60_000}"]
        + [f"webhooks/?events={'a.b,' * MANY}", f"metadata/?{'object=customer&' * MANY}"],
    )
    def test_long_filter_is_refused(self, client, path):
        response = client.get(ADMIN_API + path)

        assert response.status_code == 400
        assert len(response.json()) == 1

    def test_name_of_many_words_is_searched(self, client):
        make_user(first_name="Ada")

        response = client.get(USERS, {"name": "a " * 400})

        assert (response.status_code, response.json()["results"]) == (200, [])


class TestMedusa:
    @each(
        "fields, name",
        [({"metadata": LARGE}, "metadata"), ({"metadata": MANY_KEYS}, "metadata"), ({"phone": "1" * 200}, "phone")],
    )
    def test_create_refuses_more_than_the_store_keeps(self, client, fields, name):
        body = {"email": EMAIL, "first_name": "", "last_name": "", "password": "sesame", **fields}

        response = client.post(MEDUSA_CUSTOMERS, body)

        assert (response.status_code, response.json()["type"]) == (400, "invalid_data")
        assert response.json()["message"].startswith(f"{name}: ")

    def test_update_refuses_metadata_that_grows_beyond_the_limit(self, client):
        user = make_user(metadata={"a": "x" * 20_000})
        id = client.get(MEDUSA_CUSTOMERS).json()["customers"][0]["id"]

        response = client.post(f"{MEDUSA_CUSTOMERS}/{id}", {"metadata": {"b": "x" * 20_000}})

        assert (response.status_code, response.json()["type"]) == (400, "invalid_data")
        user.refresh_from_db()
        assert list(user.metadata) == ["a"]

    @each("ids", {"numbers": [1] * 300_000, "objects": [{}] * 200_000, "ids": [{"id": "cus_1"}] * MANY})
    def test_very_long_list_is_refused_with_a_short_answer(self, client, ids):
        group = client.post(GROUPS, {"name": "VIP"}).json()["customer_group"]["id"]

        response = client.post(f"{GROUPS}/{group}/customers/batch", {"customer_ids": ids})

        assert (response.status_code, response.json()["type"]) == (400, "invalid_data")
        assert "no more than 1000 elements" in response.json()["message"]
        assert len(response.content) < 2_000

    @each("path", [f"?q={'a' * 60_000}", f"?groups[]={'cgroup_1,' * MANY}", f"?{'groups[]=a&' * MANY}"])
    def test_long_filter_of_customers_is_refused(self, client, path):
        response = client.get(MEDUSA_CUSTOMERS + path)

        assert (response.status_code, response.json()["type"]) == (400, "invalid_data")

    @each(
        "path", [f"?q={'a' * 60_000}", f"?id={'cgroup_1,' * MANY}", "?" + "&".join(f"name[{n}]=a" for n in range(MANY))]
    )
    def test_long_filter_of_groups_is_refused(self, client, path):
        response = client.get(GROUPS + path)

        assert (response.status_code, response.json()["type"]) == (400, "invalid_data")

    def test_group_beyond_the_limit_is_refused(self, client):
        CustomerGroup.objects.bulk_create(CustomerGroup(name=f"Group {n}") for n in range(limits.MAX_GROUPS))

        response = client.post(GROUPS, {"name": "One more"})

        assert (response.status_code, response.json()["type"]) == (400, "invalid_data")
        assert "at most 1000 groups" in response.json()["message"]
        assert CustomerGroup.objects.count() == limits.MAX_GROUPS


class TestDashboard:
    @each("text", ["a " * 15_000, "a" * 60_000, "+".join(["adä"] * 3_000), "Ada " + "b " * 15])
    def test_every_list_answers_a_long_search(self, dashboard_client, text):
        for path in (
            "customers/customer", "orders/order", "orders/subscription", "groups/customergroup",
            "customers/staffmember", "webhooks/webhook", "webhooks/delivery", "audit/entry", "oauth/partnerapp",
        ):  # fmt: skip
            response = dashboard_client.get(f"/dashboard/{path}/", {"q": text})

            assert response.status_code in (200, 404), path
        assert dashboard_client.get(CUSTOMERS, {"q": text}).status_code == 200

    def test_search_looks_for_the_first_ten_words(self, dashboard_client):
        make_user(first_name="a b c d e f g h i j")

        page = dashboard_client.get(CUSTOMERS, {"q": "a b c d e f g h i j" + " z" * 1_000}).content.decode()

        assert "a b c d e f g h i j</a>" in page

    def test_definition_and_group_beyond_the_limit_are_refused_on_the_page(self, dashboard_client):
        CustomerGroup.objects.bulk_create(CustomerGroup(name=f"Group {n}") for n in range(limits.MAX_GROUPS))
        Definition.objects.bulk_create(
            Definition(object="customer", key=f"k{n}", name="K", type="text") for n in range(limits.MAX_DEFINITIONS)
        )

        for path, fields, most in [
            ("metadata/definition", {"object": "customer", "key": "z", "name": "Z", "type": "text"}, "250 definitions"),
            ("groups/customergroup", {"name": "One more"}, "1000 groups"),
        ]:
            response = dashboard_client.post(f"/dashboard/{path}/add/", fields)

            assert response.status_code == 200, path
            assert f"at most {most}" in response.content.decode()
        assert (CustomerGroup.objects.count(), Definition.objects.count()) == (1_000, 250)

    @each("role", ["Viewer", "Owner"])
    def test_page_of_a_customer_shows_twenty_addresses_at_a_time(self, full_book, as_role, dashboard_client, role):
        browser = dashboard_client if role == "Owner" else as_role(role)
        book = list(full_book.addresses.order_by("pk"))

        first = browser.get(customer_url(full_book))
        last = browser.get(customer_url(full_book), {"addresses": "50"})

        assert "Addresses 1 to 20 of 1000." in first.content.decode()
        assert "Addresses 981 to 1000 of 1000." in last.content.decode()
        assert len(first.content) < 1_000_000
        if role == "Owner":
            for page, part in ((first, book[:20]), (last, book[-20:])):
                shown = [fields_of(page)[f"addresses-{number}-id"] for number in range(20)]
                assert shown == [str(address.pk) for address in part]
            assert "addresses-20-id" not in fields_of(first)

    def test_address_on_a_further_page_is_changed_and_deleted(self, full_book, dashboard_client):
        book = list(full_book.addresses.order_by("pk"))
        page = f"{customer_url(full_book)}?addresses=2"
        fields = fields_of(dashboard_client.get(page))

        response = dashboard_client.post(
            page, {**fields, "addresses-0-line1": "1 New Street", "addresses-1-DELETE": "on"}
        )

        assert response.status_code == 302
        book[20].refresh_from_db()
        assert book[20].line1 == "1 New Street"
        assert full_book.addresses.count() == limits.MAX_ADDRESSES - 1
        assert not Address.objects.filter(pk=book[21].pk).exists()


class TestJobs:
    @each(
        "fields, field",
        {
            "addresses": ({"addresses": [address()] * MANY}, "addresses"),
            "further addresses": ({"more_addresses": [address()] * MANY}, "more_addresses"),
            "addresses in two columns": (
                {"addresses": [address()] * 600, "more_addresses": [address()] * 600},
                "addresses",
            ),
            "tags": ({"tags": TAGS}, "tags"),
            "tags as text": ({"tags": ",".join(TAGS)}, "tags"),
            "metadata": ({"metadata": LARGE}, "metadata"),
            "keys of metadata": ({f"metadata.{key}": "x" for key in MANY_KEYS}, "metadata"),
            "many wrong addresses": ({"addresses": [{"country": "XX"}] * 1_000}, "addresses.6"),
            "notes": ({"addresses": [address(notes="👩\u200d" * 600)]}, "addresses.0.notes"),
        },
    )
    def test_import_rejects_a_row_with_more_than_the_store_keeps(self, db, tmp_path, fields, field):
        job = imported([{"email": EMAIL, **fields}, {"email": "bo@example.com"}], tmp_path)

        assert (job.created, job.rejected) == (1, 1)
        rejected = RejectedRow.objects.get()
        assert rejected.field == field or field in rejected.reason

    def test_bulk_edit_leaves_a_customer_with_as_many_tags_as_possible(self, owner):
        full, other = make_user(tags=TAGS[1:]), make_user(tags=TAGS[2:])
        job = bulk_edits.TYPES["tag"].create({"ids": [full.pk, other.pk]}, by=owner)
        runner.start(job, tags=["new"])

        runner.run_for(job, seconds=60)

        full.refresh_from_db()
        other.refresh_from_db()
        assert (full.tags, other.tags) == (TAGS[1:], [*TAGS[2:], "new"])
        assert job.outcome == [(1, "changed"), (1, "unchanged")]

    def test_app_has_a_limited_number_of_waiting_exports(self, client, api):
        for _ in range(limits.MAX_WAITING_EXPORTS):
            assert client.post(EXPORTS, ALL_CUSTOMERS).status_code == 201

        refused = client.post(EXPORTS, ALL_CUSTOMERS)

        assert (refused.status_code, list(refused.json())) == (400, ["detail"])
        assert Job.objects.count() == limits.MAX_WAITING_EXPORTS
        assert api(Scope.ADMIN_WRITE).post(EXPORTS, ALL_CUSTOMERS).status_code == 201
        Job.objects.filter(kind=EXPORT.key).last().delete()
        assert client.post(EXPORTS, ALL_CUSTOMERS).status_code == 201

    @each("change", [{"finished_at": timezone.now()}, {"failures": runner.MAX_FAILURES}])
    def test_export_that_is_done_or_has_failed_is_not_waiting(self, client, change):
        for _ in range(limits.MAX_WAITING_EXPORTS):
            client.post(EXPORTS, ALL_CUSTOMERS)
        Job.objects.update(**change)

        assert client.post(EXPORTS, ALL_CUSTOMERS).status_code == 201


class TestFiles:
    @each(
        "text",
        {
            "csv": ",".join(["email", *(f"c{number}" for number in range(20_000))]),
            "semicolons": ";".join(["email", *(f"c{number}" for number in range(limits.MAX_COLUMNS))]),
            "json": json.dumps({f"c{number}": 1 for number in range(20_000)}),
            "one cell": "email" + "x" * 20_000_000,
        },
    )
    def test_upload_refuses_too_many_columns_and_a_very_long_line(self, dashboard_client, text):
        upload = {"file": SimpleUploadedFile("people.csv", text.encode())}

        response = dashboard_client.post("/dashboard/jobs/job/import/", upload)

        assert response.status_code == 200
        assert not Job.objects.exists()


class TestNames:
    """A name with control characters could forge a line of a log, of a mail or of a page."""

    @each("name", ["\x1b[31ma", "a\x07", "a\u202eb", "a\u2066b"])
    def test_names_with_control_characters_are_refused(self, client, name):
        for path, body in [(WEBHOOKS, {**WEBHOOK, "name": name}), (GROUPS, {"name": name})]:
            assert client.post(path, body).status_code == 400, path
        assert not Webhook.objects.exists()
        assert not CustomerGroup.objects.exists()

    @each("name", ["a\rb", "a\nb", "a\x85b"])
    def test_line_break_is_not_kept_in_a_name(self, client, name):
        client.post(WEBHOOKS, {**WEBHOOK, "name": name})
        client.post(GROUPS, {"name": name})

        names = [*Webhook.objects.values_list("name", flat=True), *CustomerGroup.objects.values_list("name", flat=True)]
        assert name not in names

    @each("name", ["a\x1b[31m", "a\x07", "a\u202eb"])
    def test_name_of_a_customer_with_control_characters_is_refused(self, client, name):
        for field, value in [("first_name", name), ("last_name", name), ("tags", [name])]:
            assert list(client.post(USERS, {"email": EMAIL, field: value}).json()) == [field]

    @each("name", ["a\x1b[31m", "a\x07", "a\u202eb", "\u2066a"])
    @each("field", ["first_name", "last_name"])
    def test_name_of_an_address_with_control_characters_is_refused(self, client, field, name):
        answer = client.post(USERS, {"email": EMAIL, "addresses": [address(**{field: name})]})
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

    @each("name", ["a\rb", "a\nb", "a\r\nBcc: x@example.com"])
    def test_mail_about_a_webhook_with_an_old_name_has_one_line_of_subject(self, owner, name):
        email_owners(Webhook.objects.create(name=name, **WEBHOOK), "warning", Outcome(500, 0.1))

        subject, _ = WEBHOOK_NOTICE.write(Email.objects.get(), owner)

        assert subject.splitlines() == [subject]


class TestMirror:
    def test_values_beyond_the_limits_are_dropped_and_named(self):
        book = [address_json(id=number) for number in range(1, limits.MAX_ADDRESSES + 3)]
        book[0]["notes"] = "x" * (limits.MAX_ADDRESS_NOTES_LENGTH + 1)

        customer = parse_customer(customer_json(tags=TAGS, metadata=LARGE, addresses=book))

        assert sorted(customer.dropped) == ["addresses.0.notes", "addresses.1000", "metadata", "tags"]
        assert [each.id for each in customer.addresses] == list(range(1, limits.MAX_ADDRESSES + 1))


class TestWebhooks:
    def test_store_and_apps_each_have_a_limited_number(self, client, owner):
        app, partner = installed_partner(owner, Scope.WEBHOOKS_WRITE)
        Webhook.objects.bulk_create(Webhook(app=app, **WEBHOOK) for _ in range(limits.MAX_WEBHOOKS_OF_APP))

        refused = partner.post(WEBHOOKS, WEBHOOK)

        assert (refused.status_code, list(refused.json())) == (400, ["detail"])
        assert Webhook.objects.count() == limits.MAX_WEBHOOKS_OF_APP
        assert client.post(WEBHOOKS, WEBHOOK).status_code == 201  # the store's own

    def test_all_apps_together_have_a_limited_number(self, client, owner):
        app, _ = installed_partner(owner)
        Webhook.objects.bulk_create(Webhook(app=app, **WEBHOOK) for _ in range(limits.MAX_WEBHOOKS))

        assert client.post(WEBHOOKS, WEBHOOK).status_code == 400
        assert Webhook.objects.count() == limits.MAX_WEBHOOKS

    def test_dashboard_shows_that_there_are_too_many(self, dashboard_client):
        Webhook.objects.bulk_create(Webhook(**WEBHOOK) for _ in range(limits.MAX_WEBHOOKS_OF_APP))

        response = dashboard_client.post(
            "/dashboard/webhooks/webhook/add/",
            {**WEBHOOK, "active": "on", "api_version": "2024-04-01", "name": "", "secret_key": ""},
        )

        assert response.status_code == 200
        assert "at most 100 webhooks" in response.content.decode()


@pytest.mark.django_db(transaction=True)
class TestWritersAtOnce:
    @pytest.mark.parametrize(
        ("name", "limit", "path", "bodies"),
        [
            ("customers.webhooks.services", "MAX_WEBHOOKS_OF_APP", WEBHOOKS, [WEBHOOK] * 8),
            ("customers.webhooks.services", "MAX_WEBHOOKS", WEBHOOKS, [WEBHOOK] * 8),
            ("customers.groups.services", "MAX_GROUPS", GROUPS, [{"name": f"Group {n}"} for n in range(8)]),
            ("customers.jobs.exports.services", "MAX_WAITING_EXPORTS", EXPORTS, [ALL_CUSTOMERS] * 8),
            (
                "customers.metadata.services",
                "MAX_DEFINITIONS",
                f"{ADMIN_API}metadata/",
                [{"object": "customer", "key": f"k{n}", "name": "K", "type": "text"} for n in range(8)],
            ),
        ],
    )
    def test_writers_at_once_do_not_exceed_a_limit(self, client, monkeypatch, name, limit, path, bodies):
        monkeypatch.setattr(f"{name}.{limit}", 3)

        responses = at_once([lambda body=body: client.post(path, body) for body in bodies])

        assert sorted(response.status_code // 100 for response in responses) == [2] * 3 + [4] * 5

    def test_writers_at_once_do_not_exceed_the_addresses_of_a_customer(self, client, monkeypatch):
        monkeypatch.setattr(services, "MAX_ADDRESSES", 3)
        user = make_user()

        responses = at_once([lambda: client.post(addresses_url(user), address())] * 8)

        assert sorted(response.status_code for response in responses) == [201] * 3 + [400] * 5
        assert user.addresses.count() == 3


class TestEmoji:
    @each("text", ["👩\u200d", "a\u200d", "🏽\u200d", "❤️\u200d", "क्\u200d", "👩🏽\u200d❤️\u200d💋\u200d👩🏼"])
    def test_work_of_removal_grows_with_the_length_of_the_text(self, monkeypatch, text):
        """The library looks through all joiners of its text at each character."""
        parts = []
        replace_emoji = emoji.replace_emoji
        monkeypatch.setattr(emoji, "replace_emoji", lambda part, how: parts.append(part) or replace_emoji(part, how))

        def work(text: str) -> int:
            parts.clear()
            validation.without_emoji(text)
            assert "".join(parts) == text
            return sum(len(part) * part.count("\u200d") for part in parts)

        assert 0 < work(text * 4_000) < 2.5 * work(text * 2_000)

    @each(
        "text, kept",
        {
            "none": ("Zoë", "Zoë"),
            "family": ("Ada 👩\u200d👩\u200d👧\u200d👦 B", "Ada B"),
            "joined letters": ("क्\u200dष" * 200, "क्\u200dष" * 200),
            "flags": ("🇬🇧" * 300 + "x", "x"),
            "many families": ("👩\u200d👩\u200d👧\u200d👦" * 100 + "x", "x"),
            "signs": ("Ada® 🎉", "Ada®"),
        },
    )
    def test_removal_keeps_the_rest(self, text, kept):
        assert validation.without_emoji(text) == kept
