"""Medusa's own clients, as npm installs them from the lock file here."""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PROJECT = HERE.parents[2]
INSTALLED = PROJECT / "var" / "medusa_clients"
FILES = ("package.json", "package-lock.json", ".npmrc")


def installed() -> Path:
    """The folder with `node_modules`, made once for a lock file, whoever else asks for it at the same time. Skips the
    test where Node.js is missing."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("needs Node.js and npm (Debian: nodejs, npm)")
    folder = INSTALLED / hashlib.sha256((HERE / "package-lock.json").read_bytes()).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            for name in FILES:
                shutil.copy(HERE / name, folder)
            subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=folder, check=True, capture_output=True)
            (folder / "complete").touch()
    return folder


def call(*calls: dict, base_url: str, **options) -> list[dict]:
    """What came of the calls; `calls.mjs` says how they are written, and what `options` there are."""
    done = subprocess.run(
        ["node", HERE / "calls.mjs"],
        input=json.dumps({"baseUrl": base_url, "calls": calls, **options}),
        env={**os.environ, "CLIENTS": str(installed())},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
