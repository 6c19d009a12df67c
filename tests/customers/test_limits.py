"""What grows has a limit, on every surface. A request that exceeds it is refused, and nothing of it is stored."""

import json
from contextlib import suppress

import pytest
from django.core.management import call_command
from django.utils import timezone

from customers import limits, services
from customers.groups.models import CustomerGroup
from customers.jobs import bulk_edits, runner
from customers.jobs.exports.parts import EXPORT
from customers.jobs.models import Job, RejectedRow
from customers.mirror.payload import parse_customer
from customers.models import User
from customers.webhooks.models import Webhook
from oauth.scopes import Scope
from tests.support.cases import each
from tests.support.clients import ADMIN_API, USERS, addresses_url, notes_url, user_url
from tests.support.concurrency import at_once
from tests.support.exports import ALL_CUSTOMERS, EXPORTS
from tests.support.factories import address, fill_address_book, make_user
from tests.support.medusa import CUSTOMERS as MEDUSA_CUSTOMERS
from tests.support.medusa import GROUPS
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

    def test_address_beyond_the_limit_is_refused(self, client):
        user = make_user()
        fill_address_book(user)

        response = client.post(addresses_url(user), address())

        assert (response.status_code, list(response.json())) == (400, ["addresses"])
        assert user.addresses.count() == limits.MAX_ADDRESSES

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
