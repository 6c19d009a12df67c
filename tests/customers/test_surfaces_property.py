"""The surface by which a customer came in can't be seen in what is read, whatever the surface it is read by."""

import csv
import io
import json
from functools import partial
from pathlib import Path

import pytest
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from customers.jobs.formulas import quoted, quoted_json
from customers.jobs.imports.columns import BLOCK, CONSENT
from customers.mirror import services as mirror
from customers.models import Customer
from oauth.scopes import Scope
from tests.support import medusa
from tests.support.clients import USERS, user_url
from tests.support.dashboard import CUSTOMERS
from tests.support.mailboxes import SAME_MAILBOX
from tests.support.pages import fields_of
from tests.support.remote_payloads import event_json, sign, to_bytes

ADDRESS = ("first_name", "last_name", "line1", "line2", "line3", "line4", "state", "postcode", "country",
           "phone_number", "notes")  # fmt: skip
EVERYTHING = ("email", "first_name", "last_name", "phone_number", "metadata", "language", "accepts_marketing", "tags",
              "addresses")  # fmt: skip
# Empty values are left to other tests: neither a cell nor an input can tell an empty text from none.
# What two customers never have in common. The evidence of consent says which surface it was given through.
OWN = {
    "id", "url", "created_at", "updated_at", "date_joined", "customer_id", "billing_address_id", "ip", "user_agent",
    *BLOCK, *CONSENT,
}  # fmt: skip

WAYS_IN = ("Admin API, JSON", "Admin API, form", "Medusa", "dashboard", "CSV", "JSON Lines")


def taken_by(surface):
    """The fields that a new customer can have there."""
    return EVERYTHING[:5] if surface == "Medusa" else EVERYTHING


# Letters in both normal forms, signs that a file or a form gives a meaning to, breaks, emoji and invisible characters.
signs = st.sampled_from(
    [*"aZé,;\"'’=-@[]{}*:|#&+% ßİΩ漢١😀", "e\u0308", "\u1112\u1161\u11ab", "\ufb01", "\u0958", "\u00a0", "\u200b",
     "\u200d", "\n", "\r\n", "\t", "\u2028"]
)  # fmt: skip
letters = st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn", "Co"])
texts = st.lists(signs | letters, max_size=8).map("".join)
seen = texts.map(lambda text: f"x{text}")
names = texts.map(lambda text: f"N{text}")
phones = st.sampled_from(
    ["+44 20 7946 0018", "020 7946 0018", "tel:+12015550123", "+1-800-FLOWERS", " +442079460018 ", "+٤٤2079460018",
     "020\u00a079460018", "\u202a+442079460018\u202c", "٠٢٠ ٧٩٤٦ ٠٠١٨"]
)  # fmt: skip
emails = st.sampled_from([spelling for spellings in SAME_MAILBOX for spelling in spellings]) | st.builds(
    "{}@example.com".format, st.text("aZ.-+'", min_size=1, max_size=6).filter(lambda text: text.strip(".") == text)
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**62), 2**62) | st.floats(-1e15, 1e15) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
addresses = st.fixed_dictionaries(
    {name: seen if name in ("line1", "line4") else texts for name in ADDRESS}
    | {"country": st.just("GB"), "phone_number": phones, "postcode": texts}
)
customers = st.fixed_dictionaries(
    {
        "email": emails,
        "first_name": names,
        "last_name": names,
        "phone_number": phones,
        "metadata": st.dictionaries(texts, json_values, max_size=3),
        "language": st.sampled_from(["en", "de"]),
        "accepts_marketing": st.booleans(),
        "tags": st.lists(texts.filter(str.strip), max_size=3),
        "addresses": st.lists(addresses, max_size=2),
    }
)


