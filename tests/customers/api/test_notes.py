import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from customers.models import Note
from oauth.models import App
from tests.support.clients import notes_url
from tests.support.factories import make_note, make_user


class TestListNotes:
    def test_list_notes_newest_first(self, admin_client, owner, ada):
        first, second = (make_note(ada, author=owner, message=text) for text in ("first", "second"))
        make_note(make_user(), author=owner)

        page = admin_client.get(notes_url(ada)).json()

        assert set(page) == {"next", "previous", "results"}
        assert [each["id"] for each in page["results"]] == [second.pk, first.pk]

    def test_list_notes_shows_author_and_empty_app_of_a_dashboard_note(self, admin_client, owner, ada):
        make_note(ada, author=owner)

        (note,) = admin_client.get(notes_url(ada)).json()["results"]

        assert note["app"] == {}
        assert note["author"] == {
            "id": owner.pk,
            "email": "owner@store.example",
            "first_name": "Olive",
            "last_name": "Owner",
        }

    def test_list_notes_reads_no_password_and_takes_as_many_statements_for_two_notes(self, admin_client, owner, ada):
        make_note(ada, author=owner)
        admin_client.get(notes_url(ada))
        with CaptureQueriesContext(connection) as of_one:
            admin_client.get(notes_url(ada))
        make_note(ada, author=owner, app_id=App.objects.first().pk)

        with CaptureQueriesContext(connection) as of_two:
            admin_client.get(notes_url(ada))

        assert len(of_two) == len(of_one)
        assert not any("password" in query["sql"] for query in of_two.captured_queries)

    def test_list_notes_pages_over_notes_with_equal_times(self, admin_client, owner, ada):
        for number in range(5):
            make_note(ada, author=owner, message=str(number))
        Note.objects.update(created_at="2026-01-01T00:00:00Z")

        first = admin_client.get(notes_url(ada), {"page_size": 2}).json()
        second = admin_client.get(first["next"]).json()
        third = admin_client.get(second["next"]).json()

        assert [[each["message"] for each in page["results"]] for page in (first, second, third)] == [
            ["4", "3"],
            ["2", "1"],
            ["0"],
        ]
        assert third["next"] is None
        assert admin_client.get(third["previous"]).json()["results"] == second["results"]

    def test_list_notes_of_a_user_without_notes_is_empty(self, admin_client, ada):
        assert admin_client.get(notes_url(ada)).json() == {"next": None, "previous": None, "results": []}

    def test_list_notes_takes_two_queries(self, admin_client, owner, ada, django_assert_num_queries):
        for _ in range(3):
            make_note(ada, author=owner)

        with django_assert_num_queries(2):  # token, notes with app and author
            admin_client.get(notes_url(ada))


class TestCreateNote:
    def test_create_note_returns_200_with_app_and_author(self, admin_client, owner, ada):
        response = admin_client.post(notes_url(ada), {"message": "Called: interested 📞\nCall again."})

        assert response.status_code == 200
        note = response.json()
        app = App.objects.get()
        assert note["message"] == "Called: interested 📞\nCall again."
        assert note["app"] == {"name": app.name, "client_id": app.client_id}
        assert note["author"] == {
            "id": owner.pk,
            "email": "owner@store.example",
            "first_name": "Olive",
            "last_name": "Owner",
        }
        assert set(note) == {"id", "message", "app", "author", "created_at", "updated_at"}
        assert admin_client.get(notes_url(ada)).json()["results"] == [note]

    @pytest.mark.parametrize(
        "body", [{}, {"message": None}, {"message": ""}, {"message": "  "}, {"message": []}, {"message": "\0"}]
    )
    def test_create_note_rejects_missing_message(self, admin_client, ada, body):
        response = admin_client.post(notes_url(ada), body)

        assert response.status_code == 400
        assert list(response.json()) == ["message"]
        assert not Note.objects.exists()

    def test_create_note_ignores_author_and_app_of_the_body(self, admin_client, owner, ada):
        body = {
            "message": "x",
            "author": {"id": ada.pk},
            "author_id": ada.pk,
            "app": {"name": "Other"},
            "user": owner.pk,
        }

        note = admin_client.post(notes_url(ada), body).json()

        assert note["author"]["id"] == owner.pk
        assert note["app"]["name"] == App.objects.get().name
        assert Note.objects.get().user == ada

    def test_create_note_takes_four_queries(self, admin_client, ada, django_assert_num_queries):
        with django_assert_num_queries(4):  # token, user, insert, note with app and author
            admin_client.post(notes_url(ada), {"message": "x"})
