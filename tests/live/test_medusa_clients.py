"""Every call of Medusa's guide "How to Manage Customers", by the clients that it names: the JS client, the React hooks,
fetch and cURL, against a served store."""

import json
import shutil
import subprocess
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count

import pytest
import requests

from customers.management.commands.quickstart import OWNER
from tests.live.conftest import stores
from tests.live.medusa_clients import call

ORIGIN = "http://localhost:7001"
_numbers = count(1)


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """With a front end on another origin."""
    with stores(tmp_path_factory.mktemp("store")) as start:
        yield start(RATE_LIMIT="0", MEDUSA_ADMIN_CORS=ORIGIN)


def customer(**fields) -> dict:
    return {"email": f"customer-{next(_numbers)}@example.com", "password": "supersecret", "first_name": "Marcellus",
            "last_name": "Wallace", **fields}  # fmt: skip


def js(name: str, *arguments) -> dict:
    return {"js": f"admin.{name}", "arguments": arguments}


def query(name: str, *arguments) -> dict:
    return {"query": name, "arguments": arguments}


def mutation(name: str, payload=None, *arguments) -> dict:
    return {"mutation": name, "payload": payload, "arguments": arguments}


def result(*path) -> dict:
    return {"$result": path}


@pytest.fixture
def by_js(shop):
    """Calls of the JS client with an API token. `maxRetries` as in the guide."""
    return lambda *calls: call(*calls, base_url=shop.url, apiKey=shop.token, maxRetries=3)


@pytest.fixture
def by_hooks(shop):
    """Calls of the React hooks in a page of another origin."""
    return lambda *calls: call(*calls, base_url=shop.url, apiKey=shop.token, origin=ORIGIN)


class TestJsClient:
    def test_js_client_lists_creates_retrieves_and_updates_customers(self, by_js):
        body = customer(metadata={"tier": 1})
        listed, created, retrieved, updated = by_js(
            js("customers.list"),
            js("customers.create", body),
            js("customers.retrieve", result(1, "customer", "id")),
            js("customers.update", result(1, "customer", "id"), {"first_name": "Dominic", "metadata": {"tier": ""}}),
        )

        assert listed["status"] == 200
        assert {"customers", "count", "offset", "limit"} == set(listed["data"])
        assert (listed["data"]["offset"], listed["data"]["limit"]) == (0, 50)
        assert created["status"] == 201
        assert created["data"]["customer"]["email"] == body["email"]
        assert created["data"]["customer"]["has_account"] is True
        assert retrieved["data"]["customer"]["id"] == created["data"]["customer"]["id"]
        assert (updated["status"], updated["data"]["customer"]["first_name"]) == (200, "Dominic")
        assert updated["data"]["customer"]["metadata"] == {}

    def test_js_client_lists_with_every_parameter(self, by_js):
        mark = f"Zed{next(_numbers)}"
        yesterday = (datetime.now(UTC) - timedelta(days=1)).isoformat()
        group = result(0, "customer_group", "id")
        results = by_js(
            js("customerGroups.create", {"name": mark}),
            js("customers.create", customer(first_name=mark, password="")),
            js("customers.create", customer(first_name=mark)),
            js("customers.update", result(2, "customer", "id"), {"groups": [{"id": group}]}),
            js("customers.list", {"q": mark.upper(), "limit": 1, "offset": 1, "order": "created_at"}),
            js("customers.list", {"q": mark, "has_account": True}),
            js("customers.list", {"q": mark, "groups": [group]}),
            js("customers.list", {"q": mark, "created_at": {"gt": {"$date": yesterday}}, "expand": "groups"}),
            js("customers.list", {"q": mark, "created_at": {"lt": {"$date": yesterday}}}),
        )

        assert [each["status"] for each in results[4:]] == [200] * 5
        guest, account = results[1]["data"]["customer"], results[2]["data"]["customer"]
        found = [[each["id"] for each in each["data"]["customers"]] for each in results[4:]]
        assert found == [[account["id"]], [account["id"]], [account["id"]], [account["id"], guest["id"]], []]
        assert results[4]["data"]["count"] == 2
        assert [group["name"] for group in results[7]["data"]["customers"][0]["groups"]] == [mark]

    def test_js_client_manages_groups(self, by_js):
        mark = f"Group {next(_numbers)}"
        group, batch = result(0, "customer_group", "id"), {"customer_ids": [{"id": result(1, "customer", "id")}]}
        results = by_js(
            js("customerGroups.create", {"name": mark}),
            js("customers.create", customer()),
            js("customerGroups.addCustomers", group, batch),
            js("customerGroups.listCustomers", group),
            js("customerGroups.removeCustomers", group, batch),
            js("customerGroups.listCustomers", group, {"limit": 10}),
            js("customerGroups.update", group, {"name": f"{mark}!", "metadata": {"a": 1}}),
            js("customerGroups.retrieve", group),
            js("customerGroups.list", {"q": mark}),
            js("customerGroups.delete", group),
            js("customerGroups.retrieve", group),
        )

        assert [each["status"] for each in results] == [200, 201, 200, 200, 200, 200, 200, 200, 200, 200, 404]
        assert [results[3]["data"]["count"], results[5]["data"]["count"]] == [1, 0]
        assert results[7]["data"]["customer_group"]["name"] == f"{mark}!"
        assert results[8]["data"]["limit"] == 10
        assert results[9]["data"]["deleted"] is True

    def test_js_client_gets_errors_it_can_read(self, by_js):
        body = customer()
        missing, unknown, _, taken = by_js(
            js("customers.create", {"email": "x"}),
            js("customers.retrieve", "cus_nope"),
            js("customers.create", body),
            js("customers.create", body),
        )

        assert (missing["status"], missing["error"]["type"]) == (400, "invalid_data")
        assert (unknown["status"], unknown["error"]["message"]) == (404, "Customer with id: cus_nope was not found")
        assert (taken["status"], taken["error"]["type"]) == (422, "duplicate_error")

    def test_js_client_without_token_gets_401(self, shop):
        (refused,) = call(js("customers.list"), base_url=shop.url)

        assert (refused["status"], refused["error"]) == (401, "Unauthorized")

    def test_js_client_signs_in_with_a_cookie(self, shop):
        """In a page of another origin, which keeps cookies."""
        results = call(
            js("auth.createSession", {"email": OWNER, "password": shop.password}),
            js("auth.getSession"),
            js("customers.create", customer()),
            js("auth.deleteSession"),
            js("auth.getSession"),
            base_url=shop.url,
            origin=ORIGIN,
        )

        assert [each["status"] for each in results] == [200, 200, 201, 200, 401]
        assert results[1]["data"]["user"]["email"] == OWNER

    def test_js_client_signs_in_with_a_jwt(self, shop):
        results = call(
            js("auth.getToken", {"email": OWNER, "password": shop.password}),
            js("customers.list", {}, {}),
            base_url=shop.url,
            origin=ORIGIN,
        )

        assert results[0]["status"] == 200
        assert results[0]["data"]["access_token"].count(".") == 2
        assert results[1]["status"] == 200  # the client keeps it, in a page

    def test_js_client_retry_after_lost_answer_creates_one_customer(self, shop):
        body = customer()
        with losing_first_answer(shop) as (url, requests_seen):
            (created,) = call(js("customers.create", body), base_url=url, apiKey=shop.token, maxRetries=3)

        assert requests_seen[0] >= 2
        assert (created["status"], created["data"]["customer"]["email"]) == (201, body["email"])
        headers = {"x-medusa-access-token": shop.token}
        found = requests.get(f"{shop.url}/admin/customers", {"q": body["email"]}, headers=headers).json()
        assert found["count"] == 1


