import json
import re

import pytest
from django.test import Client
from django.urls import resolve

from customers.api.openapi import DOCUMENTS
from customers.api.resources.users import USER_COLUMNS
from oauth.models import ApiVersion
from oauth.scopes import Scope
from tests import snapshots

SCHEMA = "/api/schema/admin/"


def served(version: str) -> dict:
    return Client().get(SCHEMA, {"version": version}).json()


@pytest.mark.parametrize("name", DOCUMENTS)
class TestSnapshot:
    def test_openapi_document_is_the_committed_snapshot(self, name):
        assert snapshots.path_of(name).read_text() == snapshots.text_of(name), "make schema, and read the diff"

    def test_openapi_document_is_served_as_committed(self, name):
        assert served(name) == json.loads(snapshots.path_of(name).read_text())


class TestExtensions:
    def test_openapi_document_of_the_platform_has_no_extension(self):
        extensions, platform = (set(served(name)["paths"]) for name in ("extensions", "2024-04-01"))

        assert "/api/admin/users/bulk/" in extensions
        assert not extensions & platform


@pytest.mark.parametrize("version", ApiVersion.values)
class TestDocument:
    def test_openapi_document_has_its_own_version_only(self, version):
        document = served(version)

        assert document["openapi"].startswith("3.1")
        assert document["info"]["version"] == version
        for path in document["paths"].values():
            for operation in path.values():
                header = next(one for one in operation["parameters"] if one["name"] == "X-29next-API-Version")
                assert header["schema"]["enum"] == [version]

    def test_openapi_document_has_paths_that_exist(self, version):
        for template in served(version)["paths"]:
            assert resolve(re.sub(r"{\w+}", "1", template)).url_name


class TestDocumentOfTheNewestVersion:
    def test_openapi_document_defaults_to_the_newest_stable_version(self):
        assert Client().get(SCHEMA).json()["info"]["version"] == "2024-04-01"

    def test_openapi_document_has_all_18_fields_of_a_user(self):
        user = served("2024-04-01")["components"]["schemas"]["User"]

        assert set(user["properties"]) == {*USER_COLUMNS, "addresses"}
        assert len(user["properties"]) == 18

    def test_openapi_document_has_every_scope(self):
        flow = served("2024-04-01")["components"]["securitySchemes"]["oauth2"]["flows"]["authorizationCode"]

        assert set(flow["scopes"]) == set(Scope)

    def test_openapi_document_has_a_summary_of_every_operation(self):
        for path in served("2024-04-01")["paths"].values():
            for operation in path.values():
                assert operation["summary"]

    def test_openapi_document_of_unknown_version_is_400(self):
        response = Client().get(SCHEMA, {"version": "1999-01-01"})

        assert response.status_code == 400
        assert "2023-02-10, 2024-04-01, unstable" in response.json()["detail"]
