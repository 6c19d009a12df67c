"""The rows that belong to a customer, and what becomes of them when one customer is merged into another.

Each app registers its own rows in `AppConfig.ready`. A test compares them with the foreign keys to `User`.
"""

from collections.abc import Callable, Hashable, Iterator
from typing import Any

from django.contrib.admin.models import LogEntry
from django.db.models import Max, Model, QuerySet

from customers.core.stored_rows import row_as_json, row_from_json, stored_fields
from customers.limits import MAX_ADDRESSES
from customers.models import Address, Event, IdempotentAnswer, Note, User
from customers.services import DEFAULT_FLAGS, TIMESTAMP_FIELDS, TooManyAddresses
from oauth.accounts.models import Session, TwoFactor
from oauth.models import AccessToken, App, DeviceGrant, Grant, IDToken, RefreshToken
from oauth.text import fold

BATCH = 5_000  # ids in a statement

# What `take_back` needs to know, as JSON.
Passed = dict[str, Any]


class Rows:
    """The rows of a model that refer to a customer. A merge ends with the deletion of the other customer's row: the
    database refuses it while a row with a foreign key is left, so none is lost by mistake."""

    def __init__(self, model: Any, column: str = "user_id"):
        self.model, self.column = model, column

    @property
    def name(self) -> str:
        return f"{self.model._meta.label_lower}.{self.column}"

    @property
    def label(self) -> str:
        """What a preview calls these rows."""
        return str(self.model._meta.verbose_name_plural)

    def of(self, user_id: int) -> QuerySet:
        return self.model._base_manager.filter(**{self.column: user_id})

    def count(self, kept_id: int, other_id: int) -> int:
        """How many rows `pass_on` would move; 0 for rows that a preview does not show."""
        return 0

    def pass_on(self, kept_id: int, other_id: int) -> Passed:
        """What a merge does. Both customers are locked. Raises ServiceError."""
        return {}

    def take_back(self, kept_id: int, other_id: int, passed: Passed) -> None:
        """What the undoing of that merge does. Both customers exist and are locked."""


class StaffRows(Rows):
    """Rows that refer to members of staff, who are never merged."""


class DroppedRows(Rows):
    """Rows that are deleted with the other customer: sign-ins, and what is computed from the customer."""

    def pass_on(self, kept_id, other_id):
        self.of(other_id).delete()
        return {}


class MovedRows(Rows):
    """Rows that the kept customer gets.

    `twin_key`: rows of the two customers with the same key are one; that of the other customer is deleted.
    `label`: what a preview calls the rows; "" for rows that it leaves out.
    """

    def __init__(
        self,
        model: Any,
        column: str = "user_id",
        *,
        twin_key: Callable[[Any], Hashable] | None = None,
        label: str | None = None,
    ):
        super().__init__(model, column)
        self.twin_key, self._label = twin_key, label

    @property
    def label(self) -> str:
        return super().label if self._label is None else self._label

    def count(self, kept_id, other_id):
        if not self.label:
            return 0
        return self.of(other_id).count() - len(self.twins(kept_id, other_id))

    def twins(self, kept_id: int, other_id: int) -> list[Model]:
        """The rows of the other customer that the kept one has already, each row of the kept one counted once."""
        if self.twin_key is None:
            return []
        known = {self.twin_key(row) for row in self.of(kept_id)}
        return [row for row in self.of(other_id).order_by("pk") if self.twin_key(row) in known]

    def pass_on(self, kept_id, other_id):
        dropped = self.twins(kept_id, other_id)
        self.model._base_manager.filter(pk__in=[row.pk for row in dropped]).delete()
        moved = list(self.of(other_id).order_by("pk").values_list("pk", flat=True))
        self.of(other_id).update(**{self.column: kept_id})
        return {"moved": moved, "dropped": [row_as_json(row) for row in dropped]}

    def take_back(self, kept_id, other_id, passed):
        """Rows that were deleted, or moved to somebody else, since then stay so."""
        for start in range(0, len(passed["moved"]), BATCH):
            self.of(kept_id).filter(pk__in=passed["moved"][start : start + BATCH]).update(**{self.column: other_id})
        for row in self.restorable(passed["dropped"]):
            row.save(force_insert=True)

    def restorable(self, dropped: list[dict[str, Any]]) -> Iterator[Model]:
        """The dropped rows, without those that refer to an object that is gone."""
        targets = [field for field in self.model._meta.concrete_fields if field.is_relation]
        for values in dropped:
            row = row_from_json(self.model, values)
            if all(
                getattr(row, field.attname) is None
                or field.related_model._base_manager.filter(pk=getattr(row, field.attname)).exists()
                for field in targets
            ):
                yield row


