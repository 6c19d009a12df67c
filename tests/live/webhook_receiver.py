"""`python -m tests.live.webhook_receiver PORT FILE`: a webhook receiver in a process of its own, which a test may kill.

Before it answers, it appends the request and its answer to the file, as JSON. It fails one event in five, and leaves
one in a thousand without an answer, but fails no event twice until it is restarted.
"""

import json
import random
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock

from tests.support.webhook_receiver import whole_body

FAILURES = (500, 503, 301, "hang up")


class Handler(BaseHTTPRequestHandler):
    lock = Lock()
    log = sys.argv[2]
    failed: set[bytes] = set()

    def do_POST(self):
        if (body := whole_body(self)) is None:
            return
        chance = random.random()
        answer = "hang" if chance < 0.001 else random.choice(FAILURES) if chance < 0.2 else 200
        if body in self.failed:
            answer = 200
        if answer != 200:
            self.failed.add(body)
        entry = {"body": body.decode(), "signature": self.headers["X-29Next-Signature"], "answer": answer}
        with self.lock, open(self.log, "a") as log:
            log.write("\n" + json.dumps(entry))  # a line of its own, also after one that was cut off by a kill
        if answer == "hang":
            time.sleep(60)
        if answer == "hang up":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
            return
        self.send_response(answer)
        self.send_header("Location", "/elsewhere/")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
