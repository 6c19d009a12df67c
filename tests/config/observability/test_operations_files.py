"""The Grafana dashboard and the alert rules use metrics that the store has, and the docs name all of them."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from django.db import connection
from prometheus_client.parser import text_string_to_metric_families

from config.observability.apps import count_attempt

pytestmark = pytest.mark.django_db

PROJECT = Path(__file__).resolve().parents[3]
OPERATIONS = PROJECT / "docs" / "operations"
ONLY_ON_POSTGRESQL: dict[str, set[str]] = {
    "store_database_connections": {"state"},
    "store_database_connections_max": set(),
}
ONLY_WITH_REPLICA: dict[str, set[str]] = {"store_replica_reads_total": {"outcome"}, "store_replica_lag_bytes": set()}
METRIC = re.compile(r"\bstore_[a-z_]+\b")


@pytest.fixture
def exported(metrics) -> dict[str, set[str]]:
    """The labels of each metric that `/metrics` has, and that queries may use."""
    metrics.client.get("/")
    count_attempt(seconds=0.1, outcome="delivered")
    names: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(metrics.text()):
        for sample in family.samples:
            names.setdefault(sample.name, set()).update(sample.labels)
            names.setdefault(family.name, set())
    if connection.vendor != "postgresql":
        names |= ONLY_ON_POSTGRESQL
    return names | ONLY_WITH_REPLICA


def expressions_of_alerts() -> list[str]:
    groups = yaml.safe_load((OPERATIONS / "alerts.yml").read_text())["groups"]
    return [rule["expr"] for group in groups for rule in group["rules"]]


def expressions_of_dashboard() -> list[str]:
    dashboard = json.loads((OPERATIONS / "grafana.json").read_text())
    return [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())]


def test_alerts_and_dashboard_use_only_metrics_and_labels_that_exist(exported):
    expressions = expressions_of_alerts() + expressions_of_dashboard()
    assert len(expressions) > 30
    for expression in expressions:
        for name in METRIC.findall(expression):
            assert name in exported, expression
        for name, selectors in re.findall(r"\b(store_[a-z_]+)\{([^}]*)\}", expression):
            used = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", re.sub(r'"[^"]*"', '""', selectors)))
            assert used <= exported[name] | {"instance"}, expression


def test_docs_name_every_metric_with_its_labels(exported):
    rows = re.findall(r"^\| `(store_\w+)` \|([^|]*)\|", (PROJECT / "docs" / "monitoring.md").read_text(), re.MULTILINE)
    documented = {name: set(re.findall(r"`(\w+)`", labels)) for name, labels in rows}
    families = {re.sub(r"_(bucket|count|sum|created)$", "", name) for name in exported}

    assert documented.keys() == families
    for name, labels in documented.items():
        assert labels == exported.get(f"{name}_count", exported[name]), name


@pytest.mark.once
def test_every_metric_is_on_the_dashboard(exported):
    shown = {
        re.sub(r"_(bucket|count)$", "", name) for each in expressions_of_dashboard() for name in METRIC.findall(each)
    }

    assert {re.sub(r"_(bucket|count|sum|created)$", "", name) for name in exported} - shown == set()


@pytest.mark.once
def test_panels_of_the_dashboard_have_names_and_do_not_overlap():
    panels = json.loads((OPERATIONS / "grafana.json").read_text())["panels"]
    cells = [
        (panel["gridPos"]["x"] + column, panel["gridPos"]["y"] + line)
        for panel in panels
        for column in range(panel["gridPos"]["w"])
        for line in range(panel["gridPos"]["h"])
    ]

    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert all(panel["title"] for panel in panels)


@pytest.mark.once
def test_alerts_say_what_to_do():
    groups = yaml.safe_load((OPERATIONS / "alerts.yml").read_text())["groups"]
    for rule in (rule for group in groups for rule in group["rules"]):
        assert rule["annotations"].keys() == {"summary", "action"}, rule["alert"]
        assert rule["labels"]["severity"] in ("critical", "warning"), rule["alert"]


@pytest.mark.once
def test_promtool_accepts_the_alerts_and_they_fire():
    if not (promtool := shutil.which("promtool")):
        pytest.skip("needs promtool (Debian: prometheus)")
    for command in (
        ("check", "rules", OPERATIONS / "alerts.yml"),
        ("test", "rules", Path(__file__).parent / "alerts_test.yml"),
    ):
        done = subprocess.run([promtool, *command], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
