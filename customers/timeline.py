"""The timeline of a customer: events, notes and what other apps register, as one list, newest first."""

import json
import re
from collections.abc import Collection, Container, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson
from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.utils.text import capfirst
from django_countries import countries

from customers.core.retention import delete_in_batches, end_if_any
from customers.models import Event, Language, Note, User
from oauth.models import App

PAGE_SIZE = 50
LABELS = {
    "line1": "Street and number",
    "line4": "City",
    "ip": "IP address",
    "user_type": "Type",
    "block_reason": "Reason",
    "consent_ip": "IP address of the consent",
    "consent_text": "Version of the consent text",
}
# Of the codes that a field has.
NAMES: dict[str, dict[str, str]] = {"language": dict(Language.choices), "country": dict(countries)}
POSITION = re.compile(r"([-+:.0-9TZ]{1,40})_([0-9])_([0-9]{1,18})")


@dataclass(frozen=True, slots=True)
class Source:
    """A table of entries. `rows` have a `user`; `at` is the column with the time of an entry."""

    kind: str
    at: str
    rows: QuerySet


SOURCES = [
    Source("event", "at", Event.objects.select_related("actor", "app")),
    Source("note", "created_at", Note.objects.select_related("author", "app")),
]


def register_source(source: Source) -> None:
    """Called in `AppConfig.ready` by an app with entries of its own. Positions contain the number of the call."""
    SOURCES.append(source)


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """The position of an entry. `rank` (the position of its source in SOURCES) and `id` order entries of the same time,
    so that no entry is missing or repeated where one page ends."""

    at: datetime
    rank: int
    id: int

    def __str__(self):
        return f"{self.at.astimezone(UTC).isoformat().replace('+00:00', 'Z')}_{self.rank}_{self.id}"

    @classmethod
    def read(cls, text: str) -> "Position | None":
        """None if the text is not a position."""
        found = POSITION.fullmatch(text)
        try:
            at = datetime.fromisoformat(found[1]) if found else None
        except ValueError:
            return None
        return cls(at, int(found[2]), int(found[3])) if found and at and at.tzinfo == UTC else None


@dataclass(frozen=True, slots=True)
class Change:
    """A changed field, as texts; empty if there is no value."""

    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Entry:
    position: Position
    kind: str
    row: Any

    @property
    def at(self) -> datetime:
        return self.position.at

    @property
    def who(self) -> User | None:
        """None: the system or, for orders and subscriptions, the order system."""
        if self.kind == "event":
            return self.row.actor
        return self.row.author if self.kind == "note" else None

    @property
    def app(self) -> App | None:
        """None: the dashboard, or unknown."""
        return self.row.app if self.kind in ("event", "note") else None

    @property
    def title(self) -> str:
        return self.row.get_kind_display().capitalize() if self.kind == "event" else self.kind.capitalize()

    @property
    def changes(self) -> list[Change]:
        """The fields that an event changed, without ids and without fields that are empty before and after."""
        fields = self.row.changes.items() if self.kind == "event" else ()
        changes = [change for name, pair in fields if name != "id" for change in _changes(name, pair)]
        return [change for change in changes if change.before or change.after]


@dataclass(frozen=True, slots=True)
class Page:
    """`older`: the value of `before` for the next page; empty on the last one."""

    entries: list[Entry]
    older: str


def read(user_id: int, *, before: str = "", without: Container[str] = ()) -> Page:
    """The 50 newest entries, or the 50 that follow a page with `older`. One query for each source.

    `without`: kinds of sources to leave out.
    """
    end = Position.read(before)
    entries = []
    for rank, source in enumerate(SOURCES):
        if source.kind not in without:
            rows = source.rows.filter(user_id=user_id).order_by(f"-{source.at}", "-id")
            rows = _preceding(end, rank, source.at, rows) if end else rows
            entries += [
                Entry(Position(getattr(row, source.at), rank, row.pk), source.kind, row)
                for row in rows[: PAGE_SIZE + 1]
            ]
    entries.sort(key=lambda entry: entry.position, reverse=True)
    shown = entries[:PAGE_SIZE]
    return Page(shown, older=str(shown[-1].position) if len(entries) > PAGE_SIZE else "")


class Consent(NamedTuple):
    """The evidence of the last change of a marketing consent. `who` and `app`: names, empty if the system did it."""

    given: bool
    at: datetime
    who: str
    app: str
    ip: str | None
    text: str


def consents(user_ids: Collection[int], of: Q | None = None) -> dict[int, Consent]:
    """By the id of the customer, for those whose consent was ever given or withdrawn. One query. `of`: a condition that
    finds their events, and maybe those of others, faster than their ids do.

    A merge brings the entries of another customer. An entry with another value than the customer has now is no
    evidence, and is left out.
    """
    events = Event.objects.filter(of or Q(user__in=user_ids), changes__has_key="accepts_marketing").order_by("at", "id")
    # JSON as text: Django reads it four times as slowly as `orjson`.
    events = events.annotate(text=Cast("changes", TextField()))
    rows = events.values_list("user_id", "user__accepts_marketing", "text", "at", "actor__email", "app__name")
    return {
        user_id: Consent(
            given=changes["accepts_marketing"][1],
            at=at,
            who=who or "",
            app=app or "",
            ip=changes.get("consent_ip", (None, None))[1],
            text=changes.get("consent_text", ("", ""))[1],
        )
        for user_id, present, text, at, who, app in rows  # a later one replaces an earlier one
        if user_id in user_ids and (changes := orjson.loads(text))["accepts_marketing"][1] == present
    }


def _preceding(end: Position, rank: int, at: str, rows: QuerySet) -> QuerySet:
    if rank > end.rank:
        return rows.filter(**{f"{at}__lt": end.at})
    rows = rows.filter(**{f"{at}__lte": end.at})
    return rows.exclude(**{at: end.at, "id__gte": end.id}) if rank == end.rank else rows


def _changes(name: str, pair: Any) -> list[Change]:
    """One for each key of the metadata that was changed."""
    before, after = pair if isinstance(pair, list) and len(pair) == 2 else (None, pair)
    if name != "metadata" or not isinstance(before or {}, dict) or not isinstance(after or {}, dict):
        return [_change(name, before, after)]
    former, latter = before or {}, after or {}
    keys = [key for key in {**former, **latter} if former.get(key) != latter.get(key)]
    return [_change(key, former.get(key), latter.get(key)) for key in keys]


def _change(name: str, before: Any, after: Any) -> Change:
    label = LABELS.get(name) or capfirst(name.replace("_", " "))
    if isinstance(before, bool) and isinstance(after, bool):
        return Change(label, _yes_or_no(before), _yes_or_no(after))
    if name in NAMES:
        before, after = (NAMES[name].get(str(code), code) for code in (before, after))
    return Change(label, _text(before), _text(after))


def _yes_or_no(flag: bool) -> str:
    return "yes" if flag else "no"


def _text(value: Any) -> str:
    """Empty for empty values, and for a flag that is off, as on an object that does not exist yet or any more."""
    if isinstance(value, bool):
        return "yes" if value else ""
    if value is None or isinstance(value, list):
        return ", ".join(map(str, value or []))
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)


def delete_old() -> Iterator[int]:
    """Deletes old events; notes stay. Erasures stay, for restored backups and merges, and so does what proves consent.
    Yields the numbers of deleted rows."""
    if before := end_if_any("timeline"):
        old = Event.objects.filter(at__lt=before).exclude(kind=Event.Kind.ERASED)
        yield from delete_in_batches(old.exclude(changes__has_key="accepts_marketing"))
