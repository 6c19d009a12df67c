import json
import re

import pytest
from django.test import Client
from django.urls import resolve

from customers.api.resources.users import USER_COLUMNS
from oauth.models import ApiVersion
from oauth.scopes import Scope
from tests import snapshots

SCHEMA = "/api/schema/admin/"


def served(version: str) -> dict:
    return Client().get(SCHEMA, {"version": version}).json()


@pytest.mark.parametrize("version", ApiVersion.values)
class TestDocument:
    def test_is_the_committed_snapshot(self, version):
        assert snapshots.path_of(version).read_text() == snapshots.text_of(version), "make schema, and read the diff"

    def test_is_served_as_it_is_committed(self, version):
        assert served(version) == json.loads(snapshots.path_of(version).read_text())

    def test_names_its_own_version_alone(self, version):
        document = served(version)

        assert document["openapi"].startswith("3.1")
        assert document["info"]["version"] == version
        for path in document["paths"].values():
            for operation in path.values():
                header = next(one for one in operation["parameters"] if one["name"] == "X-29next-API-Version")
                assert header["schema"]["enum"] == [version]

    def test_describes_paths_that_are_served(self, version):
        for template in served(version)["paths"]:
            assert resolve(re.sub(r"{\w+}", "1", template)).url_name


class TestDocumentOfTheNewestVersion:
    def test_is_the_default(self):
        assert Client().get(SCHEMA).json()["info"]["version"] == "2024-04-01"

    def test_holds_the_full_field_set(self):
        user = served("2024-04-01")["components"]["schemas"]["User"]

        assert set(user["properties"]) == {*USER_COLUMNS, "addresses"}
        assert len(user["properties"]) == 18

    def test_holds_every_scope(self):
        flow = served("2024-04-01")["components"]["securitySchemes"]["oauth2"]["flows"]["authorizationCode"]

        assert set(flow["scopes"]) == set(Scope)

    def test_says_what_every_operation_and_parameter_is_for(self):
        for path in served("2024-04-01")["paths"].values():
            for operation in path.values():
                assert operation["summary"]

    def test_refuses_an_unknown_version(self):
        response = Client().get(SCHEMA, {"version": "1999-01-01"})

        assert response.status_code == 400
        assert "2023-02-10, 2024-04-01, unstable" in response.json()["detail"]
