"""The units, the compose file and the workflows fit the project that they start."""

import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml
from django.core.management import get_commands

pytestmark = pytest.mark.once

PROJECT = Path(__file__).resolve().parents[2]
OPERATIONS = PROJECT / "docs" / "operations"
UNITS = ["store-web.service", "store-worker.service"]


def commands() -> list[list[str]]:
    """What the units and the compose file start, without the Python that they start it by."""
    started = [
        re.search(r"^ExecStart=(.+)$", (OPERATIONS / unit).read_text(), re.MULTILINE)[1].split() for unit in UNITS
    ]
    services = yaml.safe_load((OPERATIONS / "compose.yml").read_text())["services"].values()
    return [command[1:] for command in (*started, *(each["command"] for each in services if "command" in each))]


def test_units_are_valid(tmp_path):
    if not shutil.which("systemd-analyze"):
        pytest.skip("needs systemd-analyze (Debian: systemd)")
    for name in UNITS:
        unit = (OPERATIONS / name).read_text().replace("/srv/store/.venv/bin/python", sys.executable)
        (tmp_path / name).write_text(unit)

    checked = subprocess.run(
        ["systemd-analyze", "verify", *map(str, tmp_path.iterdir())], capture_output=True, text=True
    )

    assert (checked.returncode, checked.stderr) == (0, "")


def test_units_and_compose_file_start_commands_that_exist():
    started = commands()

    assert len(started) == 4
    for program, name, *_ in started:
        assert (program == "-m" and find_spec(name)) or (program == "manage.py" and name in get_commands()), name


def test_compose_file_has_services_without_rights_and_a_read_only_root():
    services = yaml.safe_load((OPERATIONS / "compose.yml").read_text())["services"]

    for name in ("migrate", "web", "worker"):
        service = services[name]
        assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"]), name
        assert (OPERATIONS / service["build"]["context"] / service["build"]["dockerfile"]).exists()


def test_image_copies_every_package_of_the_project():
    copied = re.findall(r"^COPY (\w+) /srv", (PROJECT / "Containerfile").read_text(), re.MULTILINE)
    ignored = (PROJECT / ".dockerignore").read_text()  # buildah and podman read it, too

    packages = {path.parent.name for path in PROJECT.glob("*/__init__.py")} - {"tests"}
    assert set(copied) == packages
    assert all(f"!{name}\n" in ignored for name in copied)


def test_workflows_are_yaml_and_call_targets_that_exist():
    targets = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    paths = sorted((PROJECT / ".github").rglob("*.yml"))

    assert [path.name for path in paths] == ["dependabot.yml", "ci.yml", "release.yml"]
    assert all(yaml.safe_load(path.read_text()) for path in paths)
    for path in (
        PROJECT / ".github" / "dependabot.yml",
        PROJECT / ".github/workflows/release.yml",
        PROJECT / ".ci/run",
    ):
        called = set(re.findall(r"(?:^|`|run: )make ([a-z-]+)", path.read_text(), re.MULTILINE))
        assert called, path.name
        assert called <= targets, path.name
