"""The documents name only what exists, and every text is in plain English."""

import ast
import re
import tomllib
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import get_commands

from customers import limits
from customers.retention.settings_check import NEVER_FOREVER

pytestmark = pytest.mark.once

PROJECT = Path(__file__).resolve().parents[1]
ROOT_DOCUMENTS = [PROJECT / f"{name}.md" for name in ("README", "CHANGELOG", "CONTRIBUTING", "SECURITY")]
DOCUMENTS = [*ROOT_DOCUMENTS, *sorted((PROJECT / "docs").glob("*.md"))]
SOURCES = [
    path
    for package in ("config", "customers", "oauth")
    for pattern in ("*.py", "*.html", "*.txt", "*.js")
    for path in sorted((PROJECT / package).rglob(pattern))
    if "migrations" not in path.parts
]
# Words that a reader with little English would have to read twice.
BANNED = re.compile(
    r"\b([Aa]new|[Hh]ears? of|(?<!there )is none|[Ll]est|[Nn]ews|[Oo]f which one|[Tt]ells?|[Tt]old|[Ww]hoever|[Ww]hom"
    r"|who is (?:here|there))\b"
)
every_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)


def code_spans(text: str) -> list[str]:
    return re.findall(r"`([^`\n]+)`", text)


@pytest.fixture(scope="module")
def tests() -> set[str]:
    """Names of test modules, and of the classes and functions in them: `test_a.py`, `test_a.py::TestB::test_c`."""
    names = set()
    for path in PROJECT.glob("tests/**/test_*.py"):
        names.add(path.name)
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef):
                names.add(f"{path.name}::{node.name}")
                names |= {
                    f"{path.name}::{node.name}::{each.name}" for each in node.body if isinstance(each, ast.FunctionDef)
                }
            elif isinstance(node, ast.FunctionDef):
                names.add(f"{path.name}::{node.name}")
    return names


@every_document
def test_documents_link_only_to_files_that_exist(document):
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)|(?:src|href)=\"([^\"#]+)\"", document.read_text())
    paths = [first or second for first, second in targets]
    missing = [path for path in paths if "://" not in path and not (document.parent / path).exists()]

    assert missing == []


@every_document
def test_documents_name_only_paths_that_exist(document):
    paths = [
        span.split("::")[0].rstrip("…")
        for span in code_spans(document.read_text())
        if re.fullmatch(r"(config|customers|oauth|tests|docs|\.ci)/[\w./-]*(::.*)?", span)
    ]

    assert [path for path in paths if not (PROJECT / path).exists()] == []


@every_document
def test_documents_name_only_commands_that_exist(document):
    text = document.read_text()
    targets = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    made = re.findall(r"(?:`|^ +|\$ )make ([a-z][a-z-]*)", text, re.MULTILINE)
    managed = re.findall(r"manage\.py ([a-z]\w*)", text)

    assert [name for name in made if name not in targets] == []
    assert [name for name in managed if name not in get_commands()] == []


@every_document
def test_documents_name_only_tests_that_exist(document, tests):
    named = [span.split("/")[-1] for span in code_spans(document.read_text()) if re.search(r"\btest_\w+\.py", span)]

    assert [name for name in named if name not in tests] == []


def test_operations_explain_every_environment_variable():
    table = (PROJECT / "docs" / "operations.md").read_text()
    explained = {name for row in re.findall(r"^\| (`[^|]+`) \|", table, re.MULTILINE) for name in code_spans(row)}
    sources = [path.read_text() for path in SOURCES if path.suffix == ".py"]
    read = {
        name
        for source in sources
        for name in re.findall(r"(?:env\.\w+|os\.environ\.get|environ)\(\s*[\"']([A-Z][A-Z_]+)[\"']", source)
    }

    assert explained == read


def test_operations_show_every_limit():
    table = (PROJECT / "docs" / "operations.md").read_text()
    rows = re.findall(r"^\|[^|]*\| ([0-9,]+) [^|]*\| `(MAX_\w+)` \|$", table, re.MULTILINE)
    shown = {name: int(value.replace(",", "")) for value, name in rows}

    assert shown == {name: value for name, value in vars(limits).items() if name.startswith("MAX_")}


def test_operations_show_how_long_rows_are_kept():
    table = (PROJECT / "docs" / "operations.md").read_text()
    rows = re.findall(r"^\|[^|]*\| ([^|]*) \| `RETENTION_(\w+)_DAYS` \| ([^|]*) \|$", table, re.MULTILINE)
    shown = {name.lower(): None if time == "ever" else int(time.split()[0]) for time, name, _ in rows}

    assert shown == settings.RETENTION_DAYS
    assert {name.lower() for _, name, zero in rows if zero == "refused"} == set(NEVER_FOREVER)


def test_architecture_shows_the_layers_that_import_linter_checks():
    (shown,) = re.findall(r"```\nconfig\n(.*?)\noauth", (PROJECT / "docs" / "architecture.md").read_text(), re.DOTALL)
    contracts = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = [each["layers"] for each in contracts if each.get("containers") == ["customers"]]

    assert [re.split(" {2,}", line)[0] for line in shown.splitlines()] == layers


def test_texts_have_no_banned_words():
    found = [
        f"{path.relative_to(PROJECT)}:{number}: {line.strip()}"
        for path in [*DOCUMENTS, *SOURCES]
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if BANNED.search(line)
    ]

    assert found == []
