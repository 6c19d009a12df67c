"""The operations on users, addresses and notes, for tests of what they have in common."""

from dataclasses import dataclass
from typing import Any

from oauth.scopes import Scope
from tests.support.clients import ADMIN_API
from tests.support.factories import address

NOBODY = 987_654_321


@dataclass(frozen=True)
class Operation:
    name: str
    method: str
    path: str
    scope: Scope
    body: Any = None

    def url(self, *, user=NOBODY, address=NOBODY) -> str:
        """The path for a user and an address, or for their ids."""
        return ADMIN_API + self.path.format(user=getattr(user, "pk", user), address=getattr(address, "pk", address))

    def __call__(self, client, *, user=NOBODY, address=NOBODY, **options):
        return getattr(client, self.method)(self.url(user=user, address=address), self.body, **options)


READ, WRITE = Scope.USERS_READ, Scope.USERS_WRITE
OPERATIONS = [
    Operation("list users", "get", "users/", READ),
    Operation("create a user", "post", "users/", WRITE, {"email": "ada@example.com"}),
    Operation("retrieve a user", "get", "users/{user}/", READ),
    Operation("update a user", "put", "users/{user}/", WRITE, {"first_name": "Ada"}),
    Operation("update parts of a user", "patch", "users/{user}/", WRITE, {"first_name": "Ada"}),
    Operation("list addresses", "get", "users/{user}/addresses/", READ),
    Operation("create an address", "post", "users/{user}/addresses/", WRITE, address()),
    Operation("retrieve an address", "get", "users/{user}/addresses/{address}/", READ),
    Operation("update an address", "put", "users/{user}/addresses/{address}/", WRITE, address()),
    Operation("delete an address", "delete", "users/{user}/addresses/{address}/", WRITE),
    Operation("list notes", "get", "users/{user}/notes/", READ),
    Operation("create a note", "post", "users/{user}/notes/", WRITE, {"message": "Called."}),
]


# One write for each viewset: for tests of what the base class does.
CREATE_OPERATIONS = [operation for operation in OPERATIONS if operation.method == "post"]
USER_OPERATIONS = [operation for operation in OPERATIONS if "{user}" in operation.path]
ADDRESS_OPERATIONS = [operation for operation in OPERATIONS if "{address}" in operation.path]
