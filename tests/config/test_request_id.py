import logging
import re

from config.request_id import RequestIdFilter, request_id
from customers import services
from oauth.scopes import Scope
from tests.support.clients import ADMIN_API, USERS


class TestRequestId:
    def test_request_id_of_the_client_is_returned(self, anonymous):
        for given in ["8e03978e-40d5-43e8-bc93-6894a57f9324", "a", "x" * 128, "Root=1-67891233:abc/def+g@h.i_j"]:
            assert anonymous.get(USERS, headers={"X-Request-Id": given}).headers["X-Request-Id"] == given, given

    def test_request_id_is_generated_if_missing_or_invalid(self, anonymous):
        for given in [None, "", "x" * 129, "a b", "a\nb", "a\n", 'a"b', "é", "<script>", "a;b", "a,b"]:
            headers = {} if given is None else {"X-Request-Id": given}

            answered = anonymous.get(USERS, headers=headers).headers["X-Request-Id"]

            assert re.fullmatch("[0-9a-f]{32}", answered), given

    def test_request_ids_differ(self, anonymous):
        assert len({anonymous.get(USERS).headers["X-Request-Id"] for _ in range(10)}) == 10

    def test_request_id_is_on_every_answer(self, anonymous):
        for path in ["/healthz", "/nothing", f"{ADMIN_API}nothing/", "/dashboard/"]:
            assert anonymous.get(path).headers["X-Request-Id"], path

    def test_request_id_is_on_the_answer_to_an_unknown_host(self, anonymous):
        assert (
            anonymous.get(USERS, headers={"Host": "evil.example", "X-Request-Id": "given"}).headers["X-Request-Id"]
            == "given"
        )


class TestLogLines:
    def test_log_lines_have_the_request_id(self, api, caplog, monkeypatch):
        caplog.handler.addFilter(RequestIdFilter())
        monkeypatch.setattr(services, "insert_user", lambda **fields: 1 / 0)

        api(Scope.USERS_WRITE).post(USERS, {"email": "ada@example.com"}, headers={"X-Request-Id": "given"})

        (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
        assert record.request_id == "given"

    def test_log_lines_outside_of_requests_have_a_dash(self):
        record = logging.makeLogRecord({})
        RequestIdFilter().filter(record)

        assert record.__dict__["request_id"] == "-"
        assert request_id.get() == "-"
