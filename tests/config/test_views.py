"""Pages that stand without a list, in the reader's language; that an outage is told is in test_middleware.py."""

from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.core.exceptions import BadRequest, PermissionDenied
from django.db import OperationalError
from django.http import Http404, HttpRequest
from django.template import loader
from django.test import Client, RequestFactory
from django.utils import translation

from config import views
from lists.models import List
from tests.pages import BROWSER, Document, parse

GERMAN = {**BROWSER, "accept-language": "de-AT,en;q=0.5"}


def document_of(response: Any) -> Document:
    return parse(response.content.decode())


@pytest.mark.parametrize("name", ["400", "403", "403_csrf", "404", "500", "5xx/503"])
@pytest.mark.parametrize(("code", "direction"), [("en", "ltr"), ("ar", "rtl")])
def test_they_render_with_nothing(name: str, code: str, direction: str) -> None:
    with translation.override(code):
        document = parse(loader.render_to_string(f"{name}.html"))

    assert (document.lang, document.direction) == (code, direction)
    assert document.headings == ["h1"]
    assert document.title.strip()
    assert finders.find("css/plain.css")


class TestLanguage:
    @pytest.mark.parametrize(
        ("view", "error", "status"),
        [
            (views.bad_request, BadRequest(), 400),
            (views.forbidden, PermissionDenied(), 403),
            (views.not_found, Http404(), 404),
        ],
    )
    def test_what_django_answers_is_in_the_readers(
        self, view: Any, error: Exception, status: int, rf: RequestFactory
    ) -> None:
        page = view(rf.get("/o/x", headers=GERMAN), error)

        assert (page.status_code, document_of(page).lang) == (status, "de")
        assert "Accept-Language" in page.headers["Vary"]

    def test_so_is_a_fault_of_ours(self, rf: RequestFactory) -> None:
        page = views.server_error(rf.get("/u/x?lang=he", headers=GERMAN))

        assert (page.status_code, document_of(page).lang) == (500, "he")

    @pytest.mark.django_db
    def test_django_asks_these_views(self, client: Client) -> None:
        page = client.get("/nowhere?lang=pl", headers=GERMAN)

        assert (page.status_code, document_of(page).lang) == (404, "pl")

    @pytest.mark.django_db
    def test_the_portals_stay_english(self) -> None:
        client = Client(enforce_csrf_checks=True, headers=GERMAN)

        missing, refused = client.get("/manage/x"), client.post("/manage/account/login/")

        assert (missing.status_code, document_of(missing).lang) == (404, "en")
        assert (refused.status_code, document_of(refused).lang) == (403, "en")

    @pytest.mark.django_db
    def test_an_outage_is_told_in_it_too(
        self, optout_list: List, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: Any) -> HttpRequest:
            raise OperationalError

        monkeypatch.setattr("optout.views.get_list", fail)

        page = Client(headers=GERMAN).get(f"/u/{optout_list.public_id}")

        assert (page.status_code, document_of(page).lang) == (503, "de")
        assert "Wir konnten Ihre Anfrage nicht speichern" in page.content.decode()
        assert page.headers["Vary"] == "Accept, Accept-Language"