class TestReactHooks:
    def test_react_hooks_list_create_retrieve_and_update_customers(self, by_hooks):
        body = customer()
        created, listed, retrieved, updated = by_hooks(
            mutation("useAdminCreateCustomer", body),
            query("useAdminCustomers"),
            query("useAdminCustomer", result(0, "customer", "id")),
            mutation("useAdminUpdateCustomer", {"first_name": "Dominic"}, result(0, "customer", "id")),
        )

        assert [each["status"] for each in (created, listed, retrieved, updated)] == [201, 200, 200, 200]
        assert listed["text"].startswith("Marcellus")
        assert retrieved["text"] == "Marcellus"
        assert retrieved["data"]["customer"]["email"] == body["email"]
        assert updated["data"]["customer"]["first_name"] == "Dominic"

    def test_react_hooks_list_with_parameters(self, by_hooks):
        mark = f"Hook{next(_numbers)}"
        _, _, found, refused = by_hooks(
            mutation("useAdminCreateCustomer", customer(first_name=mark)),
            mutation("useAdminCreateCustomer", customer(first_name=mark)),
            query("useAdminCustomers", {"q": mark, "limit": 1, "offset": 1, "expand": "orders"}),
            query("useAdminCustomers", {"limit": -1}),
        )

        assert (found["data"]["count"], found["data"]["offset"], found["data"]["limit"]) == (2, 1, 1)
        assert found["text"] == mark
        assert (refused["status"], refused["error"]["type"]) == (400, "invalid_data")

    def test_react_hooks_manage_groups(self, by_hooks):
        group = result(0, "customer_group", "id")
        batch = {"customer_ids": [{"id": result(1, "customer", "id")}]}
        results = by_hooks(
            mutation("useAdminCreateCustomerGroup", {"name": f"Hooks {next(_numbers)}"}),
            mutation("useAdminCreateCustomer", customer()),
            mutation("useAdminAddCustomersToCustomerGroup", batch, group),
            query("useAdminCustomerGroupCustomers", group),
            mutation("useAdminRemoveCustomersFromCustomerGroup", batch, group),
            mutation("useAdminUpdateCustomerGroup", {"metadata": {"a": 1}}, group),
            query("useAdminCustomerGroup", group),
            query("useAdminCustomerGroups"),
            mutation("useAdminDeleteCustomerGroup", None, group),
        )

        assert [each["status"] for each in results] == [200, 201, 200, 200, 200, 200, 200, 200, 200]
        assert results[3]["data"]["count"] == 1
        assert results[6]["data"]["customer_group"]["metadata"] == {"a": 1}

    def test_react_hooks_sign_in(self, shop):
        results = call(
            mutation("useAdminLogin", {"email": OWNER, "password": shop.password}),
            query("useAdminGetSession"),
            mutation("useAdminDeleteSession"),
            query("useAdminGetSession"),
            base_url=shop.url,
            origin=ORIGIN,
        )

        assert [each["status"] for each in results] == [200, 200, 200, 401]
        assert results[1]["data"]["user"]["email"] == OWNER

    def test_react_hooks_are_blocked_from_an_unknown_origin(self, shop):
        (refused,) = call(
            query("useAdminCustomers"), base_url=shop.url, apiKey=shop.token, origin="http://evil.example"
        )

        assert (refused["status"], refused["error"]) == (None, "Network Error")


