"""The one door to the timeline and to the outbox of webhooks."""

import pytest

from customers import history
from customers.core.postgres import MIN_ROWS_FOR_COPY
from customers.models import Event
from customers.webhooks import outbox
from oauth.actor import SYSTEM, Actor
from tests.support.factories import make_owner, make_user

pytestmark = pytest.mark.django_db


class Recorder:
    """An outbox that remembers the events."""

    def __init__(self):
        self.events: list[Event] = []

    def enqueue(self, events):
        self.events += events

    def enqueue_sql(self, people, kinds):
        return outbox.enqueue_sql(people, kinds)  # statements are cached: this one outlives the test


@pytest.fixture
def recorder(monkeypatch) -> Recorder:
    recorder = Recorder()
    monkeypatch.setattr(history, "_outbox", recorder)
    return recorder


def kinds(user) -> list[str]:
    return list(user.events.order_by("id").values_list("kind", flat=True))


def test_webhooks_register_their_outbox():
    assert history._outbox is outbox


def test_record_saves_events_and_passes_them_to_the_outbox(recorder):
    ada, owner = make_user(), make_owner()
    event = history.event(ada.pk, Event.Kind.BLOCKED, Actor(user_id=owner.pk, app_id=7), {"is_blocked": [False, True]})

    history.record([event])

    saved = ada.events.get(kind=Event.Kind.BLOCKED)
    assert (saved.actor, saved.app_id, saved.changes) == (owner, 7, {"is_blocked": [False, True]})
    assert recorder.events[-1:] == [event]


def test_record_without_webhooks_saves_events_only(recorder):
    ada = make_user()
    recorder.events.clear()

    history.record([history.event(ada.pk, Event.Kind.CHANGED, SYSTEM)], notify_webhooks=False)

    assert kinds(ada) == ["created", "changed"]
    assert recorder.events == []


def test_record_works_without_an_outbox(monkeypatch):
    ada = make_user()
    monkeypatch.setattr(history, "_outbox", None)

    history.record(iter([history.event(ada.pk, Event.Kind.CHANGED, SYSTEM)]))

    assert "changed" in kinds(ada)


def test_record_saves_many_events_with_their_changes(recorder):
    ada = make_user()
    changes = [{"tags": [[], [f"é\t{number}", "\\N"]]} for number in range(MIN_ROWS_FOR_COPY)]

    history.record(history.event(ada.pk, Event.Kind.CHANGED, SYSTEM, each) for each in changes)

    saved = ada.events.filter(kind=Event.Kind.CHANGED).order_by("id")
    assert list(saved.values_list("changes", flat=True)) == changes
    assert len(recorder.events) >= len(changes)