class Surfaces:
    """`ways_in`: functions that send a customer, by the names of surfaces."""

    def __init__(self, client, browser, import_file, export_file, folder):
        self.client, self.browser, self.import_file, self.export_file = client, browser, import_file, export_file
        self.folder = folder
        self.page = fields_of(browser.get(f"{CUSTOMERS}add/"))
        ways_in = (self.json, self.form, self.medusa, self.dashboard, self.csv, self.jsonl)
        self.ways_in = dict(zip(WAYS_IN, ways_in, strict=True))

    def json(self, fields):
        self.client.post(USERS, fields)

    def form(self, fields):
        plain = {name: value for name, value in fields.items() if name not in ("addresses", "metadata")}
        book = {
            f"addresses[{place}][{name}]": value
            for place, address in enumerate(fields.get("addresses", []))
            for name, value in address.items()
        }
        self.client.post_form(USERS, {**plain, **book, "metadata": json.dumps(fields["metadata"])})

    def medusa(self, fields):
        phone = fields["phone_number"]
        body = {name: fields[name] for name in ("email", "first_name", "last_name", "metadata")}
        self.client.post(medusa.CUSTOMERS, {**body, "phone": phone, "password": ""})

    def dashboard(self, fields):
        form = {**self.page, **{name: value for name, value in fields.items() if isinstance(value, str)}}
        form["metadata"] = json.dumps(fields["metadata"])
        if fields.get("accepts_marketing"):
            form["accepts_marketing"] = "on"
        line = io.StringIO()
        csv.writer(line, quoting=csv.QUOTE_ALL).writerow(fields.get("tags", []))
        form["tags"] = line.getvalue()
        book = fields.get("addresses", [])
        form["addresses-TOTAL_FORMS"] = str(len(book))
        for place, address in enumerate(book):
            form |= {f"addresses-{place}-{name}": value for name, value in address.items()}
        self.browser.post(f"{CUSTOMERS}add/", form)

    def csv(self, fields):
        row = {name: value for name, value in fields.items() if name != "addresses"}
        first, *others = fields.get("addresses") or [{}]
        row |= {f"address_{name}": value for name, value in first.items()}
        if others:
            row["more_addresses"] = others
        row = {name: cell(value) for name, value in row.items()}
        text = io.StringIO()
        rows = csv.writer(text, quoting=csv.QUOTE_ALL)
        rows.writerows([row.keys(), row.values()])
        self.file("customers.csv", text.getvalue())

    def jsonl(self, fields):
        self.file("customers.jsonl", json.dumps(fields, ensure_ascii=False) + "\n")

    def file(self, name, text):
        path = self.folder / name
        path.write_text(text, encoding="utf-8", newline="")
        self.import_file(str(path))

    def mirrored(self, shown):
        """As if another store, whose Admin API shows this customer, had sent an event."""
        store = mirror.get_or_create_store("https://live.example")
        body = to_bytes(event_json("customer.created", shown))
        signed = Client(headers={"X-29Next-Signature": sign(body, store.secret_key)})
        assert signed.post(f"/webhooks/{store.pk}/", body, "application/json").status_code == 200

    def read(self, user):
        rows, lines = (Path(self.export_file(name)).read_text("utf-8-sig") for name in ("out.csv", "out.jsonl"))
        return {
            "Admin API": self.client.get(user_url(user)).json(),
            "Medusa": self.client.get(f"{medusa.url_of(user)}?expand=shipping_addresses").json(),
            "CSV": next(csv.DictReader(io.StringIO(rows, newline=""))),
            "JSON Lines": json.loads(lines),
        }

    def entered(self, enter, fields):
        """What is read of a customer who came in this way; None if they were refused."""
        with transaction.atomic():
            enter(fields)
            user = Customer.objects.first()
            found = user and self.read(user)
            transaction.set_rollback(True)
        return found


def cell(value):
    """As any file of the store has it: where a formula may begin, an import removes an apostrophe."""
    if isinstance(value, list | dict):
        return quoted_json(json.dumps(value))
    return quoted(value) if isinstance(value, str) else value


def without_own(value):
    if isinstance(value, dict):
        return {name: without_own(each) for name, each in value.items() if name not in OWN}
    return [without_own(each) for each in value] if isinstance(value, list) else value


@pytest.fixture
def surfaces(api, dashboard_client, import_file, export_file, tmp_path, settings):
    settings.STORE_COUNTRY = "GB"
    return Surfaces(api(*Scope), dashboard_client, import_file, export_file, tmp_path)


quick = partial(
    settings,
    deadline=None,
    phases=[Phase.generate],  # to shrink a failing customer would take minutes
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@quick(max_examples=18)
@given(customer=customers)
def test_customer_is_the_same_whatever_the_surface(surfaces, customer):
    everywhere = {name: value for name, value in customer.items() if name in taken_by("Medusa")}
    everywhere["email"] = customer["email"].lower()  # as Medusa does
    for fields, names in ((customer, [name for name in WAYS_IN if name != "Medusa"]), (everywhere, WAYS_IN[:3])):
        first, *others = (surfaces.entered(surfaces.ways_in[name], fields) for name in names)
        for name, other in zip(names[1:], others, strict=True):
            assert without_own(other) == without_own(first), name


@quick(max_examples=15)
@given(customer=customers)
def test_mirrored_customer_is_the_same_as_in_the_other_store(surfaces, customer):
    original = surfaces.entered(surfaces.json, customer)
    if original is None:
        return  # refused

    assert without_own(surfaces.entered(surfaces.mirrored, original["Admin API"])) == without_own(original)
