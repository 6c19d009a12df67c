"""Medusa's own clients and its admin UI, as npm installs them from the lock file here."""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self

import pytest

HERE = Path(__file__).parent
PROJECT = HERE.parents[2]
INSTALLED = PROJECT / "var" / "medusa_clients"
FILES = ("package.json", "package-lock.json", ".npmrc", "build_admin_ui.mjs", "nothing")
INSTALL = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
BUILD = ["node", "build_admin_ui.mjs"]


def installed() -> Path:
    """The folder with `node_modules` and the built admin UI. It is made once for these files, whatever number of
    processes need it. Skips the test where Node.js is missing."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("needs Node.js and npm (Debian: nodejs, npm)")
    contents = b"".join((HERE / name).read_bytes() for name in FILES if (HERE / name).is_file())
    folder = INSTALLED / hashlib.sha256(contents).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            for name in FILES:
                if (HERE / name).is_dir():
                    shutil.copytree(HERE / name, folder / name, dirs_exist_ok=True)
                else:
                    shutil.copy(HERE / name, folder)
            subprocess.run(INSTALL, cwd=folder, check=True, capture_output=True)
            subprocess.run(BUILD, cwd=folder, check=True, capture_output=True)
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


class AdminUi(SimpleHTTPRequestHandler):
    """Answers with the files of the built admin UI, and with its page for all other paths: it routes by itself."""

    PAGE = """<!DOCTYPE html><meta charset="utf-8"><link rel="stylesheet" href="/main.css"><div id="root"></div>
        <script>ENVIRONMENT = {ADMIN_PATH: "/", MEDUSA_BACKEND_URL: "%s"}</script>
        <script type="module" src="/main.js"></script>"""

    def do_GET(self):
        if Path(self.translate_path(self.path)).is_file():
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write((self.PAGE % self.server.store_url).encode())

    def log_message(self, *arguments):
        """Nothing to say."""


class AdminUiServer(ThreadingHTTPServer):
    """Serves the admin UI from an origin of its own. `store_url` is to be set before the first request."""

    store_url = ""

    def __init__(self):
        handler = partial(AdminUi, directory=installed() / "admin-ui")
        super().__init__(("127.0.0.1", 0), handler)
        self.origin = f"http://127.0.0.1:{self.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *error):
        self.shutdown()
        super().__exit__(*error)
