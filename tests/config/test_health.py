import pytest
from django.db import OperationalError, connection


class TestLive:
    def test_healthz_answers_without_a_database(self, client):
        """Without the mark, a test that touches the database fails."""
        response = client.get("/healthz")

        assert (response.status_code, response.json()) == (200, {"status": "ok"})


class TestReady:
    @pytest.mark.django_db
    def test_readyz_is_200_if_the_database_answers(self, client):
        response = client.get("/readyz")

        assert (response.status_code, response.json()) == (200, {"status": "ok"})

    @pytest.mark.django_db
    def test_readyz_is_503_if_the_database_does_not_answer(self, client):
        def away(execute, *args):
            raise OperationalError("connection refused")

        with connection.execute_wrapper(away):
            response = client.get("/readyz")

        assert (response.status_code, response.json()) == (503, {"status": "the database is away"})


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
@pytest.mark.django_db
class TestBoth:
    def test_health_checks_answer_plain_http(self, client, settings, path):
        settings.SECURE_SSL_REDIRECT = True

        assert client.get(path).status_code == 200
        assert client.get("/api/admin/users/").status_code == 301


class TestHost:
    @pytest.mark.django_db
    @pytest.mark.parametrize("path", ["/healthz", "/readyz"])
    def test_health_checks_answer_any_host(self, client, path):
        assert client.get(path, headers={"Host": "10.1.2.3"}).status_code == 200
