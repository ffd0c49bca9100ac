import psycopg
import pytest
from django.db import OperationalError, connection
from django.http import HttpResponse
from django.test import Client, RequestFactory

from config.middleware import WholeAnswers
from lists.models import List, User

FACTORY = RequestFactory()


@pytest.mark.django_db
class TestPublicAnswers:
    def test_they_tell_their_length(self, public_client: Client, optout_list: List) -> None:
        response = public_client.get(f"/u/{optout_list.public_id}")

        assert response.headers["Content-Length"] == str(len(response.content))

    def test_they_bring_no_cookie_and_read_no_session(
        self, public_client: Client, optout_list: List, django_assert_num_queries
    ) -> None:
        public_client.cookies["sessionid"] = "made-up"

        with django_assert_num_queries(1):  # the list itself
            response = public_client.get(f"/u/{optout_list.public_id}")

        assert not response.cookies


@pytest.mark.django_db
class TestPortalAnswers:
    def test_no_cache_keeps_them(self, client: Client, bob: User) -> None:
        client.force_login(bob)

        assert client.get("/manage/").headers["Cache-Control"] == "no-store"
        assert "no-store" in Client().get("/manage/account/login/").headers["Cache-Control"]


@pytest.mark.django_db(transaction=True)
class TestOutage:
    """An outage is a 503 that says what to do: never a 500, never a false success."""

    @pytest.mark.parametrize(
        ("accept", "kind"), [("text/html", "text/html"), ("*/*", "text/plain")]
    )
    def test_people_and_programs_are_told(self, accept: str, kind: str) -> None:
        request = FACTORY.post("/o/token", headers={"accept": accept})

        response = WholeAnswers(lambda _: HttpResponse()).process_exception(
            request, OperationalError()
        )

        assert response is not None
        assert response.status_code == 503
        assert response.headers["Content-Type"].startswith(kind)
        assert response.headers["Retry-After"]
        assert b"save your request" in response.content

    def test_other_errors_are_not_hidden(self) -> None:
        request = FACTORY.get("/")

        assert (
            WholeAnswers(lambda _: HttpResponse()).process_exception(request, ValueError()) is None
        )


@pytest.mark.django_db(transaction=True)
class TestRecipientsFirst:
    """The short way answers as the long one would."""

    def test_an_outage_on_it_is_a_503_too(self, public_client: Client, optout_list: List) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = '100ms'")
        with psycopg.connect(connection.connection.info.dsn) as other:
            other.execute("LOCK TABLE lists_list IN ACCESS EXCLUSIVE MODE")
            response = public_client.get(f"/u/{optout_list.public_id}")

        assert response.status_code == 503
        assert response.headers["Retry-After"]
        with connection.cursor() as cursor:
            cursor.execute("RESET statement_timeout")

    def test_security_headers_are_there(self, public_client: Client, optout_list: List) -> None:
        response = public_client.get(f"/u/{optout_list.public_id}")

        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Cross-Origin-Opener-Policy"] == "same-origin"
