"""Definitions of metadata bind every write, by every writer, and nothing else."""

import json

import pytest

from customers import services
from customers.metadata.services import delete_definition, update_definition
from customers.models import User
from oauth.actor import SYSTEM
from oauth.errors import ServiceError
from tests.support.clients import USERS, user_url
from tests.support.dashboard import CUSTOMERS as CUSTOMERS_PAGE
from tests.support.dashboard import browser_of
from tests.support.database import by_database
from tests.support.factories import make_user
from tests.support.medusa import CUSTOMERS as MEDUSA
from tests.support.medusa import NEW
from tests.support.medusa import url_of as medusa_url
from tests.support.metadata_cases import REFUSED, TAKEN

NO_ADDRESSES = {"addresses-TOTAL_FORMS": 0, "addresses-INITIAL_FORMS": 0}


def by_admin_api(client, owner, metadata):
    response = client.post(USERS, {"email": "ada@example.com", "metadata": metadata})
    return None if response.status_code == 201 else response.json()["metadata"]["it"][0]


def by_admin_api_update(client, owner, metadata):
    response = client.patch(user_url(make_user()), {"metadata": metadata})
    return None if response.status_code == 200 else response.json()["metadata"]["it"][0]


def by_medusa(client, owner, metadata):
    response = client.post(MEDUSA, {**NEW, "metadata": metadata})
    return None if response.status_code == 201 else response.json()["message"].removeprefix("metadata.it: ")


def by_medusa_update(client, owner, metadata):
    response = client.post(medusa_url(make_user()), {"metadata": metadata})
    return None if response.status_code == 200 else response.json()["message"].removeprefix("metadata.it: ")


def by_the_form(client, owner, metadata):
    fields = {**NO_ADDRESSES, "email": "ada@example.com", "metadata": json.dumps(metadata)}
    response = browser_of(owner).post(f"{CUSTOMERS_PAGE}add/", fields)
    if response.status_code == 302:
        return None
    errors = response.context["form"].errors
    (error,) = errors.get("metadata.it") or errors["metadata"]
    return error.removeprefix("it: ")


WRITERS = [by_admin_api, by_admin_api_update, by_medusa, by_medusa_update, by_the_form]


class TestValues:
    """Every kind of value by the Admin API. All writers call the same check."""

    @pytest.mark.parametrize(("type", "validations", "value"), TAKEN)
    def test_value_of_the_right_type_is_accepted(self, admin_client, owner, define, type, validations, value):
        define("it", type, **validations)

        refusal = by_admin_api(admin_client, owner, {"it": value, "free": [1]})

        assert refusal is None
        assert User.objects.latest("pk").metadata == {"it": value, "free": [1]}

    @pytest.mark.parametrize(("type", "validations", "value", "message"), REFUSED)
    def test_value_of_another_type_is_rejected_at_its_key(
        self, admin_client, owner, define, type, validations, value, message
    ):
        define("it", type, **validations)

        refusal = by_admin_api(admin_client, owner, {"it": value})

        assert refusal == message
        assert not User.objects.filter(metadata__isnull=False).exists()


@pytest.mark.parametrize("write", WRITERS)
class TestEveryWriter:
    def test_every_writer_accepts_a_value_of_the_right_type(self, admin_client, owner, define, write):
        define("it", "integer", maximum_value="7")

        assert write(admin_client, owner, {"it": 7, "free": [1]}) is None
        assert User.objects.latest("pk").metadata == {"it": 7, "free": [1]}

    def test_every_writer_rejects_a_value_of_another_type(self, admin_client, owner, define, write):
        define("it", "integer", maximum_value="7")

        assert write(admin_client, owner, {"it": "7"}) == "Enter a whole number."
        assert write(admin_client, owner, {"it": 8}) == "Enter at most 7."
        assert not User.objects.filter(metadata__isnull=False).exists()

    def test_every_writer_keeps_a_float_without_a_fraction_as_an_integer(self, admin_client, owner, define, write):
        define("it", "integer", maximum_value="7")

        assert write(admin_client, owner, {"it": 5.0, "free": 5.0}) is None
        kept = User.objects.latest("pk").metadata
        assert (repr(kept["it"]), repr(kept["free"])) == ("5", "5.0")

    def test_every_writer_ignores_definitions_of_other_objects(self, admin_client, owner, define, write):
        define("it", "integer", object="order")

        assert write(admin_client, owner, {"it": "anything"}) is None


def test_medusa_update_removes_a_key_with_an_empty_value(admin_client, owner, define):
    define("it", "text")

    assert by_medusa_update(admin_client, owner, {"it": "", "free": [1]}) is None
    assert User.objects.latest("pk").metadata == {"free": [1]}


class TestDefinitions:
    def test_definition_keeps_existing_values(self, admin_client, define):
        user = make_user(metadata={"points": "many", "tier": "gold"})
        define("points", "integer")

        answered = admin_client.patch(user_url(user), {"metadata": {"points": "many", "tier": "silver"}})
        refused = admin_client.patch(user_url(user), {"metadata": {"points": "more"}})

        assert (answered.status_code, refused.status_code) == (200, 400)
        assert admin_client.patch(user_url(user), {"first_name": "Ada"}).status_code == 200
        user.refresh_from_db()
        assert user.metadata == {"points": "many", "tier": "silver"}

    def test_medusa_may_change_another_key_of_an_existing_value(self, admin_client, define):
        user = make_user(metadata={"points": "many"})
        define("points", "integer")

        answered = admin_client.post(medusa_url(user), {"metadata": {"tier": "gold"}})

        assert answered.status_code == 200
        assert answered.json()["customer"]["metadata"] == {"points": "many", "tier": "gold"}

    def test_boolean_is_not_an_integer(self, db, define):
        user = make_user(metadata={"points": 1})
        define("points", "integer")

        with pytest.raises(ServiceError):
            services.update_user(user.pk, by=SYSTEM, metadata={"points": True})

    def test_changed_definition_binds_from_the_next_write(self, admin_client, define):
        definition = define("points", "integer", maximum_value="10")
        bodies = [{"email": f"{n}@example.com", "metadata": {"points": n}} for n in (11, 12, 13)]
        first = admin_client.post(USERS, bodies[0]).status_code
        update_definition(definition.pk, validations=[{"type": "maximum_value", "value": "12"}])
        second = admin_client.post(USERS, bodies[1]).status_code
        delete_definition(definition.pk)

        third = admin_client.post(USERS, bodies[2]).status_code

        assert (first, second, third) == (400, 201, 201)

    def test_new_definition_binds_a_process_that_remembers_others(self, admin_client, define):
        define("points", "integer")
        admin_client.post(USERS, {"email": "a@example.com", "metadata": {"points": 7, "tier": 1}})

        define("tier", "text")

        assert admin_client.post(USERS, {"email": "b@example.com", "metadata": {"tier": 1}}).status_code == 400
        assert admin_client.post(USERS, {"email": "b@example.com", "metadata": {"tier": "gold"}}).status_code == 201

    def test_definitions_cost_a_query_on_sqlite_only(self, admin_client, define, django_assert_num_queries):
        define("points", "integer")
        admin_client.post(USERS, {"email": "a@example.com", "metadata": {"points": 7}})
        one_statement, transaction = 2, 8  # the token; definitions; the person, an event and webhooks

        for email, metadata in [("b@example.com", {"points": 7}), ("c@example.com", {"other": 7})]:
            with django_assert_num_queries(by_database(postgresql=one_statement, sqlite=transaction)):
                admin_client.post(USERS, {"email": email, "metadata": metadata})
