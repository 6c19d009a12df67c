"""Health checks for load balancers: `/healthz` (the process runs) and `/readyz` (it may get requests). `/health` is
Medusa's name for the first one."""

import time
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpResponse, JsonResponse

from customers.jobs import heartbeat
from customers.webhooks import backlog
from oauth import replica

WORK_SECONDS = 5.0  # for which the numbers about workers are kept: anybody may ask


class HealthMiddleware:
    """Answers before any check of host and scheme. A load balancer connects to an IP address, with plain HTTP."""

    def __init__(self, get_response):
        self.get_response = get_response
        self.answers = {"/healthz": live, "/readyz": Readiness().answer, "/health": medusa_live}

    def __call__(self, request):
        answer = self.answers.get(request.path_info)
        return answer() if answer else self.get_response(request)


def _answer(content: dict[str, Any], code: int = 200) -> JsonResponse:
    """With the headers that Django's SecurityMiddleware, which comes later, gives to other answers."""
    headers = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": settings.SECURE_REFERRER_POLICY}
    return JsonResponse(content, status=code, headers=headers)


def live():
    return _answer({"status": "ok"})


def medusa_live():
    return HttpResponse("OK", content_type="text/plain; charset=utf-8")


class Readiness:
    """503 without the database, or before its tables are those of this version. Workers are another matter: requests
    are answered without them, so their state is shown and changes nothing."""

    def __init__(self) -> None:
        self.is_migrated = False
        self.work: dict[str, Any] = {}
        self.work_read_at = float("-inf")

    def answer(self) -> JsonResponse:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
            self.is_migrated = self.is_migrated or not unapplied_migrations()
            state = {"database": "ok", "migrations": "applied" if self.is_migrated else "missing"}
            if self.is_migrated:
                state |= self.state_of_work()
        except (DatabaseError, InterfaceError):
            state, is_ready = {"database": "no answer"}, False
        else:
            is_ready = self.is_migrated
        return _answer({"status": "ok" if is_ready else "not ready", **state}, 200 if is_ready else 503)

    def state_of_work(self) -> dict[str, Any]:
        if time.monotonic() - self.work_read_at > WORK_SECONDS:
            seconds = round(backlog.seconds_behind(), 1)
            self.work = {"webhook_queue_seconds": seconds, "workers": heartbeat.workers_alive()}
            if replica.IS_CONFIGURED:
                self.work["replica_lag_bytes"] = replica.lag()
            self.work_read_at = time.monotonic()
        return self.work


def unapplied_migrations() -> int:
    """How many migrations of this version the database lacks. A newer version's may be there."""
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