class AddressRows(MovedRows):
    """Addresses that differ in their defaults and dates only are kept once. The kept customer's defaults stay."""

    def __init__(self) -> None:
        super().__init__(Address, twin_key=self.key)

    @staticmethod
    def key(address: Address) -> Hashable:
        skipped = {"id", "user_id", *DEFAULT_FLAGS, *TIMESTAMP_FIELDS}
        names = [field.attname for field in stored_fields(Address) if field.attname not in skipped]
        return tuple(fold(getattr(address, name)) for name in names)

    def pass_on(self, kept_id, other_id):
        if self.of(kept_id).count() + self.count(kept_id, other_id) > MAX_ADDRESSES:
            raise TooManyAddresses
        defaults = {}
        for flag in DEFAULT_FLAGS:
            flagged = self.of(other_id).filter(**{flag: True})
            defaults[flag] = flagged.values_list("pk", flat=True).first()
            if self.of(kept_id).filter(**{flag: True}).exists():
                flagged.update(**{flag: False})
        passed = super().pass_on(kept_id, other_id)
        # Twins are restored as they were, with the flags that were just removed.
        return {**passed, "defaults": defaults}

    def take_back(self, kept_id, other_id, passed):
        self.of(kept_id).filter(pk__in=passed["moved"]).update(**dict.fromkeys(DEFAULT_FLAGS, False))
        super().take_back(kept_id, other_id, passed)
        for flag, address_id in passed["defaults"].items():
            self.of(other_id).filter(pk=address_id).update(**{flag: True})
            for user_id in (kept_id, other_id):
                addresses = self.of(user_id)
                if not addresses.filter(**{flag: True}).exists():  # the newest one inherits, as after a deletion
                    newest = addresses.aggregate(newest=Max("pk"))["newest"]
                    addresses.filter(pk=newest).update(**{flag: True})


_rows: list[Rows] = [
    AddressRows(),
    MovedRows(Note),
    MovedRows(Event, label="timeline entries"),
    MovedRows(IdempotentAnswer, label=""),
    *(DroppedRows(model) for model in (Session, AccessToken, RefreshToken, IDToken, Grant, DeviceGrant)),
    *(StaffRows(model) for model in (App, LogEntry, TwoFactor, User.groups.through, User.user_permissions.through)),
    StaffRows(Note, "author_id"),
    StaffRows(Event, "actor_id"),
    StaffRows(User, "blocked_by_id"),
]


def register(*rows: Rows) -> None:
    """Called in `AppConfig.ready` by an app with rows of its own."""
    _rows.extend(rows)


def all_rows() -> list[Rows]:
    return _rows


# Why a person can't be merged, as a sentence; None if nothing speaks against it.
Refusal = Callable[[User], str | None]
_refusals: list[Refusal] = []


def register_refusal(refusal: Refusal) -> None:
    """Called in `AppConfig.ready` by an app that has to keep some customers as they are."""
    _refusals.append(refusal)


def reasons_against_merging(user: User) -> list[str]:
    return [reason for refusal in _refusals if (reason := refusal(user))]
