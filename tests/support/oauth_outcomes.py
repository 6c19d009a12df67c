"""What an attempt came to."""

from urllib.parse import parse_qsl, urlsplit

from oauth.audit.models import AuditEvent
from tests.support.clients import USERS, ApiClient


def is_live(access_token: str) -> bool:
    """Whether the API knows the token; what it may do is another matter."""
    return ApiClient(access_token).get(USERS).status_code != 401


def error_of(response) -> str:
    """The error of an endpoint for clients, which is also sure to have issued nothing."""
    assert response.status_code in (400, 401), response.content
    answer = response.json()
    assert "access_token" not in answer
    return answer["error"]


def brought_back(response) -> dict[str, str]:
    """The query that a redirect to an app carries. Each name comes once, and nothing is in the fragment."""
    assert response.status_code == 302
    location = urlsplit(response.headers["Location"])
    assert not location.fragment
    pairs = parse_qsl(location.query, keep_blank_values=True)
    assert len(dict(pairs)) == len(pairs), location.query
    return dict(pairs)


def is_refused_on_a_page(response) -> bool:
    """Whether the browser was sent nowhere."""
    return response.status_code == 400 and "Location" not in response.headers


def logged(event: str, client_id: str) -> bool:
    return AuditEvent.objects.filter(event=event, client_id=client_id).exists()
