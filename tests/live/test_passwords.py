"""Hashes of passwords take long. They hold up no other request, and do not pile up."""

import json
import re
import select
import socket

import requests

CREATES = 80  # more than two workers take at a time
PATIENCE = 30  # seconds
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


def test_requests_are_answered_while_hashes_run_and_further_hashes_are_refused(store):
    slow = store(RATE_LIMIT="0", DJANGO_SETTINGS_MODULE="tests.live.slow_hashes")
    creates = [send_create(slow.url, slow.token, number) for number in range(CREATES)]
    headers = {"Authorization": f"Bearer {slow.token}"}
    for _ in range(6):  # connections are spread over the workers
        assert requests.get(f"{slow.url}/api/admin/users/", headers=headers, timeout=PATIENCE).ok

    answered, _, _ = select.select(creates, [], [], 0)
    refused = [answer for each in answered if (answer := each.recv(65536)).startswith(b"HTTP/1.1 503")]
    slow.kill()
    assert len(answered) < CREATES
    assert refused
    for answer in refused:
        assert re.search(rb"\r\nretry-after: \d+\r\n", answer, re.IGNORECASE)
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["type"] == "unexpected_state"
