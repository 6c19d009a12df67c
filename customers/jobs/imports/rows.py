"""Turns a row of a file into a customer: by the rules of the API, and with the spellings that are usual in files.

An empty cell means that the value is not given.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from customers import services
from customers.insertion import NewCustomer
from customers.jobs.imports import values
from customers.jobs.imports.columns import ADDRESSES, METADATA, MORE_ADDRESSES, PLACE
from customers.jobs.imports.plain_rows import plain_customer
from customers.jobs.imports.values import Rules
from customers.limits import MAX_ERRORS
from oauth.email_addresses import email_key
from oauth.errors import ServiceError

ANY_COUNTRY = "US"  # stands for a country that is wrong, while further errors are looked for


class InvalidRow(Exception):
    """`errors`: all that is wrong. The path of each begins with a field (see `columns`)."""

    def __init__(self, errors: list[ServiceError]):
        super().__init__("; ".join(str(error) for error in errors))
        self.errors = errors


@dataclass(slots=True)
class ParsedCustomer:
    """A valid new customer, and warnings about values that were left out."""

    customer: NewCustomer
    warnings: list[ServiceError]

    @property
    def email_key(self) -> str:
        """Equal for all spellings of one mailbox."""
        return email_key(self.person["email"])

    @property
    def person(self) -> dict[str, Any]:
        return self.customer.person


def parse_row(row: Mapping[str, Any], rules: Rules) -> ParsedCustomer:
    """`row`: values by field (see `columns`), as text or as JSON has them. Raises InvalidRow."""
    if customer := plain_customer(row, rules):
        return ParsedCustomer(customer, [])
    return parse_any_row(row, rules)


def parse_any_row(row: Mapping[str, Any], rules: Rules) -> ParsedCustomer:
    """What `parse_row` does, by all rules."""
    draft = _Draft(rules)
    person, first, known = draft.person, draft.first, values.FIELDS
    for field, value in row.items():
        if not value and (value is None or value == ""):
            continue
        try:
            if field in known:
                is_of_address, name, convert = known[field]
                (first if is_of_address else person)[name] = convert(value)
            else:
                draft.set(field, value)
        except values.UnknownLanguage as error:
            draft.warnings.append(error.within(field))
        except ServiceError as error:
            draft.errors.append(error.within(field))
    draft.warnings += values.surprises(person)
    return draft.finish()


class _Draft:
    """A customer of which some fields are set. It collects all errors."""

    def __init__(self, rules: Rules):
        self.rules = rules
        self.person: dict[str, Any] = {}
        self.first: dict[str, Any] = {}
        self.book: list[dict[str, Any]] = []
        self.origins: list[tuple[str | int, ...]] = []  # where each address of the book comes from
        self.metadata: dict[str, Any] = {}
        self.errors: list[ServiceError] = []
        self.warnings: list[ServiceError] = []

    def set(self, field: str, value: Any) -> None:
        """Sets a field that takes more than a converter. Raises ServiceError without the field in its path."""
        if field.startswith(METADATA):
            key = field[len(METADATA) :]
            if key in self.rules.bound:
                value = values.to_defined(value, self.rules.bound[key]["type"])
            self.metadata[key] = value
        elif field == "date_joined":
            self.person[field] = values.to_date_joined(value, self.rules.date_order)
        elif field in (ADDRESSES, MORE_ADDRESSES):
            for position, each in enumerate(values.to_list(value)):
                address, errors = values.to_address(each)
                self.book.append(address)
                self.origins.append((field, position))
                self.errors += [error.within(field, position) for error in errors]

    def finish(self) -> ParsedCustomer:
        """Raises InvalidRow."""
        if not self.person.get("email"):
            self._require("email")
        if self.metadata:
            self.person["metadata"] = self._merged_metadata()
        if any(self.first.get(name) for name in PLACE):
            if self.rules.country:
                self.first.setdefault("country", self.rules.country)
            for name in values.REQUIRED:
                if not self.first.get(name):
                    self._require(f"address_{name}")
            self.book.insert(0, self.first)
            self.origins.insert(0, ())
        if not self.errors:
            try:
                return ParsedCustomer(services.prepare_user(self.book, self.person, self.rules.bound), self.warnings)
            except ServiceError:
                pass
        self._find_further_errors()
        raise InvalidRow(self.errors[:MAX_ERRORS])

    def _merged_metadata(self) -> dict[str, Any]:
        """A column of its own is text, so it gives way to the typed value of the column `metadata`. Where a definition
        gives its type, it comes first, because somebody may have edited it."""
        typed = self.person.get("metadata") or {}
        if not typed:
            return dict(self.metadata)
        defined = {key: value for key, value in self.metadata.items() if key in self.rules.bound}
        return {**self.metadata, **typed, **defined}

    def _require(self, field: str) -> None:
        if all(error.path[:1] != (field,) for error in self.errors):
            self.errors.append(ServiceError("This field is required.", field))

    def _find_further_errors(self) -> None:
        """A service raises the first error only. So it is called again without the wrong value, up to MAX_ERRORS."""
        for address in self.book:
            if "country" not in address:
                address["country"] = ANY_COUNTRY
                self._forget_phone_numbers()
        while len(self.errors) < MAX_ERRORS:
            try:
                services.prepare_user(self.book, self.person, self.rules.bound)
                return
            except ServiceError as error:
                path, error.path = error.path, self._column_path(error.path)
                self.errors.append(error)
                if not self._forget(path):
                    return

    def _column_path(self, path: tuple[str | int, ...]) -> tuple[str | int, ...]:
        """From the path of a service to one that begins with a field of the file."""
        match path:
            case ("addresses", int(position), *rest) if origin := self.origins[position]:
                return (*origin, *rest)
            case ("addresses", _, name, *rest):
                return (f"address_{name}", *rest)
            case ("metadata", str(key), *rest) if key in self.metadata:
                return (f"{METADATA}{key}", *rest)
        return path

    def _forget(self, path: tuple[str | int, ...]) -> bool:
        """Removes a value; False if there is none at the path."""
        match path:
            case ("addresses", int(position), "country", *_):
                self.book[position]["country"] = ANY_COUNTRY
                self._forget_phone_numbers()
                return True
            case ("addresses", int(position), str(name), *_):
                return self.book[position].pop(name, None) is not None
            case ("metadata", str(key), *_):
                return (self.person.get("metadata") or {}).pop(key, None) is not None
            case (str(name), *_):
                return self.person.pop(name, None) is not None
        return False

    def _forget_phone_numbers(self) -> None:
        """Whether a local one is valid depends on the country."""
        for fields in (self.person, *self.book):
            fields.pop("phone_number", None)
