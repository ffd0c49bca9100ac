from typing import Any
from urllib.parse import urlencode

import psycopg
import pytest
from django.db import OperationalError, connection
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.utils import translation

from config.middleware import WholeAnswers
from lists.models import List, Realm, User
from optout.models import OptOut
from tests import make
from tests.pages import BROWSER, URLENCODED, form_fields

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


@pytest.mark.django_db
class TestPortalLanguage:
    """English, and only for as long as the answer is made. Django itself would say it in German."""

    REQUIRED = "This field is required."

    def test_the_portal_speaks_english_whatever_is_the_default(self) -> None:
        client = Client(headers={"Accept-Language": "de"})

        with translation.override("de"):
            answer = client.post("/manage/account/login/", {})
            active = translation.get_language()

        assert self.REQUIRED in answer.content.decode()
        assert active == "de"

    def test_so_does_the_admin(self, admin_client: Client) -> None:
        with translation.override("de"):
            answer = admin_client.get("/ops/")

        assert "Recent actions" in answer.content.decode()


@pytest.mark.django_db
class TestPortalDeadEnds:
    """A browser that comes by GET where only a POST is answered, and a POST of somebody who was signed out meanwhile."""

    NOTHING_DONE = "Nothing was done. Press the button once more."
    SIGNED_OUT = "You were signed out, and nothing was saved."

    @pytest.mark.parametrize(
        ("path", "pages"),
        [
            ("/manage/realm", ["/manage/"]),
            ("/manage/settings/api/passwords", ["/manage/settings/api"]),
            ("/manage/lists/{list}/service/test", ["/manage/lists/{list}/service"]),
            ("/manage/lists/{list}/close", ["/manage/lists/"]),
            (
                "/manage/lists/{list}/access/keys/7",
                ["/manage/lists/{list}/access/keys", "/manage/lists/{list}/access"],
            ),
        ],
    )
    def test_a_get_goes_to_the_page_above(
        self, client: Client, alice: User, optout_list: List, path: str, pages: list[str]
    ) -> None:
        client.force_login(alice)
        number = optout_list.public_id

        answer = client.get(path.format(list=number), follow=True)

        assert answer.redirect_chain == [(page.format(list=number), 302) for page in pages]
        assert answer.content.decode().count(self.NOTHING_DONE) == 1
        assert self.NOTHING_DONE not in client.get("/manage/").content.decode()

    def test_other_methods_get_the_405(self, client: Client, alice: User) -> None:
        client.force_login(alice)
        for method in ("head", "put", "delete", "options"):
            assert getattr(client, method)("/manage/realm").status_code == 405

    @pytest.mark.parametrize(
        ("typed", "sent"),
        [("a%0d%0ab", "a%0D%0Ab"), ("%2e%2e", ".."), ("a%3Fb", "a%3Fb"), ("%ff", "%25FF")],
    )
    def test_odd_addresses_stay_what_they_are(
        self, client: Client, alice: User, typed: str, sent: str
    ) -> None:
        client.force_login(alice)
        answer = client.get(f"/manage/lists/{typed}/service/test")
        assert (answer.status_code, answer["Location"]) == (302, f"/manage/lists/{sent}/service")

    def test_who_was_signed_out_hears_that_nothing_was_saved(
        self, client: Client, alice: User
    ) -> None:
        answer = client.post("/manage/settings/api/passwords", follow=True)

        assert answer.redirect_chain[0][0].startswith("/manage/account/login/?next=")
        assert self.SIGNED_OUT in answer.content.decode()
        back = client.post(
            answer.redirect_chain[0][0],
            {"login": alice.email, "password": make.PASSWORD},
            follow=True,
        )
        assert [page for page, _ in back.redirect_chain] == [
            "/manage/settings/api/passwords",
            "/manage/settings/api",
        ]
        assert self.NOTHING_DONE in back.content.decode()
        assert self.SIGNED_OUT not in back.content.decode()

    def test_it_is_said_once_however_often_one_tried(self, client: Client, alice: User) -> None:
        for _ in range(3):
            client.post("/manage/settings/api/passwords")

        page = client.get("/manage/account/login/").content.decode()

        assert page.count(self.SIGNED_OUT) == 1

    def test_looking_while_signed_out_and_signing_out_say_nothing(
        self, client: Client, alice: User
    ) -> None:
        answer = client.get("/manage/settings/api", follow=True)
        assert self.SIGNED_OUT not in answer.content.decode()
        client.force_login(alice)
        client.post("/manage/account/logout/")
        assert self.SIGNED_OUT not in client.get("/manage/account/login/").content.decode()


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


@pytest.mark.django_db
class TestTwoSlashes:
    """A base URL that ends in a slash, and then `/unsubscribe/unsubscribe`."""

    @pytest.mark.parametrize(
        "path", ["//unsubscribe/unsubscribe", "/g/{}//unsubscribe/unsubscribe/"]
    )
    def test_a_global_request_is_served_all_the_same(self, realm: Realm, path: str) -> None:
        path = path.format(make.make_global_unsubscribe(realm).key)

        api = two_slashes("GET", path, "responseType=api&email=jane@example.com")
        page = two_slashes("GET", path, "")
        fields = form_fields(page) | {"email": "jane@example.com"}
        done = two_slashes("POST", path, "", urlencode(fields))

        assert api.content == b"1"
        assert done.status_code == 303
        before = path.replace("//", "/").partition("/unsubscribe/")[0]
        assert done.headers["Location"].startswith(f"{before}/unsubscribe/done?t=")
        assert OptOut.objects.count() == 2

    @pytest.mark.parametrize(
        "path", ["///unsubscribe/unsubscribe", "//unsubscribe/done", "//u/x", "//manage/"]
    )
    def test_nothing_else_is(self, realm: Realm, path: str) -> None:
        make.make_global_unsubscribe(realm)

        assert (
            two_slashes("GET", path, "responseType=api&email=jane@example.com").status_code == 404
        )
        assert not OptOut.objects.exists()


def two_slashes(method: str, path: str, query: str, body: str = "") -> Any:
    """The test client would take what follows two slashes for a host."""
    extra: Any = {"PATH_INFO": path, "QUERY_STRING": query}
    client = Client(headers=BROWSER)
    return client.generic(method, "/", body, URLENCODED, **extra)
