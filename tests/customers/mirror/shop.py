"""A live store on a socket, as small as it can be: pages of customers for who has its token, newest first."""

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
    server: "Shop"

    def do_GET(self):
        shop, parts = self.server, urlsplit(self.path)
        shop.asked.append(self.path)
        if self.headers["Authorization"] != f"Bearer {TOKEN}":
            return self.answer(401, {"detail": "Who are you?"})
        how = shop.moods.pop(0) if shop.moods else 200
        if how == "hang up":
            self.close_connection = True
            return None
        if how != 200:
            return self.answer(how, {"detail": "Request was throttled."}, shop.retry_after)
        path = parts.path.removeprefix("/api/admin/users/").strip("/").split("/")
        if path == [""]:
            return self.answer(200, self.page(parse_qs(parts.query)) if shop.customers else "a page, to people")
        customer = next((each for each in shop.customers if str(each["id"]) == path[0]), None)
        if customer is None:
            return self.answer(404, {"detail": "Not found."})
        return self.answer(200, customer if len(path) == 1 else shop.reports.get((customer["id"], path[1]), []))

    def page(self, query: dict[str, list[str]]) -> dict[str, Any]:
        shop, start = self.server, int(query.get("cursor", ["0"])[0])
        end = start + shop.page_size
        more = end < len(shop.customers)
        link = f"{shop.link_to or shop.url}/api/admin/users/?cursor={end}"
        return {"next": link if more else None, "previous": None, "results": shop.customers[start:end]}

    def answer(self, code: int, body: Any, retry_after: str = "") -> None:
        content = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(content)))
        if retry_after:
            self.send_header("Retry-After", retry_after)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args):
        pass


class Shop(ThreadingHTTPServer):
    """`moods`: how the next requests are answered, by codes or "hang up". `reports`: by ids and "orders" or
    "subscriptions". `link_to`: where links to next pages lead, instead of here."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.customers: list[dict[str, Any]] = []
        self.reports: dict[tuple[int, str], list[Any]] = {}
        self.moods: list[int | str] = []
        self.asked: list[str] = []
        self.page_size, self.retry_after, self.link_to = 3, "", ""


@contextmanager
def opened() -> Iterator[Shop]:
    shop = Shop()
    thread = Thread(target=shop.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield shop
    finally:
        shop.shutdown()
        shop.server_close()
        thread.join()
