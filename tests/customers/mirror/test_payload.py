"""Parsing of what a store sends, without a database."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from customers.mirror.payload import InboundEvent, RemoteAddress, parse_customer, parse_event, parse_id, parse_page
from oauth.errors import ServiceError
from tests.support.remote_payloads import address_json, customer_json, erased_json, event_json, to_bytes

pytestmark = pytest.mark.once

# Values that the columns can't hold.
UNFIT = {
    "email": "x" * 310 + "@live.example",
    "first_name": "x" * 256,
    "last_name": "a\0b",
    "phone_number": 5,
    "language": "xx",
    "accepts_marketing": "yes",
    "ip": "somewhere",
    "user_agent": "x" * 501,
    "tags": ["x" * 256],
    "metadata": {"deep": json.loads("[" * 40 + "]" * 40)},
    "orders_count": -1,
    "subscriptions_count": 2**31,
    "total_spent": "-5.00",
    "date_joined": "yesterday",
}


class TestCustomer:
    def test_parse_customer_converts_every_field(self):
        document = customer_json(total_spent="9.5", ip="2001:DB8::1", tags=["a", None, "a", ""])

        customer = parse_customer(document)

        converted = {
            "total_spent": Decimal("9.50"),
            "ip": "2001:db8::1",
            "tags": ["a"],
            "date_joined": datetime(2026, 1, 5, 10, 0, 0, 123456, tzinfo=UTC),
        }
        same = {name: value for name, value in document.items() if name not in ("id", "addresses")}
        assert (customer.id, customer.fields, customer.dropped) == (5001, {**same, **converted}, ())
        fields = {name: value for name, value in document["addresses"][0].items() if name != "id"}
        assert customer.addresses == (RemoteAddress(50010, fields),)

    @pytest.mark.parametrize("name", UNFIT)
    def test_parse_customer_drops_and_names_a_value_that_the_column_can_not_hold(self, name):
        customer = parse_customer(customer_json(**{name: UNFIT[name]}))

        assert name not in customer.fields
        assert customer.dropped == (name,)
        assert customer.fields.keys() | {name} == parse_customer(customer_json()).fields.keys()

    def test_parse_customer_drops_and_names_values_of_addresses(self):
        documents = [address_json(1, line1="x" * 256), {"line1": "without an id"}, "no address"]

        customer = parse_customer(customer_json(addresses=documents))

        assert [address.id for address in customer.addresses] == [1]
        assert customer.dropped == ("addresses.0.line1", "addresses.1", "addresses.2")

    def test_parse_customer_keeps_values_that_the_rules_for_input_refuse(self):
        odd = {"first_name": "Ada 🎉", "phone_number": "call me", "email": "no address"}

        customer = parse_customer(customer_json(**odd, addresses=[address_json(1, country="ZZ", line1="")]))

        assert odd.items() <= customer.fields.items()
        assert (customer.addresses[0].fields["country"], customer.dropped) == ("ZZ", ())

    def test_parse_customer_makes_the_last_of_two_default_addresses_the_default(self):
        documents = [address_json(id, is_default_for_billing=True) for id in (1, 2)]

        customer = parse_customer(customer_json(addresses=documents))

        assert [address.fields["is_default_for_billing"] for address in customer.addresses] == [False, True]
        assert customer.dropped == ("addresses.is_default_for_billing",)

    def test_parse_customer_recognises_an_erased_customer_in_a_complete_payload_only(self):
        partial = {"id": 5001, "email": None, "first_name": "", "addresses": []}

        assert parse_customer(erased_json(orders_count=1)).is_erased
        assert not parse_customer(customer_json()).is_erased
        assert not parse_customer(partial).is_erased

    @pytest.mark.parametrize("document", [None, [], "x", {}, {"id": "5"}, {"id": -1}, {"id": 2**63}, {"id": True}])
    def test_parse_id_rejects_what_has_no_positive_id(self, document):
        with pytest.raises(ServiceError):
            parse_id(document)


class TestEvent:
    def test_parse_event_returns_id_type_and_data(self):
        assert parse_event(to_bytes(event_json("x.y", [1], "one"))) == InboundEvent("one", "x.y", [1])

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"{",
            b"[]",
            b"null",
            b"\xff\xfe",
            b"[" * 100_000,
            b'{"event_type": "customer.updated", "data": {}}',
            b'{"event_id": 5, "event_type": "customer.updated", "data": {}}',
            to_bytes(event_json("customer.updated", {}, event_id="x" * 65)),
            to_bytes(event_json("customer.updated", {}, event_id="a\0b")),
            to_bytes(event_json("customer.updated", {}, event_id="\ud800")),
            to_bytes(event_json("x" * 101, {})),
            to_bytes(event_json("", {})),
        ],
        ids=lambda body: body[:20],
    )
    def test_parse_event_rejects_what_is_no_event(self, body):
        with pytest.raises(ServiceError):
            parse_event(body)


class TestPage:
    def test_parse_page_counts_entries_that_are_no_customers(self):
        page = parse_page({"next": None, "results": [customer_json(), "nobody", {"id": 0}]})

        assert ([customer.id for customer in page.customers], page.next, page.rejected) == ([5001], "", 2)

    @pytest.mark.parametrize("answer", [None, [], "a page", {}, {"results": {}}])
    def test_parse_page_rejects_what_is_no_page(self, answer):
        with pytest.raises(ServiceError, match="a page of customers"):
            parse_page(answer)
