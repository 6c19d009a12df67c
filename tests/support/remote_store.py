"""A small live store on a socket: lists customers, newest first, to clients that have its token."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "shc_of_the_live_store"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "RemoteStore"

    def do_GET(self):
        store, parts = self.server, urlsplit(self.path)
        store.requests.append(self.path)
        if self.headers["Authorization"] != f"Bearer {TOKEN}":
            return self.answer(401, {"detail": "Unauthorized."})
        failure = store.failures.pop(0) if store.failures else 200
        if failure == "hang up":
            self.close_connection = True
            return None
        if failure != 200:
            return self.answer(failure, {"detail": "Failed."})
        path = parts.path.removeprefix("/api/admin/users/").strip("/").split("/")
        if path == [""]:
            return self.answer(200, self.page(parse_qs(parts.query)) if store.customers else "not a page")
        customer = next((each for each in store.customers if str(each["id"]) == path[0]), None)
        if customer is None:
            return self.answer(404, {"detail": "Not found."})
        return self.answer(200, customer if len(path) == 1 else store.documents.get((customer["id"], path[1]), []))

    def page(self, query: dict[str, list[str]]) -> dict[str, Any]:
        store, start = self.server, int(query.get("cursor", ["0"])[0])
        end = start + store.page_size
        link = f"{store.link_to or store.url}/api/admin/users/?cursor={end}"
        has_more = end < len(store.customers)
        return {"next": link if has_more else None, "previous": None, "results": store.customers[start:end]}

    def answer(self, status: int, body: Any) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args):
        pass


class RemoteStore(ThreadingHTTPServer):
    """`failures`: how the next requests end, by status or "hang up"; 200 for none. `documents`: by the customer's id
    and "orders" or "subscriptions". `headers`: of every answer. `link_to`: the host in links to next pages."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.customers: list[dict[str, Any]] = []
        self.documents: dict[tuple[int, str], list[Any]] = {}
        self.failures: list[int | str] = []
        self.requests: list[str] = []
        self.headers: dict[str, str] = {}
        self.page_size, self.link_to = 3, ""


@contextmanager
def serve_remote_store() -> Iterator[RemoteStore]:
    store = RemoteStore()
    thread = Thread(target=store.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield store
    finally:
        store.shutdown()
        store.server_close()
        thread.join()