class TestFetch:
    def test_fetch_lists_creates_and_updates_customers(self, shop):
        body = customer()
        script = f"""
            const headers = {{"x-medusa-access-token": "{shop.token}", "Content-Type": "application/json"}};
            const options = {{credentials: "include", headers}};
            const send = async (path, body) => {{
                const sent = body ? {{...options, method: "POST", body: JSON.stringify(body)}} : options;
                const response = await fetch("{shop.url}/admin/customers" + path, sent);
                return [response.status, await response.json()];
            }};
            const listed = await send("");
            const created = await send("", {json.dumps(body)});
            const updated = await send("/" + created[1].customer.id, {{first_name: "Dominic"}});
            console.log(JSON.stringify([listed, created, updated]));
        """
        if not shutil.which("node"):
            pytest.skip("needs Node.js (Debian: nodejs)")

        done = subprocess.run(["node", "--input-type=module", "-e", script], capture_output=True, text=True, check=True)

        listed, created, updated = json.loads(done.stdout)
        assert (listed[0], created[0], updated[0]) == (200, 201, 200)
        assert updated[1]["customer"]["first_name"] == "Dominic"


class TestCurl:
    @pytest.fixture
    def curl(self, shop):
        """As the guide writes it: `curl(path, options)` answers the status and the body."""
        if not shutil.which("curl"):
            pytest.skip("needs curl")

        def run(path: str, *options: str, header: str = "x-medusa-access-token: {token}"):
            command = ["curl", "-s", "-w", "\n%{http_code}", f"{shop.url}{path}", "-H", header.format(token=shop.token)]
            done = subprocess.run([*command, *options], capture_output=True, text=True, check=True)
            body, _, status = done.stdout.rpartition("\n")
            return int(status), json.loads(body)

        return run

    def test_curl_lists_creates_and_updates_customers(self, curl):
        json_type = ("-H", "Content-Type: application/json")
        body = customer()

        status, created = curl("/admin/customers", *json_type, "--data-raw", json.dumps(body))
        assert status == 201
        status, listed = curl("/admin/customers?limit=1")
        assert (status, listed["customers"][0]["email"]) == (200, body["email"])
        status, found = curl("/admin/customers", "-G", "--data-urlencode", f"q={body['email']}", "-d", "groups[]=")
        assert (status, found["count"]) == (200, 0)
        id = created["customer"]["id"]
        status, updated = curl(f"/admin/customers/{id}", *json_type, "--data-raw", '{"first_name": "Dominic"}')
        assert (status, updated["customer"]["first_name"]) == (200, "Dominic")

    def test_curl_may_send_the_token_as_bearer(self, curl):
        status, _ = curl("/admin/customers", header="Authorization: Bearer {token}")

        assert status == 200


@contextmanager
def losing_first_answer(shop):
    """Between a client and the store: the first answer is lost on the way. The address, and how many requests came."""
    seen = [0]

    class Gateway(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer = requests.post(f"{shop.url}{self.path}", body, headers=dict(self.headers))
            seen[0] += 1
            self.close_connection = True
            if seen[0] > 1:
                self.send_response(answer.status_code)
                self.send_header("Content-Type", answer.headers["Content-Type"])
                self.end_headers()
                self.wfile.write(answer.content)

        def log_message(self, *arguments):
            """Nothing to say."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Gateway) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", seen
        server.shutdown()
