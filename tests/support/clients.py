"""A client of the Admin API, and the paths of customers."""

from urllib.parse import urlencode

from django.test import Client
from django.test.client import MULTIPART_CONTENT

ADMIN_API = "/api/admin/"
USERS = f"{ADMIN_API}users/"

JSON = "application/json"


def user_url(user) -> str:
    """Of a user or an id."""
    return f"{USERS}{getattr(user, 'pk', user)}/"


def addresses_url(user) -> str:
    return f"{user_url(user)}addresses/"


def address_url(address, user=None) -> str:
    """Of an address, as seen from its own user or from another one."""
    return f"{addresses_url(user or address.user_id)}{address.pk}/"


def notes_url(user) -> str:
    return f"{user_url(user)}notes/"


class ApiClient(Client):
    """Sends JSON by default. A crash of the server is a 500 answer here, as it is for any client."""

    def __init__(self, token: str | None = None, *, headers=None, **options):
        bearer = {"Authorization": f"Bearer {token}"} if token else {}
        super().__init__(headers={**bearer, **(headers or {})}, raise_request_exception=False, **options)
        self.token = token

    def post(self, path, data=None, content_type=JSON, **extra):
        return super().post(path, data, content_type, **extra)

    def put(self, path, data=None, content_type=JSON, **extra):
        return super().put(path, {} if data is None else data, content_type, **extra)

    def patch(self, path, data=None, content_type=JSON, **extra):
        return super().patch(path, {} if data is None else data, content_type, **extra)

    def post_form(self, path, data, **extra):
        """`data`: a dictionary, in which a list is a name that comes several times."""
        return self.post(path, urlencode(data, doseq=True), "application/x-www-form-urlencoded", **extra)

    def post_multipart(self, path, data, **extra):
        return self.post(path, data, MULTIPART_CONTENT, **extra)


def refusal(answer, success: int) -> str:
    """The text of an answer, or an empty text if its status is `success`."""
    return "" if answer.status_code == success else answer.content.decode()
