import pytest
from django.test import Client

from tests.lists.screens import look_at


class TestFront:
    def test_it_says_what_this_is_without_a_cookie_or_a_query(self) -> None:
        response = Client().get("/")  # no database mark: a query would fail the test

        screen = look_at(response)
        assert "Heed, an opt-out service" in screen.heading
        assert "senders download who must not be contacted" in screen.text
        assert "/manage/account/login/" in screen.links
        assert not response.cookies

    def test_it_says_so_in_the_readers_language_in_the_portals_frame(self) -> None:
        page = Client(headers={"accept-language": "ar-EG,de;q=0.5"}).get("/")

        html = page.content.decode()
        assert '<html lang="en" dir="ltr">' in html
        assert '<div lang="ar" dir="rtl">' in html
        assert "Accept-Language" in page.headers["Vary"]

    @pytest.mark.django_db
    def test_the_portal_without_a_slash_is_found(self) -> None:
        assert Client().get("/manage").headers["Location"] == "/manage/"
