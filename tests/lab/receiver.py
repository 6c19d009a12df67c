"""Receives webhooks: `python -m tests.lab.receiver PORT FILE` appends the path of each request, and the id of its
customer, to the file. The path /broken gets a 500."""

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.support.webhook_receiver import whole_body


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        if (body := whole_body(self)) is None:
            return
        os.write(self.server.file, f"{self.path} {json.loads(body)['data']['id']}\n".encode())
        self.send_response(500 if self.path == "/broken" else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


if __name__ == "__main__":
    server = Server(("127.0.0.1", int(sys.argv[1])), Handler)
    server.file = os.open(sys.argv[2], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    server.serve_forever()
