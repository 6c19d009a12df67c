"""The version header, for every path under /api/admin/."""

import pytest

from oauth.models import ApiVersion
from oauth.scopes import Scope
from tests.support.clients import ADMIN_API, USERS, ApiClient
from tests.support.operations import each_operation

HEADER = "X-29next-API-Version"
VERSIONS = ["2023-02-10", "2024-04-01", "unstable"]


class TestVersionHeader:
    @each_operation()
    @pytest.mark.parametrize("version", VERSIONS)
    def test_is_accepted_and_echoed(self, client, ada, ada_address, operation, version):
        response = operation(client, user=ada, address=ada_address, headers={HEADER: version})

        assert response.status_code in (200, 201, 204)
        assert response.headers[HEADER] == version

    @each_operation()
    @pytest.mark.parametrize("version", ["2022-01-01", "latest", "2024-04-01, unstable", "UNSTABLE"])
    def test_of_an_unknown_version_is_refused_naming_the_supported_ones(self, client, operation, version):
        response = operation(client, headers={HEADER: version})

        assert response.status_code == 400
        for supported in VERSIONS:
            assert supported in response.json()["detail"]

    @pytest.mark.parametrize("spelling", ["x-29next-api-version", "X-29NEXT-API-VERSION", "X-29Next-Api-Version"])
    def test_is_spelled_in_any_case(self, client, spelling):
        response = client.get(USERS, headers={spelling: "unstable"})

        assert response.headers[HEADER] == "unstable"

    def test_is_checked_on_unknown_paths_too(self, client):
        assert client.get(f"{ADMIN_API}nothing/", headers={HEADER: "2022-01-01"}).status_code == 400
        assert client.get(f"{ADMIN_API}nothing/", headers={HEADER: "unstable"}).headers[HEADER] == "unstable"

    @pytest.mark.parametrize("token", [None, "shc_unknown"])
    def test_is_echoed_to_those_who_are_refused(self, db, token):
        response = ApiClient(token).get(USERS, headers={HEADER: "2023-02-10"})

        assert response.status_code == 401
        assert response.headers[HEADER] == "2023-02-10"

    def test_changes_nothing_in_the_customers_section(self, client, ada):
        answers = {client.get(USERS, headers={HEADER: version}).content for version in VERSIONS}

        assert len(answers) == 1


class TestWithoutTheHeader:
    @pytest.mark.parametrize("version", VERSIONS)
    def test_the_version_of_the_api_key_is_used(self, api, version):
        response = api(Scope.USERS_READ, api_version=version).get(USERS)

        assert response.headers[HEADER] == version

    def test_a_new_key_speaks_the_newest_stable_version(self, client):
        assert client.get(USERS).headers[HEADER] == "2024-04-01"
        assert client.get(USERS, headers={HEADER: " "}).headers[HEADER] == "2024-04-01"

    def test_there_are_three_versions(self):
        assert ApiVersion.values == VERSIONS


def test_is_echoed_even_where_json_is_refused(client):
    response = client.get(USERS, headers={"Accept": "text/html", HEADER: "2023-02-10"})

    assert response.status_code == 406
    assert response.headers[HEADER] == "2023-02-10"
