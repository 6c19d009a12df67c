"""Finds a customer, and creates one if nobody is found. Both happen in one call.

`get_or_create_user` does not change a customer who exists. The upserts update that customer.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from customers import insertion, services, validation
from customers.core.postgres import lock_until_commit
from customers.insertion import NewCustomer
from customers.metadata import services as definitions
from customers.models import User
from customers.phone_numbers import clean_phone_number
from oauth.actor import Actor
from oauth.email_addresses import check_email, email_key
from oauth.errors import ServiceError

# How often an upsert starts again because another request created the customer or changed the email at that moment.
MAX_ATTEMPTS = 5

# Makes the precondition of an update (see `services.update_user`) for the customer with this id.
PreconditionFor = Callable[[int], services.Precondition | None]


class AlreadyExists(ServiceError):
    code = "already_exists"

    def __init__(self):
        super().__init__("The customer exists already.")


class DoesNotExist(ServiceError):
    code = "does_not_exist"

    def __init__(self):
        super().__init__("There is no such customer yet.")


class SeveralCustomers(ServiceError):
    """More than one customer has the phone number. `ids`: two of them."""

    code = "several_customers"

    def __init__(self, ids: Sequence[int]):
        super().__init__(f"Several customers have this phone number, among them {ids[0]} and {ids[1]}.")
        self.ids = ids


class Busy(ServiceError):
    """Other requests changed the same customer all the time."""

    code = "busy"

    def __init__(self):
        super().__init__("Other requests are changing this customer. Try again.")


class _HasChanged(Exception):
    """The customer who was found has another email by now."""


class Upserted(NamedTuple):
    user_id: int
    is_new: bool


class Conditions(NamedTuple):
    """`only_create`: raises AlreadyExists if the customer exists. `only_update`: raises DoesNotExist if not."""

    only_create: bool
    only_update: bool
    precondition: PreconditionFor


class Outcome(NamedTuple):
    """What became of one customer of many: `user_id` is None where `error` is not."""

    user_id: int | None
    is_new: bool = False
    error: ServiceError | None = None


def get_or_create_user(*, by: Actor, id: int | None = None, email: str | None = None, **fields: Any) -> User:
    """Finds the customer with this id or email. Creates a lead with this email and `fields` if nobody has the email.

    Does not change a customer who exists. Raises ServiceError with the path ("id",) or ("email",), StaffFixed for a
    member of staff, and what `services.create_user` raises.
    """
    if id is None and email is None:
        raise validation.CustomerError("Enter an id or an email.", "email")
    while True:
        people = User.objects.filter(pk=id) if id is not None else User.objects.with_email(email or "")
        if user := people.first():
            if email is not None and user not in User.objects.with_email(email):
                raise validation.CustomerError("The customer with this id has another email.", "email")
            services.refuse_staff(user, by)
            return user
        if id is not None:
            raise validation.CustomerUnknown(id)
        with suppress(validation.EmailTaken):  # by somebody else at this moment
            return services.create_user(by=by, email=email, **fields)


def upsert_by_email(email: str, fields: Mapping[str, Any], *, by: Actor, conditions: Conditions) -> Upserted:
    """Updates the customer of this mailbox, or creates one. `fields` are those of `services.create_user`. An `email`
    among them is another spelling of the mailbox. Addresses count for a new customer only.

    Raises AlreadyExists, DoesNotExist, ServiceError, Busy, and what the precondition raises.
    """
    _check_spelling(email)
    spelling = fields.get("email")
    if spelling and email_key(spelling) != email_key(email):
        raise validation.CustomerError("This is not the email of the URL.", "email")
    for _ in range(MAX_ATTEMPTS):
        customers = User.objects.with_email(email)
        user_id = customers.values_list("pk", flat=True).first()
        if user_id is None:
            if conditions.only_update:
                raise DoesNotExist
            try:
                inserted = services.insert_user(by=by, **{**fields, "email": spelling or email})
            except validation.EmailTaken:
                continue
            return Upserted(inserted.person["id"], is_new=True)
        if conditions.only_create:
            raise AlreadyExists
        try:
            precondition = _still_found(customers, user_id, conditions.precondition)
            services.update_user(user_id, by=by, precondition=precondition, **_changes(fields))
        except (User.DoesNotExist, _HasChanged):
            continue
        return Upserted(user_id, is_new=False)
    raise Busy


@transaction.atomic
def upsert_by_phone(number: str, fields: Mapping[str, Any], *, by: Actor, conditions: Conditions) -> Upserted:
    """Updates the only customer with this phone number, or creates one, who needs an `email` among the fields.

    Two calls for one number never create two customers. Other ways to create customers don't look at phone numbers.
    Raises SeveralCustomers, AlreadyExists, DoesNotExist, ServiceError, and what the precondition raises.
    """
    number = clean_phone_number(number, None) or ""
    if not number:
        raise ServiceError("Enter a phone number.", "phone_number")
    if clean_phone_number(fields.get("phone_number", number) or "", None) != number:
        raise validation.CustomerError("This is not the phone number of the URL.", "phone_number")
    fields = {**fields, "phone_number": number}
    lock_until_commit(User, number)
    ids = list(User.objects.with_exact_phone_number(number).order_by("pk").values_list("pk", flat=True)[:2])
    if len(ids) > 1:
        raise SeveralCustomers(ids)
    if not ids:
        if conditions.only_update:
            raise DoesNotExist
        if not fields.get("email"):
            raise validation.CustomerError("A new customer needs an email.", "email")
        return Upserted(services.insert_user(by=by, **fields).person["id"], is_new=True)
    if conditions.only_create:
        raise AlreadyExists
    services.update_user(ids[0], by=by, precondition=conditions.precondition(ids[0]), **_changes(fields))
    return Upserted(ids[0], is_new=False)


def upsert_users(people: Sequence[Mapping[str, Any]], *, by: Actor) -> list[Outcome]:
    """Upserts each by its `email`, in a transaction for all who are new and one for all who exist. A person who is
    refused changes nothing for the others. The outcomes have the order of `people`.
    """
    outcomes: dict[int, Outcome] = {}
    waiting: dict[str, int] = {}
    for position, fields in enumerate(people):
        try:
            check_email(fields["email"])
            if waiting.setdefault(email_key(fields["email"]), position) != position:
                raise validation.CustomerError("This email comes twice in the request.", "email")
        except ServiceError as error:
            outcomes[position] = Outcome(None, error=error)
    # Always in the same order: two requests with the same customers never wait for each other.
    waiting = dict(sorted(waiting.items()))
    for _ in range(MAX_ATTEMPTS):
        done = _upsert_once({key: people[position] for key, position in waiting.items()}, by)
        outcomes |= {waiting.pop(key): outcome for key, outcome in done.items()}
        if not waiting:
            break
    outcomes |= {position: Outcome(None, error=Busy()) for position in waiting.values()}
    return [outcomes[position] for position in range(len(people))]


def _check_spelling(email: str) -> None:
    """An email of a URL has passed no field that would refuse `a b@example.com` or a NUL. Raises ServiceError."""
    try:
        validate_email(email)
    except ValidationError as error:
        raise validation.CustomerError(error.messages[0], "email") from None
    check_email(email)


def _upsert_once(people: Mapping[str, Mapping[str, Any]], by: Actor) -> dict[str, Outcome]:
    """`people` by the key of their email. Another request changed those who are missing in the result."""
    known = _ids_by_email_key(people)
    new = {key: fields for key, fields in people.items() if key not in known}
    return _update_many(known, people, by) | _create_many(new, by)


def _create_many(people: Mapping[str, Mapping[str, Any]], by: Actor) -> dict[str, Outcome]:
    outcomes: dict[str, Outcome] = {}
    prepared: dict[str, NewCustomer] = {}
    bound = definitions.bindings() if people else {}
    for key, fields in people.items():
        try:
            prepared[key] = services.prepare_user(fields.get("addresses", ()), _changes(fields), bound)
        except ServiceError as error:
            outcomes[key] = Outcome(None, error=error)
    taken = insertion.insert_users(list(prepared.values()), by) if prepared else set()
    created = {key for position, key in enumerate(prepared) if position not in taken}
    ids = _ids_by_email_key(created)
    return outcomes | {key: Outcome(ids[key], is_new=True) for key in created if key in ids}


def _update_many(known: Mapping[str, int], people: Mapping[str, Mapping[str, Any]], by: Actor) -> dict[str, Outcome]:
    outcomes: dict[str, Outcome] = {}

    def values(user: User) -> dict[str, Any]:
        key = user.email_key or ""
        if known.get(key) != user.pk:
            return {}
        outcomes[key] = Outcome(user.pk)
        try:
            return services.clean_changes(user, _changes(people[key]), by=by)
        except ServiceError as error:
            outcomes[key] = Outcome(None, error=error)
            return {}

    if known:
        services.change_users(known.values(), by=by, values=values)
    return outcomes


def _ids_by_email_key(keys: Iterable[str]) -> dict[str, int]:
    return dict(User.objects.filter(email_key__in=list(keys)).values_list("email_key", "pk"))


def _changes(fields: Mapping[str, Any]) -> dict[str, Any]:
    """What an update takes of the fields of a new customer."""
    return {name: value for name, value in fields.items() if name != "addresses"}


def _still_found(customers, user_id: int, precondition: PreconditionFor) -> services.Precondition:
    given = precondition(user_id)

    def check(user: User) -> None:
        if not customers.filter(pk=user_id).exists():
            raise _HasChanged
        if given:
            given(user)

    return check
