"""`/metrics` in the text format of Prometheus: what the processes of this machine have counted, and the state of the
store in the database.

Each process writes its counts to a file of its own in METRICS_DIR, which is mapped to memory. The process that answers
adds up all files. Only this module may import prometheus_client first: it chooses where counts are kept.
"""

import os
from http import HTTPStatus
from time import perf_counter

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest, values
from prometheus_client.multiprocess import MultiProcessCollector

from config.observability.requests import app_kind_of, method_of, raw_route_of, readable
from config.observability.slots import Slot
from config.observability.store_metrics import StoreCollector

os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(settings.METRICS_DIR)
values.ValueClass = values.MultiProcessValue(Slot(settings.METRICS_DIR))

REQUESTS = Histogram(
    "store_http_request_seconds",
    "Time from the complete request to the complete answer",
    ["route", "method", "status", "app_kind"],
    buckets=(0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30),
)
ATTEMPTS = Histogram(
    "store_webhook_attempt_seconds",
    "Time of an attempt to deliver a webhook event",
    ["outcome"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20),
)
REPLICA_READS = Counter(
    "store_replica_reads", "Reads that the replica may answer, by who has answered and why", ["outcome"]
)
NO_APP = "none"
PATH = "/metrics"


class MetricsMiddleware:
    """Measures requests, and answers those to `/metrics`: before any check of host and scheme, as health checks.

    It is installed only where METRICS_TOKEN is set.
    """

    def __init__(self, get_response):
        self.get_response = get_response
        self.series: dict[tuple[str, str | None, int, str], Histogram] = {}

    def __call__(self, request):
        if request.path_info == PATH:
            return answer(request)
        began = perf_counter()
        response = self.get_response(request)
        key = raw_route_of(request), request.method, response.status_code, app_kind_of(request)
        series = self.series.get(key) or self.series_of(request, response)
        series.observe(perf_counter() - began)
        return response

    def series_of(self, request: HttpRequest, response: HttpResponse) -> Histogram:
        """Remembered by values that cost nothing to read, except for methods that a client has made up."""
        route, method, app_kind = raw_route_of(request), method_of(request), app_kind_of(request)
        series = REQUESTS.labels(readable(route), method, response.status_code, app_kind or NO_APP)
        if method == request.method:
            self.series[route, method, response.status_code, app_kind] = series
        return series


def count_attempt(*, seconds: float, outcome: str, **kwargs: object) -> None:
    """Receives `attempt_recorded`."""
    ATTEMPTS.labels(outcome).observe(seconds)


def count_read(*, outcome: str, **kwargs: object) -> None:
    """Receives `replica_asked`."""
    REPLICA_READS.labels(outcome).inc()


def answer(request: HttpRequest) -> HttpResponse:
    headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
    sent = request.META.get("HTTP_AUTHORIZATION", "")
    if not constant_time_compare(sent, f"Bearer {settings.METRICS_TOKEN}"):
        headers["WWW-Authenticate"] = 'Bearer realm="metrics"'
        return HttpResponse(
            "This needs the token of METRICS_TOKEN.\n",
            content_type="text/plain",
            status=HTTPStatus.UNAUTHORIZED,
            headers=headers,
        )
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    registry.register(StoreCollector())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST, headers=headers)
