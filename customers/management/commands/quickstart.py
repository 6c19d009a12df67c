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
START_UP = 60  # seconds the server may take to answer
WORKER_PAUSE = 2  # seconds
GRACE = 10  # seconds that processes have to end
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
        "Prepare the database, an owner and a token where there are none, serve the store, run a worker beside it, and "
        "create a first customer over HTTP. What is there already stays as it is."
    )

    def add_arguments(self, parser):
        parser.add_argument("--host", default=os.environ.get("HOST", "127.0.0.1"))
        parser.add_argument("--port", type=int, default=int(os.environ.get("PORT", "8000")))

    def handle(self, *, host, port, **options):
        self.store = f"http://{'localhost' if host in ('127.0.0.1', '0.0.0.0') else host}:{port}"
        self.refuse_a_taken_port(host, port)
        call_command("migrate", verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)
        server = self.start_server(host, port)
        self.worker = self.start_worker()
        try:
            self.wait_for(server)
            self.make_owner()
            token = self.make_token()
            if token and not User.objects.filter(email__lower=FIRST_CUSTOMER["email"]).exists():
                self.create_first_customer(token)
            self.stdout.write(f"\nThe API's reference: {self.store}/api/docs/admin/\nServing until Ctrl-C.")
            sys.exit(self.serve(server))
        except KeyboardInterrupt:
            self.stdout.write("\nStopping.")
        finally:
            for process in (server, self.worker):
                process.terminate()
            for process in (server, self.worker):
                self.wait_for_end(process)

    def refuse_a_taken_port(self, host: str, port: int) -> None:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                raise CommandError(f"Can't listen on {host}:{port} ({error.strerror}). Set PORT or HOST.") from None

    def make_owner(self) -> None:
        self.stdout.write(f"Dashboard  {self.store}/dashboard/")
        if User.objects.filter(is_superuser=True).exists():
            self.stdout.write("           There is an owner; manage.py changepassword sets a new password.")
            return
        password = secrets.token_urlsafe(12)
        User.objects.create_superuser(OWNER, password)
        self.stdout.write(f"           {OWNER} with the password {password} (shown this once)")

    def make_token(self) -> str | None:
        """A new token; None where one was made before, for it can't be read again."""
        token = None
        if App.objects.filter(kind=App.Kind.PRIVATE, name=APP).exists():
            self.stdout.write("Token      Was shown when it was made; manage.py create_token makes another.")
        else:
            owner = User.objects.filter(is_superuser=True).earliest("pk")
            token = issue_personal_token(app_name=APP, scopes=[Scope.USERS_READ, Scope.USERS_WRITE], owner=owner)
            self.stdout.write(f"Token      {token} (shown this once)")
        bearer = token or "$TOKEN"
        self.stdout.write(f'Ask it     curl -H "Authorization: Bearer {bearer}" {self.store}/api/admin/users/')
        return token

    def start_server(self, host: str, port: int) -> subprocess.Popen:
        # One worker per core and one thread per worker: more threads only wait for each other.
        command = [
            *(sys.executable, "-m", "granian", "--interface", "wsgi", "config.wsgi:application"),
            *("--host", host, "--port", str(port), "--workers", str(os.cpu_count() or 1), "--blocking-threads", "1"),
            *("--log-level", "warning"),
        ]
        hosts = ",".join({*settings.ALLOWED_HOSTS, urlsplit(self.store).hostname or host})
        return self.start(*command, ALLOWED_HOSTS=hosts)

    def start_worker(self) -> subprocess.Popen:
        return self.start(sys.executable, sys.argv[0], "run_worker")

    def serve(self, server: subprocess.Popen) -> int:
        """Until the server ends, with which code. A worker that ends before it is started again, after a pause."""
        while True:
            try:
                return server.wait(WORKER_PAUSE)
            except subprocess.TimeoutExpired:
                if self.worker.poll() is not None:
                    self.stderr.write("The worker has ended. It is started again.")
                    self.worker = self.start_worker()

    def wait_for_end(self, process: subprocess.Popen) -> None:
        try:
            process.wait(GRACE)
        except subprocess.TimeoutExpired:  # it was about to start, and missed the signal
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def start(self, *command: str, **environment: str) -> subprocess.Popen:
        # In a session of its own, so that Ctrl-C reaches this command alone, which ends the others in order.
        return subprocess.Popen(command, env={**os.environ, **environment}, start_new_session=True)

    def wait_for(self, server: subprocess.Popen) -> None:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        deadline = time.monotonic() + START_UP
        while time.monotonic() < deadline:
            if server.poll() is not None:
                raise CommandError(f"The server did not start; is another program using {self.store}? Set PORT.")
            try:
                with urlopen(f"{self.store}/readyz", timeout=2):
                    return
            except (URLError, OSError):
                time.sleep(0.1)
        raise CommandError(f"The server did not answer within {START_UP} s.")

    def create_first_customer(self, token: str) -> None:
        body = json.dumps(FIRST_CUSTOMER, indent=2)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        request = Request(f"{self.store}/api/admin/users/", body.encode(), headers)
        with urlopen(request, timeout=10) as response:
            answer = json.dumps(json.load(response), indent=2, ensure_ascii=False)
            self.stdout.write(f"\nPOST {request.full_url}\n{body}\n\n{response.status} {response.reason}\n{answer}\n")
