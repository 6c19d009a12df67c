"""What `make run` shows on its first and on its second run."""

import json
import re

import pytest
import requests

pytestmark = pytest.mark.both_databases  # `make run` serves SQLite


class TestQuickstart:
    def test_quickstart_shows_owner_token_urls_and_a_first_customer(self, shared_store):
        shop = shared_store

        assert re.search(r"owner@example.com with the password \S{12,}", shop.output)
        assert f'curl -H "Authorization: Bearer {shop.token}" ' in shop.output
        shown = shop.url.replace("127.0.0.1", "localhost")
        for path in ("/", "/dashboard/", "/api/docs/admin/"):
            assert f" {shown}{path}\n" in shop.output
        assert "POST " in shop.output
        answer = json.loads(shop.output.split("201 Created\n")[1].split("\n}\n")[0] + "\n}")
        listed = shop.session().get(f"{shop.url}/api/admin/users/").json()["results"]
        assert answer in listed

    def test_quickstart_owner_can_sign_in_to_the_dashboard(self, shared_store):
        shop = shared_store
        password = re.search(r"with the password (\S+)", shop.output)[1]
        browser = requests.Session()
        form = browser.get(f"{shop.url}/dashboard/").text
        csrf = re.search(r'csrfmiddlewaretoken" value="(\w+)"', form)[1]

        page = browser.post(
            f"{shop.url}/dashboard/login/",
            {"username": "owner@example.com", "password": password, "csrfmiddlewaretoken": csrf, "next": "/dashboard/"},
        )

        assert page.url == f"{shop.url}/dashboard/"
        assert "owner@example.com" in page.text

    def test_quickstart_second_run_keeps_data_and_token(self, store):
        shop = store(is_migrated=False)
        before = shop.session().get(f"{shop.url}/api/admin/users/").json()["results"]
        shop.stop()

        shop.start()

        assert "Was shown on the first run" in shop.output
        assert "with the password" not in shop.output
        assert "201 Created" not in shop.output
        assert shop.session().get(f"{shop.url}/api/admin/users/").json()["results"] == before

    def test_api_reference_loads_nothing_from_other_hosts(self, shared_store):
        shop = shared_store

        page = requests.get(f"{shop.url}/api/docs/admin/").text

        assets = re.findall(r'(?:src|href)="([^"]+)"', page)
        assert assets
        assert all(requests.get(f"{shop.url}{asset}").status_code == 200 for asset in assets)
