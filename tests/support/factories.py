"""People and what belongs to them, made as the product makes them. Every argument is a field to choose."""

from itertools import count

from customers import services
from customers.limits import MAX_ADDRESSES
from customers.models import Address, Note, User
from oauth.actor import SYSTEM, Actor

_number = count(1)


def make_user(**fields) -> User:
    """A lead; `addresses` are dictionaries of an address's fields."""
    user = services.create_user(**{"by": SYSTEM, "email": f"person-{next(_number)}@example.com", **fields})
    return User.objects.get(pk=user.pk)


def make_users(quantity: int, **fields) -> list[User]:
    """Many at once and without the services' rules: for pages."""
    return User.objects.bulk_create(
        User(**{"email": f"person-{next(_number)}@example.com", **fields}) for _ in range(quantity)
    )


def make_owner(**fields) -> User:
    """Somebody who may do everything in the dashboard."""
    return User.objects.create_superuser(**{"email": f"owner-{next(_number)}@store.example", **fields})


def address(**fields) -> dict:
    """The least of an address that the API takes."""
    return {"line1": "12 St James's Square", "line4": "London", "country": "GB", **fields}


def make_address(user: User, **fields) -> Address:
    return services.add_address(user.pk, by=SYSTEM, **address(**fields))


def fill_address_book(user: User) -> None:
    """Give a customer as many addresses as the store keeps."""
    Address.objects.bulk_create(Address(user=user, **address()) for _ in range(MAX_ADDRESSES))


def make_note(user: User, *, author: User, app_id: int | None = None, message: str = "Asked for a call back.") -> Note:
    return services.add_note(user.pk, message=message, by=Actor(user_id=author.pk, app_id=app_id))
