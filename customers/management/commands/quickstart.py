import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from customers.models import User
from oauth.models import App
from oauth.scopes import Scope
from oauth.tokens import issue_personal_token

OWNER = "owner@example.com"
APP = "Quickstart"
START_TIMEOUT = 60  # seconds until the server has to answer
WORKER_PAUSE = 2  # seconds before a worker that ended is started again
STOP_TIMEOUT = 10  # seconds until a process is killed
FIRST_CUSTOMER: dict[str, Any] = {
    "email": "ada@example.com",
    "first_name": "Ada",
    "last_name": "Lovelace",
    "language": "en",
    "accepts_marketing": True,
    "tags": ["vip"],
    "addresses": [
        {"line1": "12 St James's Square", "line4": "London", "postcode": "SW1Y 4JH", "country": "GB",
         "phone_number": "020 7946 0018"}
    ],
}  # fmt: skip


class Command(BaseCommand):
    help = (
        "Prepare the database, serve the store, run a worker, and show how to use it: an owner, an access token, and a "
        "first customer who is created over HTTP. A second run keeps all data."
    )

    def add_arguments(self, parser):
        parser.add_argument("--host", default=os.environ.get("HOST", "127.0.0.1"))
        parser.add_argument("--port", type=int, default=int(os.environ.get("PORT", "8000")))

    def handle(self, *, host, port, **options):
        self.store = f"http://{'localhost' if host in ('127.0.0.1', '0.0.0.0') else host}:{port}"
        self.check_port(host, port)
        self.stdout.write("Preparing the database and the static files …")
        call_command("migrate", verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)
        self.stdout.write("Starting the server and the worker …")
        server = self.start_server(host, port)
        self.worker = self.start_worker()
        try:
            self.wait_for(server)
            password = self.create_owner()
            token = self.create_token()
            if token and not User.objects.with_email(FIRST_CUSTOMER["email"]).exists():
                self.create_first_customer(token)
            self.show_doors(password, token)
            self.stdout.write("\nServing until Ctrl-C.")
            sys.exit(self.serve(server))
        except KeyboardInterrupt:
            self.stdout.write("\nStopping.")
        finally:
            for process in (server, self.worker):
                process.terminate()
            for process in (server, self.worker):
                self.wait_for_end(process)

    def check_port(self, host: str, port: int) -> None:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                raise CommandError(f"Can't listen on {host}:{port} ({error.strerror}). Set PORT or HOST.") from None

    def create_owner(self) -> str | None:
        """Returns the password of a new owner; None if an owner exists."""
        if User.objects.filter(is_superuser=True).exists():
            return None
        password = secrets.token_urlsafe(12)
        User.objects.create_superuser(OWNER, password)
        return password

    def create_token(self) -> str | None:
        """Returns a new token; None if an earlier run created one, since it can't be read again."""
        if App.objects.filter(kind=App.Kind.PRIVATE, name=APP).exists():
            return None
        owner = User.objects.filter(is_superuser=True).earliest("pk")
        return issue_personal_token(app_name=APP, scopes=[Scope.ADMIN_READ, Scope.ADMIN_WRITE], owner=owner)

    def create_first_customer(self, token: str) -> None:
        body = json.dumps(FIRST_CUSTOMER, indent=2)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        request = Request(f"{self.store}/api/admin/users/", body.encode(), headers)
        with urlopen(request, timeout=10) as response:
            answer = json.dumps(json.load(response), indent=2, ensure_ascii=False)
            self.stdout.write("\nA first customer is created over HTTP. The request:\n\n")
            self.stdout.write(f"POST {request.full_url}\nAuthorization: Bearer {token}\n\n{body}\n\n")
            self.stdout.write(f"The response:\n\n{response.status} {response.reason}\n{answer}\n")

    def show_doors(self, password: str | None, token: str | None) -> None:
        login = "Sign in as the owner. To set a new password: manage.py changepassword EMAIL"
        if password:
            login = f"Sign in as {OWNER} with the password {password} (shown only now)"
        shown = (
            f"{token} (shown only now)"
            if token
            else "Was shown on the first run. For another one: manage.py create_token"
        )
        curl = f'curl -H "Authorization: Bearer {token or "$TOKEN"}" {self.store}/api/admin/users/'
        lines = {
            "Store": f"{self.store}/",
            "Dashboard": f"{self.store}/dashboard/",
            "": login,
            "API reference": f"{self.store}/api/docs/admin/",
            "Access token": shown,
            "List customers": curl,
        }
        self.stdout.write("\n" + "\n".join(f"{name:16}{text}" for name, text in lines.items()))

    def start_server(self, host: str, port: int) -> subprocess.Popen:
        command = (sys.executable, "-m", "config.server", "--host", host, "--port", str(port))
        hosts = ",".join({*settings.ALLOWED_HOSTS, urlsplit(self.store).hostname or host})
        return self.start(*command, ALLOWED_HOSTS=hosts)

    def start_worker(self) -> subprocess.Popen:
        return self.start(sys.executable, sys.argv[0], "run_worker")

    def serve(self, server: subprocess.Popen) -> int:
        """Waits until the server ends, and returns its exit code. A worker that ends earlier is started again."""
        while True:
            try:
                return server.wait(WORKER_PAUSE)
            except subprocess.TimeoutExpired:
                if self.worker.poll() is not None:
                    self.stderr.write("The worker has stopped. Starting it again.")
                    self.worker = self.start_worker()

    def wait_for_end(self, process: subprocess.Popen) -> None:
        try:
            process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:  # it was still starting, and missed the signal
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def start(self, *command: str, **environment: str) -> subprocess.Popen:
        # In a session of its own: Ctrl-C reaches only this command, which then stops the others in order.
        return subprocess.Popen(command, env={**os.environ, **environment}, start_new_session=True)

    def wait_for(self, server: subprocess.Popen) -> None:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline:
            if server.poll() is not None:
                raise CommandError(f"The server did not start. Does another program use {self.store}? Set PORT.")
            try:
                with urlopen(f"{self.store}/readyz", timeout=2):
                    return
            except (URLError, OSError):
                time.sleep(0.1)
        raise CommandError(f"The server did not answer within {START_TIMEOUT} s.")
