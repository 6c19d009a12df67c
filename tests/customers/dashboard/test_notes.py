"""Notes on the page of a customer."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from customers.limits import MAX_NOTE_LENGTH
from customers.models import Note
from oauth.models import App
from tests.support.dashboard import CUSTOMERS, browser_of, customer_url
from tests.support.factories import make_note, make_owner, make_user


def add_url(customer) -> str:
    return f"{CUSTOMERS}{customer.pk}/notes/add/"


def edit_url(note) -> str:
    return f"{CUSTOMERS}{note.user_id}/notes/{note.pk}/"


def written(note, ago: timedelta) -> None:
    Note.objects.filter(pk=note.pk).update(created_at=timezone.now() - ago)


@pytest.fixture
def note(ada, owner):
    return make_note(ada, author=owner, message="Asked for a call back.")


class TestAdd:
    def test_add_note_records_its_author(self, dashboard_client, owner, ada):
        response = dashboard_client.post(add_url(ada), {"message": "Prefers mornings."})

        assert response.headers["Location"] == f"{customer_url(ada)}#timeline"
        note = Note.objects.get()
        assert (note.user_id, note.author, note.app, note.message) == (ada.pk, owner, None, "Prefers mornings.")
        assert "Prefers mornings." in dashboard_client.get(customer_url(ada)).content.decode()

    @pytest.mark.parametrize(
        ("message", "error"),
        [("", "required"), (" \n ", "required"), ("x" * (MAX_NOTE_LENGTH + 1), "at most 10000"), ("a\0b", "Null")],
        ids=["empty", "blank", "too long", "NUL"],
    )
    def test_add_note_rejects_invalid_message(self, dashboard_client, ada, message, error):
        page = dashboard_client.post(add_url(ada), {"message": message})

        assert page.status_code == 200
        assert error in page.content.decode()
        assert not Note.objects.exists()

    def test_add_note_needs_a_csrf_token(self, owner, ada):
        browser = Client(enforce_csrf_checks=True)
        browser.force_login(owner)

        assert browser.post(add_url(ada), {"message": "Hello"}).status_code == 403
        assert not Note.objects.exists()

    def test_add_note_to_staff_is_404(self, dashboard_client, owner):
        assert dashboard_client.post(add_url(owner), {"message": "Hello"}).status_code == 404

    def test_note_is_escaped(self, dashboard_client, ada):
        dashboard_client.post(add_url(ada), {"message": "<script>alert(1)</script>"})

        assert "<script>alert" not in dashboard_client.get(customer_url(ada)).content.decode()


class TestEdit:
    def test_edit_note_by_its_author(self, dashboard_client, note):
        assert edit_url(note) in dashboard_client.get(customer_url(note.user)).content.decode()
        assert "Asked for a call back." in dashboard_client.get(edit_url(note)).content.decode()

        response = dashboard_client.post(edit_url(note), {"message": "Was called back."})

        assert response.headers["Location"] == f"{customer_url(note.user)}#timeline"
        former = note.updated_at
        note.refresh_from_db()
        assert note.message == "Was called back."
        assert note.updated_at > former

    def test_edit_note_that_its_author_wrote_through_an_app(self, dashboard_client, owner, ada, api):
        api()
        note = make_note(ada, author=owner, app_id=App.objects.get().pk)

        assert dashboard_client.post(edit_url(note), {"message": "Was called back."}).status_code == 302

    def test_edit_note_of_another_author_is_refused(self, note):
        other = browser_of(make_owner())

        assert edit_url(note) not in other.get(customer_url(note.user)).content.decode()
        assert other.get(edit_url(note)).status_code == 403
        assert other.post(edit_url(note), {"message": "Mine"}).status_code == 403
        note.refresh_from_db()
        assert note.message == "Asked for a call back."

    def test_edit_note_is_refused_after_five_minutes(self, dashboard_client, note):
        written(note, ago=timedelta(minutes=5))

        assert edit_url(note) not in dashboard_client.get(customer_url(note.user)).content.decode()
        assert dashboard_client.get(edit_url(note)).status_code == 403
        assert dashboard_client.post(edit_url(note), {"message": "Later"}).status_code == 403
        note.refresh_from_db()
        assert note.message == "Asked for a call back."

    def test_edit_note_too_late_shows_the_typed_text_again(self, dashboard_client, note):
        written(note, ago=timedelta(minutes=6))

        page = dashboard_client.post(edit_url(note), {"message": "What took so long to write"}).content.decode()

        assert "What took so long to write" in page
        assert "for five minutes" in page

    def test_edit_note_is_allowed_within_five_minutes(self, dashboard_client, note):
        written(note, ago=timedelta(minutes=4))

        assert dashboard_client.post(edit_url(note), {"message": "In time"}).status_code == 302

    @pytest.mark.parametrize("message", ["", "x" * (MAX_NOTE_LENGTH + 1)], ids=["empty", "too long"])
    def test_edit_note_rejects_invalid_message(self, dashboard_client, note, message):
        assert dashboard_client.post(edit_url(note), {"message": message}).status_code == 200
        note.refresh_from_db()
        assert note.message == "Asked for a call back."

    def test_edit_note_of_another_customer_is_404(self, dashboard_client, note):
        elsewhere = edit_url(note).replace(f"/{note.user_id}/", f"/{make_user().pk}/", 1)

        assert dashboard_client.get(elsewhere).status_code == 404
        assert dashboard_client.post(elsewhere, {"message": "Hello"}).status_code == 404


class TestRoles:
    def test_staff_write_notes(self, as_role, ada):
        assert as_role("Staff").post(add_url(ada), {"message": "Hello"}).status_code == 302

    def test_viewer_reads_notes_but_cannot_write(self, as_role, note):
        viewer = as_role("Viewer")

        page = viewer.get(customer_url(note.user)).content.decode()
        assert "Asked for a call back." in page
        assert add_url(note.user) not in page
        for url in (add_url(note.user), edit_url(note)):
            assert viewer.get(url).status_code == 403
            assert viewer.post(url, {"message": "Hello"}).status_code == 403
        assert Note.objects.get().message == "Asked for a call back."
