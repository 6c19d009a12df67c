import json
import logging
import re
from io import StringIO
from threading import Event

import pytest

from config.observability.logs import JsonFormatter, log_attempt
from config.request_id import RequestIdFilter
from customers import services
from customers.api import webhook_payloads  # noqa: F401  imported to register the payloads, as run_worker does
from customers.webhooks.delivery.worker import Worker
from customers.webhooks.signals import attempt_recorded
from oauth.scopes import Scope
from tests.config.observability.conftest import middleware_with
from tests.support.clients import USERS, ApiClient, user_url
from tests.support.factories import make_user
from tests.support.partner import register_partner
from tests.support.webhook_receiver import served
from tests.support.webhooks import make_webhook

pytestmark = pytest.mark.django_db


class Log:
    def __init__(self, stream: StringIO):
        self.stream = stream

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def lines(self) -> list[dict]:
        return [json.loads(line) for line in self.text.splitlines()]

    def requests(self) -> list[dict]:
        return [line for line in self.lines if line["message"] == "request"]


@pytest.fixture
def log(settings):
    """The log of a store with LOG_FORMAT=json, from the level INFO on."""
    settings.MIDDLEWARE = middleware_with("config.observability.logs.RequestLogMiddleware")
    handler = logging.StreamHandler(StringIO())
    handler.setFormatter(JsonFormatter())
    handler.addFilter(RequestIdFilter())
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    attempt_recorded.connect(log_attempt)
    yield Log(handler.stream)
    attempt_recorded.disconnect(log_attempt)
    root.setLevel(level)
    root.removeHandler(handler)


class TestRequestLines:
    def test_each_request_is_one_line_with_route_status_and_app(self, log, api):
        user = make_user(email="ada@example.com")
        client = api(Scope.USERS_READ)

        client.get(user_url(user), headers={"X-Request-Id": "given"})

        (line,) = log.lines
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", line["time"])
        assert line.pop("ms") > 0
        assert line.pop("app_id") > 0
        assert {name: line[name] for name in ("request_id", "method", "route", "status", "app_kind", "level")} == {
            "request_id": "given",
            "method": "GET",
            "route": "/api/admin/users/<id>/",
            "status": 200,
            "app_kind": "private",
            "level": "INFO",
        }

    def test_a_request_without_an_app_has_no_app(self, log):
        ApiClient().get("/dashboard/login/")

        assert not {"app_id", "app_kind"} & log.requests()[0].keys()

    def test_a_crash_is_logged_by_its_type_and_place(self, log, api, monkeypatch):
        def crash(**fields):
            raise RuntimeError(f"no room for {fields['email']}") from KeyError("ada@example.com")

        monkeypatch.setattr(services, "insert_user", crash)

        api(Scope.USERS_WRITE).post(USERS, {"email": "ada@example.com"})

        (line,) = [line for line in log.lines if line["level"] == "ERROR"]
        assert (line["message"], line["route"]) == ("500 Internal Server Error", "/api/admin/users/")
        assert line["error"]["type"] == "builtins.RuntimeError"
        assert line["error"]["at"][-1].endswith(" crash")
        assert line["error"]["cause"] == {"type": "builtins.KeyError"}
        assert line["request_id"] == log.requests()[0]["request_id"]


class TestPrivacy:
    def test_log_has_no_personal_data_and_no_secrets(self, log, api, owner, monkeypatch):
        private = {
            "first_name": "Augusta",
            "last_name": "Lovelace",
            "email": "ada@example.com",
            "phone_number": "+442079460018",
        }
        client = api(Scope.ADMIN_READ, Scope.ADMIN_WRITE)
        user = make_user(email="babbage@example.com")
        partner = register_partner(owner)
        browser = ApiClient()

        client.post(USERS, private)
        client.post(USERS, private)  # the email is taken
        client.get(f"{USERS}?email=ada@example.com&search=Lovelace")
        client.get("/admin/customers?q=ada@example.com")
        client.get("/nothing/ada@example.com/")
        client.get(USERS, headers={"Host": "ada@example.com"})
        client.post(f"{USERS}?token=query-secret", "{broken ada@example.com")
        browser.post_form("/dashboard/login/", {"username": "ada@example.com", "password": "Pass-secret-1"})
        browser.post("/admin/auth", {"email": "ada@example.com", "password": "Pass-secret-1"})
        partner.exchange("code-secret")
        browser.get(USERS, headers={"Authorization": "Bearer shc_wrong-secret", "Cookie": "sessionid=cookie-secret"})
        with served() as receiver:
            webhook = make_webhook(
                target=f"{receiver.url}/target-secret/?key=target-secret", secret_key="webhook-secret"
            )
            client.post(USERS, {**private, "email": "byron@example.com", "phone_number": None})
            Worker().run(Event(), until_empty=True)

        def crash(**fields):
            raise RuntimeError(f"no room for {fields}, {client.token}")

        monkeypatch.setattr(services, "insert_user", crash)
        client.post(USERS, {**private, "email": "byron2@example.com"})

        secrets = ["query-secret", "Pass-secret", "code-secret", "wrong-secret", "cookie-secret", "target-secret",
                   "webhook-secret", client.token, partner.secret]  # fmt: skip
        personal = ["ada@", "byron", "babbage", "Augusta", "Lovelace", "2079460018", user_url(user)]
        assert [word for word in secrets + personal if word in log.text] == []
        assert "?" not in log.text
        # It would pass for an empty log, too.
        assert len(log.requests()) == 13
        (attempt,) = [line for line in log.lines if line["message"] == "webhook attempt"]
        assert (attempt["webhook_id"], attempt["outcome"], attempt["status"]) == (webhook.pk, "delivered", 200)
        assert [line for line in log.lines if line.get("error", {}).get("type") == "builtins.RuntimeError"]

    def test_text_of_an_exception_in_a_message_is_left_out(self, log):
        logging.getLogger("customers").warning("It failed: %s", ValueError("ada@example.com"))
        logging.getLogger("customers").warning("%d of %s", 3, "five")

        assert [line["message"] for line in log.lines] == ["It failed: ValueError", "3 of five"]
