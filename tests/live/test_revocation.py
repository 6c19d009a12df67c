"""Whichever process revokes a token, every process refuses it at once."""

from collections import Counter

import pytest
import requests

from tests.live.owner import REDIRECT_URI, Dashboard


def by_its_app(shop, dashboard, app, token) -> requests.Response:
    form = {"client_id": app["client_id"], "client_secret": app["client_secret"], "token": token}
    return requests.post(f"{shop.url}/oauth2/revoke_token/", form)


def by_uninstalling_the_app(shop, dashboard, app, token) -> requests.Response:
    return dashboard.decide("uninstall")


@pytest.mark.parametrize("revoke", [by_its_app, by_uninstalling_the_app])
def test_a_revoked_token_is_refused_by_every_process_of_two_servers(store, revoke):
    shop = store(RATE_LIMIT="0")
    neighbour = store(**shop.environment)
    dashboard = Dashboard(shop)
    app = shop.register_app("https://app.example/", REDIRECT_URI)
    token = requests.post(f"{shop.url}/oauth2/token/", dashboard.authorize(app)).json()["access_token"]

    def answers() -> Counter:
        """Over new connections, so that every worker is met."""
        urls = [f"{server.url}/api/admin/users/" for server in (shop, neighbour) for _ in range(40)]
        return Counter(requests.get(url, headers={"Authorization": f"Bearer {token}"}).status_code for url in urls)

    assert answers() == {200: 80}

    assert revoke(shop, dashboard, app, token).ok

    assert answers() == {401: 80}
