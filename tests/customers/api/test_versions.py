"""The version header. What the base class does is tested with one operation of each viewset."""

import pytest

from oauth.models import ApiVersion
from oauth.scopes import Scope
from tests.support.clients import ADMIN_API, USERS, ApiClient
from tests.support.operations import CREATE_OPERATIONS, OPERATIONS

HEADER = "X-29next-API-Version"
VERSIONS = ["2023-02-10", "2024-04-01", "unstable"]


class TestVersionHeader:
    @pytest.mark.parametrize("version", VERSIONS)
    def test_version_header_is_accepted_and_repeated_by_every_operation(self, admin_client, ada, ada_address, version):
        for operation in OPERATIONS:
            response = operation(admin_client, user=ada, address=ada_address, headers={HEADER: version})

            assert response.status_code in (200, 201, 204), operation.name
            assert response.headers[HEADER] == version

    @pytest.mark.parametrize("version", ["2022-01-01", "latest", "2024-04-01, unstable", "UNSTABLE"])
    def test_unknown_version_is_400_and_lists_the_supported_ones(self, admin_client, version):
        for operation in CREATE_OPERATIONS:
            response = operation(admin_client, headers={HEADER: version})

            assert response.status_code == 400
            for supported in VERSIONS:
                assert supported in response.json()["detail"]

    @pytest.mark.parametrize("spelling", ["x-29next-api-version", "X-29NEXT-API-VERSION", "X-29Next-Api-Version"])
    def test_version_header_ignores_case(self, admin_client, spelling):
        response = admin_client.get(USERS, headers={spelling: "unstable"})

        assert response.headers[HEADER] == "unstable"

    def test_version_header_is_checked_on_unknown_paths(self, admin_client):
        assert admin_client.get(f"{ADMIN_API}nothing/", headers={HEADER: "2022-01-01"}).status_code == 400
        assert admin_client.get(f"{ADMIN_API}nothing/", headers={HEADER: "unstable"}).headers[HEADER] == "unstable"

    @pytest.mark.parametrize("token", [None, "shc_unknown"])
    def test_401_repeats_the_version_header(self, db, token):
        response = ApiClient(token).get(USERS, headers={HEADER: "2023-02-10"})

        assert response.status_code == 401
        assert response.headers[HEADER] == "2023-02-10"

    def test_406_repeats_the_version_header(self, admin_client):
        response = admin_client.get(USERS, headers={"Accept": "text/html", HEADER: "2023-02-10"})

        assert response.status_code == 406
        assert response.headers[HEADER] == "2023-02-10"

    def test_customers_look_the_same_in_all_versions(self, admin_client, ada):
        answers = {admin_client.get(USERS, headers={HEADER: version}).content for version in VERSIONS}

        assert len(answers) == 1


class TestDefaultVersion:
    @pytest.mark.parametrize("version", VERSIONS)
    def test_default_version_is_that_of_the_api_key(self, api, version):
        response = api(Scope.USERS_READ, api_version=version).get(USERS)

        assert response.headers[HEADER] == version

    def test_default_version_of_a_new_api_key_is_the_newest_stable_one(self, admin_client):
        assert admin_client.get(USERS).headers[HEADER] == "2024-04-01"
        assert admin_client.get(USERS, headers={HEADER: " "}).headers[HEADER] == "2024-04-01"

    def test_there_are_three_versions(self):
        assert ApiVersion.values == VERSIONS
