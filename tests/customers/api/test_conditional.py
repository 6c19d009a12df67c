"""ETag, If-None-Match and If-Match on customers and addresses."""

import pytest

from tests.support.clients import address_url, user_url
from tests.support.concurrency import at_once
from tests.support.factories import address, make_address, make_user


@pytest.fixture(params=["user", "address"])
def thing(request, ada, ada_address):
    """Its URL and two bodies that change it."""
    if request.param == "user":
        return user_url(ada), {"first_name": "Augusta"}, {"first_name": "Anne"}
    return address_url(ada_address), address(line1="Elsewhere"), address(line1="Nowhere")


class TestETag:
    def test_etag_changes_only_with_the_object(self, admin_client, thing):
        url, body, _ = thing
        etag = admin_client.get(url).headers["ETag"]

        assert admin_client.get(url).headers["ETag"] == etag
        changed = admin_client.put(url, body).headers["ETag"]
        assert changed != etag
        assert admin_client.get(url).headers["ETag"] == changed

    def test_etag_of_a_customer_changes_with_an_address(self, admin_client, ada, ada_address):
        etag = admin_client.get(user_url(ada)).headers["ETag"]

        admin_client.put(address_url(ada_address), address(line1="Elsewhere"))

        assert admin_client.get(user_url(ada)).headers["ETag"] != etag

    def test_answers_with_etag_are_private_for_caches(self, admin_client, thing):
        assert admin_client.get(thing[0]).headers["Cache-Control"] == "private, no-cache"


class TestIfNoneMatch:
    def test_if_none_match_with_current_etag_is_304_without_a_body(self, admin_client, thing):
        url, *_ = thing
        etag = admin_client.get(url).headers["ETag"]

        for value in (etag, f'"other", {etag}', f"W/{etag}", "*"):
            response = admin_client.get(url, headers={"If-None-Match": value})

            assert response.status_code == 304, value
            assert response.content == b""
            assert response.headers["ETag"] == etag

    def test_if_none_match_with_outdated_etag_is_200(self, admin_client, thing):
        url, body, _ = thing
        etag = admin_client.get(url).headers["ETag"]
        admin_client.put(url, body)

        assert admin_client.get(url, headers={"If-None-Match": etag}).status_code == 200
        assert admin_client.get(url, headers={"If-None-Match": '"other"'}).status_code == 200


class TestIfMatch:
    def test_if_match_with_current_etag_updates(self, admin_client, thing):
        url, body, _ = thing
        before = admin_client.get(url)

        response = admin_client.put(url, body, headers={"If-Match": before.headers["ETag"]})

        assert response.status_code == 200
        after = admin_client.get(url)
        assert after.content != before.content
        assert response.content == after.content
        assert response.headers["ETag"] == after.headers["ETag"]

    def test_if_match_with_outdated_etag_is_412_and_changes_nothing(self, admin_client, thing):
        url, body, other = thing
        former = admin_client.get(url).headers["ETag"]
        admin_client.put(url, body)
        before = admin_client.get(url).content

        response = admin_client.put(url, other, headers={"If-Match": former})

        assert response.status_code == 412
        assert response.headers["Content-Type"] == "application/json"
        assert "detail" in response.json()
        assert admin_client.get(url).content == before

    def test_if_match_applies_to_patch(self, admin_client, ada):
        etag = admin_client.get(user_url(ada)).headers["ETag"]

        assert admin_client.patch(user_url(ada), {"first_name": "A"}, headers={"If-Match": etag}).status_code == 200
        assert admin_client.patch(user_url(ada), {"first_name": "B"}, headers={"If-Match": etag}).status_code == 412
        assert admin_client.get(user_url(ada)).json()["first_name"] == "A"

    @pytest.mark.parametrize("value", ['"other"', "W/{}", '"a", "b"', "unquoted", "", '"'])
    def test_if_match_without_the_current_etag_changes_nothing(self, admin_client, thing, value):
        url, body, _ = thing
        before = admin_client.get(url)

        response = admin_client.put(url, body, headers={"If-Match": value.format(before.headers["ETag"])})

        assert response.status_code == 412
        assert admin_client.get(url).content == before.content

    def test_if_match_with_star_updates_any_version(self, admin_client, thing):
        url, body, _ = thing

        assert admin_client.put(url, body, headers={"If-Match": "*"}).status_code == 200

    def test_if_match_accepts_a_list_of_etags(self, admin_client, thing):
        url, body, _ = thing
        etag = admin_client.get(url).headers["ETag"]

        assert admin_client.put(url, body, headers={"If-Match": f'"other", {etag}'}).status_code == 200

    def test_if_match_on_unknown_object_is_404(self, admin_client, ada):
        for url in (user_url(987_654_321), f"{user_url(ada)}addresses/987654321/"):
            assert admin_client.put(url, address(email="a@example.com"), headers={"If-Match": "*"}).status_code == 404

    def test_if_match_on_get_with_another_etag_is_412_in_json(self, admin_client, thing):
        response = admin_client.get(thing[0], headers={"If-Match": '"other"'})

        assert response.status_code == 412
        assert response.headers["Content-Type"] == "application/json"
        assert "detail" in response.json()


@pytest.mark.django_db(transaction=True)
class TestTwoAtOnce:
    @pytest.mark.parametrize("kind", ["user", "address"])
    def test_concurrent_updates_with_the_same_if_match_update_once(self, admin_client, kind):
        user = make_user(addresses=[address()])
        url = user_url(user) if kind == "user" else address_url(user.addresses.get())
        bodies = [address(line1=word, first_name=word) for word in ("one", "other")]

        for _ in range(5):
            admin_client.put(url, address(line1="before", first_name="before"))
            etag = admin_client.get(url).headers["ETag"]

            responses = at_once(
                [
                    lambda body=body, etag=etag: admin_client.put(url, body, headers={"If-Match": etag})
                    for body in bodies
                ]
            )

            assert sorted(response.status_code for response in responses) == [200, 412]
            (winner,) = [response for response in responses if response.status_code == 200]
            assert admin_client.get(url).content == winner.content

    def test_concurrent_address_update_fails_if_match_on_its_customer(self, admin_client):
        user = make_user(addresses=[address()])
        etag = admin_client.get(user_url(user)).headers["ETag"]
        make_address(user)

        assert admin_client.put(user_url(user), {"first_name": "A"}, headers={"If-Match": etag}).status_code == 412
