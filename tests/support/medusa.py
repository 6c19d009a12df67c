"""Paths, ids and error bodies of Medusa's API."""

from customers.medusa import ids

CUSTOMERS = "/admin/customers"
GROUPS = "/admin/customer-groups"
AUTH = "/admin/auth"
TOKEN = "/admin/auth/token"
PASSWORD = "a long password"
NEW = {"email": "grace@example.com", "first_name": "Grace", "last_name": "Hopper", "password": ""}


def id_of(user) -> str:
    return ids.encoded(ids.CUSTOMER, user.pk, user.date_joined)


def url_of(user) -> str:
    """The path of a customer, given as a user or as an id."""
    return f"{CUSTOMERS}/{user if isinstance(user, str) else id_of(user)}"


def group_id_of(group) -> str:
    return ids.encoded(ids.GROUP, group.pk, group.created_at)


def group_url(group) -> str:
    return f"{GROUPS}/{group if isinstance(group, str) else group_id_of(group)}"


def invalid(message: str) -> dict:
    return {"type": "invalid_data", "message": message}


def not_found(message: str) -> dict:
    return {"type": "not_found", "message": message}


def unauthorized(response) -> bool:
    return (response.status_code, response.content) == (401, b"Unauthorized")


def jwt_of(browser, email: str, password: str = PASSWORD) -> str:
    return browser.post(TOKEN, {"email": email, "password": password}).json()["access_token"]
