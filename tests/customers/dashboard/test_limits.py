"""The dashboard answers a search of any length, and refuses what exceeds a limit."""

import json

from django.core.files.uploadedfile import SimpleUploadedFile

from customers import limits
from customers.groups.models import CustomerGroup
from customers.jobs.models import Job
from customers.metadata.models import Definition
from customers.webhooks.models import Webhook
from tests.support.cases import each
from tests.support.dashboard import CUSTOMERS, DASHBOARD
from tests.support.factories import make_user

WEBHOOK = {"target": "https://shop.example/hook", "events": ["customer.created"]}


@each("text", ["a " * 15_000, "a" * 60_000, "+".join(["adä"] * 3_000), "Ada " + "b " * 15])
def test_every_list_answers_a_long_search(dashboard_client, text):
    for path in (
        "audit/auditevent", "customers/customer", "customers/staffmember", "groups/customergroup",
        "mirror/receivedevent", "oauth/partnerapp", "oauth/privateapp", "orders/order", "orders/subscription",
        "webhooks/delivery", "webhooks/webhook",
    ):  # fmt: skip
        assert dashboard_client.get(f"{DASHBOARD}{path}/", {"q": text}).status_code == 200, path


def test_search_looks_for_the_first_ten_words(dashboard_client):
    make_user(first_name="a b c d e f g h i j")

    page = dashboard_client.get(CUSTOMERS, {"q": "a b c d e f g h i j" + " z" * 1_000}).content.decode()

    assert "a b c d e f g h i j</a>" in page


def test_definition_and_group_beyond_the_limit_are_refused_on_the_page(dashboard_client):
    CustomerGroup.objects.bulk_create(CustomerGroup(name=f"Group {n}") for n in range(limits.MAX_GROUPS))
    Definition.objects.bulk_create(
        Definition(object="customer", key=f"k{n}", name="K", type="text") for n in range(limits.MAX_DEFINITIONS)
    )

    for path, fields, most in [
        ("metadata/definition", {"object": "customer", "key": "z", "name": "Z", "type": "text"}, "250 custom fields"),
        ("groups/customergroup", {"name": "One more"}, "1000 groups"),
    ]:
        response = dashboard_client.post(f"{DASHBOARD}{path}/add/", fields)

        assert response.status_code == 200, path
        assert f"at most {most}" in response.content.decode()
    assert (CustomerGroup.objects.count(), Definition.objects.count()) == (1_000, 250)


def test_webhook_beyond_the_limit_is_refused_on_the_page(dashboard_client):
    Webhook.objects.bulk_create(Webhook(**WEBHOOK) for _ in range(limits.MAX_WEBHOOKS_OF_APP))

    response = dashboard_client.post(
        f"{DASHBOARD}webhooks/webhook/add/",
        {**WEBHOOK, "active": "on", "api_version": "2024-04-01", "name": "", "secret_key": ""},
    )

    assert response.status_code == 200
    assert "at most 100 webhooks" in response.content.decode()


@each(
    "text",
    {
        "csv": ",".join(["email", *(f"c{number}" for number in range(20_000))]),
        "semicolons": ";".join(["email", *(f"c{number}" for number in range(limits.MAX_COLUMNS))]),
        "json": json.dumps({f"c{number}": 1 for number in range(20_000)}),
        "one cell": "email" + "x" * 20_000_000,
    },
)
def test_upload_refuses_too_many_columns_and_a_very_long_line(dashboard_client, text):
    upload = {"file": SimpleUploadedFile("people.csv", text.encode())}

    response = dashboard_client.post(f"{DASHBOARD}jobs/job/import/", upload)

    assert response.status_code == 200
    assert not Job.objects.exists()
