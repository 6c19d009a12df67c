"""A served store for a test, as `make run` serves one: processes of its own, real sockets, a real database."""

import atexit
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit, urlunsplit

import psutil
import psycopg
import pytest
import requests
from selenium import webdriver

from tests.support.ports import free_port

PROJECT = Path(__file__).resolve().parents[2]
PATIENCE = 60  # seconds until a test gives up what it waits for. Only a failure takes that long


def wait_until(is_so: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.1)


class Store:
    """A served store. `token` may read and write customers; `password` is the owner's."""

    def __init__(self, folder: Path, **environment: str):
        self.environment = {**os.environ, "DEVELOPMENT": "1", "VAR_DIR": str(folder), **environment}
        self.process: subprocess.Popen | None = None
        self.token = ""
        self.password = ""
        self.output = ""

    def start(self) -> None:
        """Starts or restarts it: on a free port, with the data it has."""
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "quickstart", "--port", str(port)],
            cwd=PROJECT,
            env=self.environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.output = ""
        for line in self.process.stdout:
            self.output += line
            if line.startswith("Serving"):
                break
        else:
            raise AssertionError(f"The store did not start.\n{self.output}")
        if found := re.search(r"shc_\w+", self.output):
            self.token = found[0]
        if found := re.search(r"with the password (\S+)", self.output):
            self.password = found[1]
        Thread(target=self.listen, daemon=True).start()

    def listen(self) -> None:
        """Appends what the store prints while it serves, such as emails, to `output`."""
        for line in self.process.stdout:
            self.output += line

    def session(self) -> requests.Session:
        session = requests.Session()
        session.headers["Authorization"] = f"Bearer {self.token}"
        return session

    def manage(self, *arguments: str) -> str:
        """The output of a `manage.py` command that runs on the store's database."""
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(command, cwd=PROJECT, env=self.environment, capture_output=True, text=True, check=True)
        return done.stdout

    def register_app(self, app_url: str, redirect_uri: str, *options: str) -> dict[str, str]:
        """Registers an app that may read and write customers.

        Returns `client_id`, `client_secret` and `install`, the path of the install page.
        """
        names = ("--name", "Mailer", "--app-url", app_url, "--redirect-uri", redirect_uri)
        printed = self.manage("register_app", *names, "--scope", "users:read", "users:write", *options)
        return dict(line.split("=", 1) for line in printed.splitlines())

    def kill(self) -> None:
        """Kills the command, the server and its workers at once, as a power cut does."""
        command = psutil.Process(self.process.pid)
        command.suspend()  # it starts no worker meanwhile, which nobody would end
        for child in command.children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                child.kill()
        command.kill()
        self.process.wait()

    def stop(self) -> None:
        self.process.terminate()  # not Ctrl-C: a program in the background may ignore that
        self.process.wait(timeout=PATIENCE)


def on_server(statement: str) -> None:
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(statement)


def url_of(database: str) -> str:
    return urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{database}"))


@cache
def migrated() -> tuple[Path, str]:
    """A migrated database: the folder of SQLite's, the name of PostgreSQL's. To copy it is faster than `migrate`."""
    folder, name = Path(tempfile.mkdtemp()), f"live_template_{os.getpid()}"
    atexit.register(shutil.rmtree, folder)
    environment = {**os.environ, "DEVELOPMENT": "1", "VAR_DIR": str(folder)}
    if "DATABASE_URL" in os.environ:
        on_server(f"CREATE DATABASE {name}")
        atexit.register(on_server, f"DROP DATABASE {name}")
        environment["DATABASE_URL"] = url_of(name)
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity", "0"], cwd=PROJECT, env=environment, check=True
    )
    if "DATABASE_URL" in os.environ:
        on_server(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")  # not even autovacuum is in the way of a copy
    return folder, name


@contextmanager
def stores(folder: Path) -> Iterator[Callable[..., Store]]:
    started: list[Store] = []
    databases: list[str] = []

    def start(*, is_served: bool = True, is_migrated: bool = True, **environment: str) -> Store:
        if "DATABASE_URL" in os.environ and "DATABASE_URL" not in environment:
            databases.append(f"live_{os.getpid()}_{time.monotonic_ns()}")
            template = f" TEMPLATE {migrated()[1]}" if is_migrated else ""
            on_server(f"CREATE DATABASE {databases[-1]}{template}")
            environment["DATABASE_URL"] = url_of(databases[-1])
        fresh = Store(folder, **environment)
        database = Path(fresh.environment["VAR_DIR"], "store.sqlite3")
        if is_migrated and "DATABASE_URL" not in fresh.environment and not database.exists():
            database.parent.mkdir(exist_ok=True)
            shutil.copy(migrated()[0] / database.name, database)
        started.append(fresh)
        if is_served:
            fresh.start()
        return fresh

    try:
        yield start
    finally:
        for one in started:
            if one.process and one.process.poll() is None:
                one.stop()
        for database in databases:
            on_server(f"DROP DATABASE {database} WITH (FORCE)")


@pytest.fixture
def store(tmp_path):
    """`store(RATE_LIMIT="0")` starts a store with these environment variables and stops it after the test.

    With the `environment` of another store it serves the same database once more. With `is_served=False` the test
    itself starts the store, with `is_migrated=False` the store begins with an empty database.
    """
    with stores(tmp_path) as start:
        yield start


@pytest.fixture(scope="module")
def shared_store(tmp_path_factory):
    """One store for all tests of a module, without a rate limit."""
    with stores(tmp_path_factory.mktemp("store")) as start:
        yield start(RATE_LIMIT="0")


@pytest.fixture
def browser(tmp_path):
    """Chromium without a window. `browser.get_log("performance")` has its requests."""
    with chromium(tmp_path) as chrome:
        yield chrome


@contextmanager
def chromium(folder: Path) -> Iterator[webdriver.Chrome]:
    binary = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if not binary or not driver:
        pytest.skip("needs Chromium and chromedriver (Debian: chromium, chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for switch in ("headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-component-update"):
        options.add_argument(f"--{switch}")
    options.add_argument("--disable-background-networking")
    options.add_argument("--disable-dev-shm-usage")  # of which a container has 64 MB, and too little ends a page
    options.add_argument("--window-size=1280,1200")
    options.add_argument(f"--user-data-dir={folder / 'browser'}")
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    chrome = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    chrome.implicitly_wait(PATIENCE)
    chrome.set_script_timeout(PATIENCE)
    try:
        yield chrome
    finally:
        chrome.quit()
