"""The requests and the answers of the published documents, version 2024-04-01 and the two others, which are alike here.

`contract_examples.json` has each operation with a body as small, as full and as empty as its published schema allows,
and the published schema of each answer, which allows no further fields. It was generated from these documents. Values
that a schema does not describe, such as the code of a country, are real ones. "Anything or null", which is published as
`oneOf` and would then exclude null, is written as `{}`.

Orders and subscriptions are compared in `test_users_orders.py` and `test_users_subscriptions.py`.
"""

import json
from pathlib import Path

import jsonschema_rs
import pytest

from oauth.models import ApiVersion
from oauth.scopes import Scope
from tests.support.cases import each
from tests.support.clients import ADMIN_API, notes_url
from tests.support.exports import ALL_CUSTOMERS, make_exports
from tests.support.factories import make_address, make_user

CONTRACT = json.loads(Path(__file__).with_name("contract_examples.json").read_text())
OPERATIONS = CONTRACT["operations"]
CASES = {
    f"{operation['method']} {operation['path']} {name} {version}": (operation, body, version)
    for operation in OPERATIONS
    for name, body in operation.get("bodies", {"": None}).items()
    for version in ApiVersion.values
}


@pytest.fixture
def client(api):
    return api(*Scope, app_name="All of it")


@pytest.fixture
def paths(client, owner, files) -> dict[str, str]:
    """The path of an existing object for each path of the documents."""
    definition = {"key": "level", "name": "Level", "object": "customer", "type": "integer"}
    webhook = {"target": "https://app.example/", "events": ["customer.created"]}
    ids = {
        name: client.post(f"{ADMIN_API}{name}/", body).json()["id"]
        for name, body in (("metadata", definition), ("webhooks", webhook), ("exports", ALL_CUSTOMERS))
    }
    make_exports()
    user = make_user(metadata={"level": 3})
    client_id = client.post(notes_url(user), {"message": "Asked for a call back."}).json()["app"]["client_id"]
    others = {"addressId": make_address(user).pk, "clientId": client_id}
    ids["users"] = user.pk
    return {
        path: ADMIN_API + path[1:].format(id=ids.get(path.split("/")[1]), **others)
        for path in {operation["path"] for operation in OPERATIONS}
    }


@each("operation, body, version", CASES)
def test_answer_is_as_published(client, paths, operation, body, version):
    send = getattr(client, operation["method"])

    answer = send(paths[operation["path"]], body, headers={"X-29next-API-Version": version})

    # Published as 201, which is a slip: nothing is created.
    expected = 200 if operation["path"] == "/apps/{clientId}/" else operation["status"]
    assert answer.status_code == expected, answer.content
    schema = {**operation["answer"], "$defs": CONTRACT["schemas"]}
    jsonschema_rs.Draft202012Validator(schema, validate_formats=True).validate(answer.json())


def test_schemas_of_answers_are_strict():
    """So that the test above can fail."""
    [schema] = [each["answer"] for each in OPERATIONS if (each["method"], each["path"]) == ("get", "/store/")]
    validator = jsonschema_rs.Draft202012Validator({**schema, "$defs": CONTRACT["schemas"]}, validate_formats=True)

    for wrong in ({}, [], None):
        assert not validator.is_valid(wrong)
