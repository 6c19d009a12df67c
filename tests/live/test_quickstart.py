import json
import re

import requests


class TestQuickstart:
    def test_shows_what_a_newcomer_needs_and_a_first_customer(self, store):
        shop = store()

        assert re.search(r"owner@example.com with the password \S{12,}", shop.output)
        assert f'curl -H "Authorization: Bearer {shop.token}" ' in shop.output
        assert "201 Created" in shop.output
        answer = json.loads(shop.output.split("201 Created\n")[1].split("\n}\n")[0] + "\n}")
        listed = shop.session().get(f"{shop.url}/api/admin/users/").json()["results"]
        assert answer in listed

    def test_lets_the_owner_into_the_dashboard(self, store):
        shop = store()
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

    def test_keeps_data_and_token_on_a_second_run(self, store):
        shop = store()
        before = shop.session().get(f"{shop.url}/api/admin/users/").json()["results"]
        shop.stop()

        shop.start()

        assert "shown when it was made" in shop.output
        assert "201 Created" not in shop.output
        assert shop.session().get(f"{shop.url}/api/admin/users/").json()["results"] == before

    def test_serves_the_reference_from_this_machine_alone(self, store):
        shop = store()

        page = requests.get(f"{shop.url}/api/docs/admin/").text

        assets = re.findall(r'(?:src|href)="([^"]+)"', page)
        assert assets
        assert all(requests.get(f"{shop.url}{asset}").status_code == 200 for asset in assets)
