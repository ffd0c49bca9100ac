"""The preview of the form for its owner: every state, nothing saved."""

import pytest
from django.utils import translation

from lists.choices import Language
from lists.models import Realm
from optout.channels.global_unsubscribe.preview import STATES
from tests import make
from tests.optout.channels.cases import assert_nothing_recorded
from tests.optout.channels.global_unsubscribe.forms import (
    CUSTOM,
    JANE,
    form_path,
    heading,
    inputs_of,
    links_of,
    text_of,
)
from tests.pages import PublicClient, form_fields, language_link, parse

HEADINGS = {
    "form": "Stop emails and texts from <bdi>shop.example</bdi>",
    "error": "Stop emails and texts from <bdi>shop.example</bdi>",
    "done": "You successfully unsubscribed",
    "undone": "Your request was taken back",
    "too-many": "Please try again in 10 minutes",
    "nonsense": "Stop emails and texts from <bdi>shop.example</bdi>",
}


@pytest.fixture
def path(realm: Realm) -> str:
    """Of a realm that has not switched it on yet."""
    return f"/g/{make.make_global_unsubscribe(realm, is_on=False).key}/unsubscribe/preview"


class TestPreview:
    @pytest.mark.parametrize("state", HEADINGS)
    def test_each_state_is_shown_before_the_door_is_open(self, path: str, state: str) -> None:
        page = PublicClient().get(form_path(path, state=state, website="shop.example", **CUSTOM))

        assert page.status_code == 200
        assert heading(page) == HEADINGS[state]
        assert "This is a preview. Nothing is saved." in text_of(page)
        assert "frame-ancestors 'self'" in page.headers["Content-Security-Policy"]

    @pytest.mark.parametrize("state", STATES)
    @pytest.mark.parametrize("lang", ["en", "de", "ar"])
    def test_it_speaks_every_language_and_keeps_its_state(
        self, path: str, state: str, lang: str
    ) -> None:
        page = PublicClient().get(form_path(path, state=state, lang=lang, **CUSTOM))

        assert parse(page.content.decode()).lang == lang
        document = parse(page.content.decode())
        kept = {each["name"]: each["value"] for each in document.kept}
        assert len(document.languages) == len(Language) - 1 and lang not in document.languages
        assert kept["state"] == state
        if state in {"done", "undone"}:  # the longest form has no room for all of it
            assert "customField1" in str(kept["fields"])
        with translation.override(lang):
            assert translation.gettext("This is a preview. Nothing is saved.") in text_of(page)

    def test_it_shows_what_the_parameters_make(self, path: str) -> None:
        page = PublicClient().get(form_path(path, email=JANE, **CUSTOM))

        assert inputs_of(page)[2:] == ["customField1", "customField2", "customField3"]
        assert form_fields(page)["email"] == JANE

    def test_an_error_is_shown_at_its_field(self, path: str) -> None:
        page = PublicClient().get(form_path(path, state="error", email=JANE))

        assert links_of(page)[0] == "#email"
        assert "Enter your email address or your phone number" in text_of(page)

    @pytest.mark.parametrize(
        ("given", "shown", "hidden"),
        [
            ({}, ["sample@example.com", "+14155550123"], []),
            ({"fields": "phoneNumber"}, ["+14155550123"], ["sample@example.com"]),
            ({"email": JANE}, [JANE], ["sample@example.com", "+14155550123"]),
        ],
    )
    def test_done_has_the_addresses_of_the_form(
        self, path: str, given: dict[str, str], shown: list[str], hidden: list[str]
    ) -> None:
        text = text_of(PublicClient().get(form_path(path, state="done", **given)))

        assert all(each in text for each in shown)
        assert not [each for each in hidden if each in text]

    @pytest.mark.parametrize("state", STATES)
    def test_its_buttons_change_nothing(self, path: str, state: str) -> None:
        client, full = PublicClient(), form_path(path, state=state, email=JANE)

        assert client.press(client.get(full), full).status_code == 200
        assert client.send(full, {"email": JANE}).status_code == 200
        assert_nothing_recorded()

    @pytest.mark.parametrize("state", ["form", "error"])
    @pytest.mark.parametrize("typed", [{}, {"email": JANE}])
    def test_its_buttons_lead_on_as_they_would(
        self, path: str, state: str, typed: dict[str, str]
    ) -> None:
        client, full = PublicClient(), form_path(path, state=state)

        page = client.press(client.get(full), full, **typed)

        assert heading(page) == "You successfully unsubscribed"
        assert (JANE if typed else "sample@example.com") in text_of(page)
        assert "state=done" in language_link(page, "de")
        undone = client.press(page, full)
        assert heading(undone) == "Your request was taken back"
        assert "This is a preview. Nothing is saved." in text_of(undone)
        (again,) = [link for link in links_of(undone) if "state=form" in link]
        assert heading(client.get(f"{path}{again}")) == heading(client.get(full))
        assert_nothing_recorded()

    def test_its_form_says_what_is_wrong(self, path: str) -> None:
        client = PublicClient()

        page = client.press(client.get(path), path, email="jane@")

        assert page.status_code == 200
        assert links_of(page)[0] == "#email"

    def test_a_form_of_the_preview_does_not_act_elsewhere(self, realm: Realm, path: str) -> None:
        make.make_global_unsubscribe(make.make_realm("other"))
        page = PublicClient().get(form_path(path, email=JANE))

        assert form_fields(page)["t"] == ""

    def test_of_nobody_there_is_none(self, db: None) -> None:
        assert PublicClient().get("/g/nosuchkey00/unsubscribe/preview").status_code == 404

    def test_the_real_form_cannot_be_framed(self, realm: Realm) -> None:
        make.make_global_unsubscribe(realm)

        page = PublicClient().get("/unsubscribe/unsubscribe")

        assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
