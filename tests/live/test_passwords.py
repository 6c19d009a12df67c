"""Hashes of passwords take long. They hold up no other request, and do not pile up."""

import json
import socket
from http.client import HTTPResponse
from select import select

import requests

from tests.live.conftest import PATIENCE

CREATES = 80  # more than two workers take at a time
NEW = {"first_name": "Ada", "last_name": "Lovelace", "password": "Correct-horse-9"}


def send_create(url: str, token: str, number: int) -> socket.socket:
    body = json.dumps(
        {"email": f"ada{number}@example.com", "first_name": "A", "last_name": "B", "password": "Secret-9"}
    )
    host, port = url.removeprefix("http://").split(":")
    connection = socket.create_connection((host, int(port)), timeout=PATIENCE)
    head = f"POST /admin/customers HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    connection.sendall((head + body).encode())
    return connection


def answer_of(connection: socket.socket) -> HTTPResponse:
    answer = HTTPResponse(connection)
    answer.begin()
    return answer


def test_requests_are_answered_while_hashes_run_and_further_hashes_are_refused(store):
    slow = store(RATE_LIMIT="0", DJANGO_SETTINGS_MODULE="tests.live.slow_hashes")
    creates = [send_create(slow.url, slow.token, number) for number in range(CREATES)]
    headers = {"Authorization": f"Bearer {slow.token}"}
    for _ in range(6):  # connections are spread over the workers
        assert requests.get(f"{slow.url}/api/admin/users/", headers=headers, timeout=PATIENCE).ok

    waiting, refused = creates, []
    while not refused:
        answered, _, _ = select(waiting, [], [], PATIENCE)
        assert answered
        waiting = [each for each in waiting if each not in answered]
        refused = [answer for each in answered if (answer := answer_of(each)).status == 503]
    assert waiting
    for answer in refused:
        assert answer.headers["Retry-After"].isdecimal()
        assert json.load(answer)["type"] == "unexpected_state"
    slow.kill()
