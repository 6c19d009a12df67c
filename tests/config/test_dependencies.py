"""The lock file of a deployment, and the audit of what is locked."""

import json
import os
import re
import subprocess
import tomllib
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

pytestmark = pytest.mark.once

PROJECT = Path(__file__).resolve().parents[2]
ADVISORY = {
    "id": "GHSA-test-test-test",
    "summary": "A hole in Django",
    "affected": [{"package": {"name": "django", "ecosystem": "PyPI"}}],
}


def lock_entries() -> list[str]:
    """The entries of the lock file, each with its hashes, on one line."""
    text = (PROJECT / "requirements.lock").read_text().replace("\\\n", " ")
    return [line for line in text.splitlines() if re.match(r"\w", line)]


def locked_requirements() -> list[Requirement]:
    return [Requirement(entry.partition("--hash")[0]) for entry in lock_entries()]


@contextmanager
def advisories(vulnerable: str):
    """A server that speaks as osv.dev does, and knows one vulnerable package. Yields its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            found = {"vulns": [ADVISORY]} if asked["package"]["name"] == vulnerable else {}
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(found).encode())

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1/query"
    finally:
        server.shutdown()
        server.server_close()


def audit(url: str, cache: Path, **settings: str) -> subprocess.CompletedProcess:
    environment = {**os.environ, "OSV_URL": url, "XDG_CACHE_HOME": str(cache), **settings}
    return subprocess.run([PROJECT / ".ci" / "audit"], env=environment, capture_output=True, text=True)


class TestLock:
    def test_lock_has_every_dependency_in_a_version_that_fits(self):
        declared = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["dependencies"]
        locked = {
            canonicalize_name(each.name): str(each.specifier).removeprefix("==") for each in locked_requirements()
        }
        wrong = [
            str(each)
            for each in map(Requirement, declared)
            if (version := locked.get(canonicalize_name(each.name))) is None or Version(version) not in each.specifier
        ]

        assert wrong == []

    def test_lock_has_exact_versions_with_hashes_and_names_no_host(self):
        assert len(lock_entries()) > 30
        assert [entry for entry in lock_entries() if not re.search(r"==.+ --hash=sha256:[0-9a-f]{64}", entry)] == []
        assert "://" not in (PROJECT / "requirements.lock").read_text()


class TestAudit:
    def test_audit_fails_on_a_known_vulnerability(self, tmp_path):
        with advisories(vulnerable="django") as url:
            result = audit(url, tmp_path)

        assert result.returncode == 1, result.stderr
        assert "GHSA-test-test-test" in result.stdout

    def test_audit_passes_without_a_known_vulnerability(self, tmp_path):
        with advisories(vulnerable="flask") as url:
            result = audit(url, tmp_path)

        assert result.returncode == 0, result.stderr
        assert "No known vulnerabilities found" in result.stderr

    def test_audit_without_advisories_says_that_it_was_skipped(self, tmp_path):
        with advisories(vulnerable="django") as url:
            pass  # it does not listen any more

        result = audit(url, tmp_path)

        assert result.returncode == 0, result.stderr
        assert "The audit of the dependencies was skipped" in result.stdout
        assert "The licences of the locked dependencies are allowed." in result.stdout

    def test_audit_fails_on_a_licence_that_is_not_allowed(self, tmp_path):
        result = audit("http://127.0.0.1:9/", tmp_path, ALLOWED_LICENCES="MIT;BSD")

        assert result.returncode == 1
        assert "not in allow-only licenses" in result.stderr
