"""The names of apps, webhooks, groups and metadata definitions: one spelling, one line, something to see, whatever the
surface they are given by."""

from functools import partial
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from customers.groups.models import CustomerGroup
from customers.metadata.models import Definition
from customers.webhooks.delivery.outcomes import WEBHOOK_NOTICE, queue_notices
from customers.webhooks.delivery.sender import Outcome
from customers.webhooks.models import Webhook
from oauth.accounts.models import Email
from oauth.models import App, PartnerApp, PrivateApp
from oauth.scopes import Scope
from tests.support.cases import each
from tests.support.clients import ADMIN_API
from tests.support.dashboard import DASHBOARD
from tests.support.medusa import GROUPS
from tests.support.webhooks import WEBHOOKS

WEBHOOK = {"target": "https://shop.example/hook", "api_version": "2024-04-01", "active": "on"}
DEFINITION = {"object": "customer", "key": "points", "type": "text"}
PARTNER_APP = {"app_url": "https://reviews.example/", "client_type": "public", "api_version": "2024-04-01",
               "redirect_uris": "https://reviews.example/callback"}  # fmt: skip

KEPT = [
    ("Cafe\u0301", "Café"),
    ("\u1112\u1161\u11ab", "한"),
    ("Best\nof", "Best of"),
    ("Best\rof", "Best of"),
    ("Best\r\nof", "Best of"),
    ("Best\u2028of\x85all", "Best of all"),
    (" Best ", "Best"),
    ("a\u200db", "a\u200db"),
    ("O’Neill 😀", "O’Neill 😀"),
]
BLANK = ["\u200b", "\u3164", "\u00ad", "\u2800", "\ufeff", "\u180e", "\U000e0041", " \u200d\u2060 "]
CONTROL = ["\x1b[31ma", "a\x07", "a\u202eb", "a\u2066b", "a\tb", "\x9fa"]
TOO_LONG = ["x" * 256, "\u0958" * 200]  # the second one in NFC only


class Doors:
    """By the name of a surface: the model, and a function that gives a name to a new thing. It returns what is said:
    the text of a page or an answer, or the message of a command."""

    def __init__(self, client, browser):
        def posted(path, field="name", **body):
            return lambda name: client.post(path, {**body, field: name}).content.decode()

        def filled(path, **form):
            return lambda name: browser.post(f"{DASHBOARD}{path}add/", {**form, "name": name}).content.decode()

        target = {"target": WEBHOOK["target"], "events": ["customer.created"]}
        self.doors = {
            "webhook, API": (Webhook, posted(WEBHOOKS, **target)),
            "webhook, dashboard": (Webhook, filled("webhooks/webhook/", **WEBHOOK, events="customer.created")),
            "definition, API": (Definition, posted(f"{ADMIN_API}metadata/", **DEFINITION)),
            "definition, dashboard": (Definition, filled("metadata/definition/", **DEFINITION)),
            "group, API": (CustomerGroup, posted(GROUPS)),
            "group, dashboard": (CustomerGroup, filled("groups/customergroup/")),
            "app, dashboard": (PartnerApp, filled("oauth/partnerapp/", **PARTNER_APP)),
            "app, command": (PartnerApp, self.register),
            "API token, dashboard": (PrivateApp, filled("oauth/privateapp/", api_version="2024-04-01", preset="read")),
            "API token, command": (PrivateApp, self.create_token),
        }

    def register(self, name):
        uris = {"app_url": PARTNER_APP["app_url"], "redirect_uri": [PARTNER_APP["redirect_uris"]]}
        return self.called("register_app", f"--name={name}", **uris)

    def create_token(self, name):
        return self.called("create_token", f"--app={name}", "--scope", "users:read")

    @staticmethod
    def called(*arguments, **options):
        try:
            call_command(*arguments, **options, stdout=StringIO())
        except CommandError as error:
            return str(error)
        return ""

    def __iter__(self):
        """For each surface: its name, the function, and one that returns the names that are stored."""
        for surface, (model, give) in self.doors.items():
            added = model.objects.exclude(pk__in=list(model.objects.values_list("pk", flat=True)))
            yield surface, give, partial(self.names_of, added)
            added.all().delete()

    @staticmethod
    def names_of(rows):
        return list(rows.all().values_list("name", flat=True))


@pytest.fixture
def doors(api, dashboard_client):
    return Doors(api(*Scope), dashboard_client)


@each("given,kept", KEPT)
def test_name_is_kept_in_one_spelling_on_one_line(doors, given, kept):
    for surface, give, names in doors:
        give(given)

        assert names() == [kept], surface


@each("name", BLANK)
def test_name_that_can_not_be_seen_is_refused(doors, name):
    for surface, give, names in doors:
        assert "This field may not be blank." in give(name), surface
        assert names() == [], surface


@each("name", CONTROL)
def test_name_with_control_characters_is_refused(doors, name):
    for surface, give, names in doors:
        assert "control characters are not allowed" in give(name), surface
        assert names() == [], surface


@each("name", TOO_LONG)
def test_name_that_is_too_long_in_one_spelling_is_refused(doors, name):
    for surface, give, names in doors:
        assert "characters" in give(name), surface
        assert names() == [], surface


def test_two_spellings_are_one_api_token(owner):
    for name in ("Café", "Cafe\u0301", "Café\n"):
        call_command("create_token", f"--app={name}", "--scope", "users:read", stdout=StringIO())

    assert App.objects.get().name == "Café"


def test_replaced_token_stays_with_an_app_of_an_older_name(dashboard_client, api):
    api(Scope.USERS_READ, app_name="ERP")
    App.objects.update(name="Old\nname")

    page = dashboard_client.post(f"{DASHBOARD}oauth/privateapp/{App.objects.get().pk}/replace/")

    assert page.status_code == 200
    assert App.objects.get().name == "Old\nname"


@each("name", ["a\rb", "a\nb", "a\r\nBcc: x@example.com"])
def test_mail_about_a_webhook_with_an_old_name_has_one_line_of_subject(owner, name):
    webhook = Webhook.objects.create(name=name, target=WEBHOOK["target"], events=["customer.created"])
    queue_notices(webhook, "warning", Outcome(500, 0.1))

    subject, _ = WEBHOOK_NOTICE.write(Email.objects.get(), owner)

    assert subject.splitlines() == [subject]
