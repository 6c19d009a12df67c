"""The plan of a merge: the values of the kept customer after it, and the rows that move. Nothing here writes."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from customers import ownership, validation
from customers.changes import COUNTER_FIELDS, NOT_BLOCKED
from customers.core.json_values import is_same_json
from customers.models import User, UserType
from customers.orders.services import MAX_AMOUNT
from oauth.errors import ServiceError

KEPT, OTHER = "kept", "other"
METADATA = "metadata."  # before the key of metadata, in the name of a choice

# Each choice, and the columns that it decides together.
CHOICES: dict[str, tuple[str, ...]] = {
    "email": ("email",),
    "first_name": ("first_name",),
    "last_name": ("last_name",),
    "phone_number": ("phone_number",),
    "language": ("language",),
    "accepts_marketing": ("accepts_marketing",),
    "is_blocked": ("is_blocked", *NOT_BLOCKED),
    "ip": ("ip", "user_agent"),
}
# “No consent” counts as a value, and “not blocked” counts as empty. So a merge adds no consent, and ends no block.
EMPTY: dict[str, tuple[Any, ...]] = {"accepts_marketing": (None,), "is_blocked": (None, False)}
EMPTY_BY_DEFAULT = (None, "")
UNITED = ("tags", "metadata")
SUMMED = COUNTER_FIELDS
# Columns of the kept customer that a merge leaves alone. `updated_at` moves with any change.
UNCHANGED = ("id", "password", "last_login", "is_superuser", "date_joined", "updated_at", "is_active", "erased_at")


class UnknownChoice(ServiceError):
    code = "unknown"

    def __init__(self, name: str):
        super().__init__(f"Choose “{KEPT}” or “{OTHER}”, for a field that both customers have.", "choices", name)


@dataclass(frozen=True, slots=True)
class Decision:
    """A value of both customers, and which one wins."""

    name: str
    kept: Any
    other: Any
    choice: str

    @property
    def result(self) -> Any:
        return self.kept if self.choice == KEPT else self.other

    @property
    def is_conflict(self) -> bool:
        """Whether both have a value, and not the same."""
        return self.kept != self.other and not is_empty(self.name, self.kept) and not is_empty(self.name, self.other)


def is_empty(name: str, value: Any) -> bool:
    return value in EMPTY.get(name, EMPTY_BY_DEFAULT)


class Plan:
    """The merge of two customers.

    Raises UnknownChoice, and ServiceError for more tags or metadata than one customer can have.
    """

    def __init__(self, kept: User, other: User, choices: Mapping[str, str] | None = None):
        self.kept, self.other = kept, other
        self.choices = dict(choices or {})
        self.field_decisions = [self._decide(name) for name in CHOICES]
        self.metadata_decisions = self._decide_metadata()
        self.decisions = [*self.field_decisions, *self.metadata_decisions]
        names = {decision.name for decision in self.decisions}
        for name, choice in self.choices.items():
            if name not in names or choice not in (KEPT, OTHER):
                raise UnknownChoice(name)
        self.values = self._values()

    def _decide(self, name: str) -> Decision:
        kept, other = getattr(self.kept, name), getattr(self.other, name)
        default = OTHER if is_empty(name, kept) and not is_empty(name, other) else KEPT
        return Decision(name, kept, other, self.choices.get(name, default))

    def _decide_metadata(self) -> list[Decision]:
        """The keys that both customers have, with different values."""
        kept, other = self.kept.metadata or {}, self.other.metadata or {}
        return [
            Decision(METADATA + key, kept[key], other[key], self.choices.get(METADATA + key, KEPT))
            for key in kept
            if key in other and not is_same_json(kept[key], other[key])
        ]

    def _values(self) -> dict[str, Any]:
        """The columns of the kept customer after the merge, as far as a merge decides them."""
        values: dict[str, Any] = {}
        for decision in self.field_decisions:
            winner = self.kept if decision.choice == KEPT else self.other
            values |= {column: getattr(winner, column) for column in CHOICES[decision.name]}
        values["tags"] = validation.clean_tags([*self.kept.tags, *self.other.tags])
        values["metadata"] = self._metadata()
        for name in SUMMED:
            total = getattr(self.kept, name) + getattr(self.other, name)
            values[name] = min(total, MAX_AMOUNT) if name == "total_spent" else total
        is_customer = UserType.CUSTOMER in (self.kept.user_type, self.other.user_type)
        values["user_type"] = UserType.CUSTOMER if is_customer else self.kept.user_type
        return values

    def _metadata(self) -> dict[str, Any] | None:
        if self.kept.metadata is None:
            return self.other.metadata
        chosen = {decision.name.removeprefix(METADATA): decision.result for decision in self.metadata_decisions}
        return validation.clean_metadata({**(self.other.metadata or {}), **self.kept.metadata, **chosen})

    @cached_property
    def moved(self) -> dict[str, int]:
        """How many rows of which kinds the kept customer gets, by the plural name of the kind."""
        counts: dict[str, int] = {}
        for rows in ownership.all_rows():
            if number := rows.count(self.kept.pk, self.other.pk):
                counts[rows.label] = number
        return counts

    @cached_property
    def addresses_in_common(self) -> int:
        """How many addresses of the other customer the kept one has already."""
        return len(ownership.AddressRows().twins(self.kept.pk, self.other.pk))
