import pytest
from django.conf import settings
from prometheus_client.parser import text_string_to_metric_families

from tests.support.clients import ApiClient

TOKEN = "a token that only Prometheus and the store have"


def middleware_with(observer: str) -> list[str]:
    """MIDDLEWARE with the observer at its place in `config.settings`: after the health checks."""
    place = settings.MIDDLEWARE.index("config.health.HealthMiddleware") + 1
    return [*settings.MIDDLEWARE[:place], observer, *settings.MIDDLEWARE[place:]]


class Metrics:
    """`/metrics` of a store that counts."""

    def __init__(self) -> None:
        self.client = ApiClient()

    def text(self) -> str:
        return self.client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).content.decode()

    def samples(self) -> dict[tuple, float]:
        """By the name of the sample and its labels, sorted."""
        return {
            (sample.name, *sorted(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(self.text())
            for sample in family.samples
        }

    def value(self, name: str, **labels: str) -> float:
        return self.samples().get((name, *sorted(labels.items())), 0)

    def requests(self, **labels: str) -> float:
        """How many requests were counted with these labels."""
        return sum(
            value
            for (name, *pairs), value in self.samples().items()
            if name == "store_http_request_seconds_count" and labels.items() <= dict(pairs).items()
        )


@pytest.fixture(scope="session")
def metrics_folder(tmp_path_factory):
    """Of the process: it counts in one folder from the import on."""
    return tmp_path_factory.mktemp("metrics")


@pytest.fixture
def metrics(settings, metrics_folder) -> Metrics:
    settings.METRICS_TOKEN, settings.METRICS_DIR = TOKEN, metrics_folder
    settings.MIDDLEWARE = middleware_with("config.observability.metrics.MetricsMiddleware")
    return Metrics()
