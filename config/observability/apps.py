from typing import Any

from django.apps import AppConfig
from django.conf import settings


class ObservabilityConfig(AppConfig):
    """Connects what the settings ask for. What they do not ask for is not imported."""

    name = "config.observability"

    def ready(self):
        from customers.webhooks.signals import attempt_recorded
        from oauth.signals import replica_asked

        if settings.METRICS_TOKEN:
            attempt_recorded.connect(count_attempt)
            replica_asked.connect(count_read)
        if settings.LOG_FORMAT == "json":
            from config.observability.logs import log_attempt

            attempt_recorded.connect(log_attempt)
        if settings.TRACING:
            from config.observability import tracing

            tracing.start()


def count_attempt(**attempt: Any) -> None:
    """Imports the metrics when there is something to count: not in each command."""
    from config.observability import metrics

    metrics.count_attempt(**attempt)


def count_read(**read: Any) -> None:
    from config.observability import metrics

    metrics.count_read(**read)
