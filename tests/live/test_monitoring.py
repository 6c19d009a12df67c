"""The metrics of a served store: two processes that serve and a worker, all of which count."""

import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import requests
from prometheus_client.parser import text_string_to_metric_families

from tests.live.conftest import PATIENCE, PROJECT
from tests.support.webhook_receiver import SECRET, served

CUSTOMERS = 30
TOKEN = "of Prometheus"


def samples(store) -> dict[tuple, float]:
    answer = requests.get(f"{store.url}/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    families = text_string_to_metric_families(answer.text)
    return {(each.name, *sorted(each.labels.items())): each.value for family in families for each in family.samples}


class TestMetrics:
    def test_every_process_shows_what_all_processes_have_counted(self, store):
        running = store(RATE_LIMIT="0", METRICS_TOKEN=TOKEN, LOG_FORMAT="json")
        with served() as receiver:
            webhook = {"target": receiver.url, "events": ["customer.created"], "secret_key": SECRET}
            assert running.session().post(f"{running.url}/api/admin/webhooks/", json=webhook).status_code == 201

            def create(number: int) -> int:
                with running.session() as session:  # a connection of its own, which any process may accept
                    body = {"email": f"person{number}@example.com"}
                    return session.post(f"{running.url}/api/admin/users/", json=body).status_code

            with ThreadPoolExecutor(4) as pool:
                assert set(pool.map(create, range(CUSTOMERS))) == {201}
            created = tuple(
                {"route": "/api/admin/users/", "method": "POST", "status": "201", "app_kind": "private"}.items()
            )
            delivered = ("store_webhook_attempt_seconds_count", ("outcome", "delivered"))
            deadline = time.monotonic() + PATIENCE
            while (shown := samples(running)).get(delivered, 0) < CUSTOMERS and time.monotonic() < deadline:
                time.sleep(0.2)

        assert shown[delivered] == CUSTOMERS == len(receiver.received)
        for _ in range(8):  # of either process
            shown = samples(running)
            assert shown["store_http_request_seconds_count", *sorted(created)] == CUSTOMERS + 1  # and the first one
            assert shown["store_workers",] == 1
        deadline = time.monotonic() + PATIENCE
        while (workers := requests.get(f"{running.url}/readyz").json()["workers"]) != 1 and time.monotonic() < deadline:
            time.sleep(0.2)  # the answer is kept for some seconds
        assert workers == 1

        running.stop()

        script = (
            "import logging; from customers.jobs.models import WorkerProcess;"
            "logging.getLogger('customers').warning('%d workers', WorkerProcess.objects.count())"
        )
        command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", script]
        done = subprocess.run(command, cwd=PROJECT, env=running.environment, capture_output=True, text=True, check=True)
        assert json.loads(done.stderr)["message"] == "0 workers"  # the worker has signed off, and was not killed
