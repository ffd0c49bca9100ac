"""AT-14/15: whoever makes a link writes on the realm's own page; the client looks at every tag of every answer."""

from typing import Any

import pytest

from lists.models import Realm
from optout.models import GlobalLine
from tests import make
from tests.optout.channels.global_unsubscribe.calls import PATH
from tests.optout.channels.global_unsubscribe.forms import (
    CUSTOM,
    JANE,
    PHONE,
    form_path,
    heading,
    inputs_of,
    links_of,
    submit,
    text_of,
)
from tests.optout.test_pages import XSS, assert_no_markup
from tests.pages import PublicClient, parse

NAMES = (
    "responseType",
    "productId",
    "website",
    "uuid",
    "pubID",
    "fields",
    "email",
    "phoneNumber",
    "customField1",
    "customField2",
    "fieldLabel[customField1]",
    "lang",
    "state",
    "t",
    "note",
    "undone",
)
MORE = [
    "\x00",
    "a\r\nSet-Cookie: x=1",
    "\ud800",
    '" autofocus onfocus=alert(1) x="',
    "<base href=//evil.example>",
    "</p></form><form action=//evil.example>",
    "data:text/html,<script>alert(1)</script>",
    "ﬁeld\u0000\u200f\u202e\u2066<b>",
    "x" * 5_000,
    "'" * 5_000,
    "𝕊𝕔𝕣𝕚𝕡𝕥" * 500,
    "مرحبا" * 500,
]
SPOOFED = [
    "Your account is locked: call 0800 123 456",
    "Visit https://evil.example/login now",
    "Go to evil.example",
    "mailto:evil@evil.example",
    "evil@evil.example",
    "www.evil.example/x",
    "\u202egro.live//:sptth",
    "evil\u3002example",
]


@pytest.fixture
def key(realm: Realm) -> str:
    return str(make.make_global_unsubscribe(realm).key)


def sent(text: str) -> str:
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")


class TestMarkup:
    @pytest.mark.parametrize("text", [*XSS, *MORE])
    def test_no_parameter_becomes_markup_on_any_page(self, key: str, text: str) -> None:
        """The three addresses of the form take turns: each has each text, and each parameter with many of them."""
        client, turn, text = AnyWeight(), len(text), sent(text)
        forms = (PATH, f"/g/{key}{PATH}", f"/g/{key}/unsubscribe/preview")
        for number, name in enumerate(NAMES, start=turn):
            given = {"fields": CUSTOM["fields"], "email": JANE, **CUSTOM, name: text}
            assert_safe(client.get(form_path(forms[number % 3], **given)), text)
            assert_safe(client.get(form_path("/unsubscribe/done", **given)), text)
            assert_safe(client.send(PATH, given), text)
            assert_safe(client.send(form_path(PATH, **given), {"t": text, name: text}), text)

    @pytest.mark.parametrize("text", [*XSS, *MORE])
    def test_what_is_recorded_is_shown_escaped_to_the_end(self, key: str, text: str) -> None:
        client, text = AnyWeight(), sent(text)
        given = {**CUSTOM, "customField1": text, "website": text, "pubID": text}
        page = client.get(form_path(**given))

        response = client.press(page, form_path(**given), email=f"{JANE}", customField2=text)

        assert response.status_code == 303
        done = client.get(response.headers["Location"])
        assert_safe(done, text)
        assert_safe(client.get(client.send(response.headers["Location"]).headers["Location"]), text)
        assert "\x00" not in GlobalLine.objects.get().custom2

    def test_everything_at_once(self, key: str) -> None:
        client = AnyWeight()
        for text in map(sent, (*XSS, *MORE)):
            assert_safe(client.get(form_path(**dict.fromkeys(NAMES, text))), text)
            assert_safe(client.send(PATH, dict.fromkeys(NAMES, text)), text)

    def test_an_address_that_looks_like_markup_is_escaped(self, key: str) -> None:
        response = submit({"email": "a'&b@example.com"})

        page = PublicClient().get(response.headers["Location"])

        assert b"a&#x27;&amp;b@example.com" in page.content


@pytest.mark.usefixtures("key")
class TestSpoofing:
    @pytest.mark.parametrize("text", SPOOFED)
    def test_a_label_leads_nowhere(self, text: str) -> None:
        given = {**CUSTOM, "fieldLabel[customField1]": text}

        page = PublicClient().get(form_path(**given))

        shown = text_of(page).lower()
        assert not [each for each in ("evil", "http", "0800 123", "@evil") if each in shown]
        assert not [link for link in links_of(page) if not link.startswith("?")]

    @pytest.mark.parametrize(
        "text", ["Password", "Card number", "PIN", "IBAN", "Passwort", "P a s s w o r d", "CVV"]
    )
    def test_a_label_that_asks_for_a_secret_hides_its_field(self, text: str) -> None:
        given = {**CUSTOM, "fieldLabel[customField1]": text}

        assert "customField1" not in inputs_of(PublicClient().get(form_path(**given)))

    @pytest.mark.parametrize("text", SPOOFED[:2])
    def test_a_website_is_a_host_or_not_named(self, text: str) -> None:
        page = PublicClient().get(form_path(website=text))

        assert heading(page) == "Stop emails and texts from <bdi>Acme Garden</bdi>"
        assert "locked" not in text_of(page) and "Visit" not in text_of(page)

    def test_whose_page_it_is_is_said_whatever_the_link_says(self) -> None:
        page = PublicClient().get(form_path(website="bank.example"))

        assert "This stops everything from Acme Garden." in text_of(page)
        assert parse(page.content.decode()).title == "Unsubscribe – Acme Garden"

    def test_custom_fields_are_never_asked_for_by_the_realm(self) -> None:
        text = text_of(PublicClient().get(form_path(**CUSTOM)))

        before, line, after = text.partition("The website that sent you here asks:")
        assert line and "Country" not in before
        assert after.count("(optional)") == 3

    def test_a_custom_field_is_filled_in_by_no_browser(self) -> None:
        assert b'<form method="post" autocomplete="off"' in PublicClient().get(PATH).content


@pytest.mark.usefixtures("key")
class TestHeaders:
    """AT-13; `check_answer` looks at every answer of every test here."""

    def test_nothing_of_the_request_is_in_a_header_but_the_way_to_the_done_page(self) -> None:
        response = submit(
            {"email": JANE, "phoneNumber": PHONE}, website="shop.example", customField1="Peru"
        )

        headers = str(response.headers)
        assert not [
            each
            for each in ("jane", "1415", "shop", "Peru", "@")
            if each in headers.replace("%40", "@")
        ]


class AnyWeight(PublicClient):
    """For what is longer than anything that somebody means: what a request says itself may go beyond the 6 KB."""

    largest_page = 64 * 1024


def assert_safe(page: Any, text: str) -> None:
    assert_no_markup(page, text)
    assert page.status_code in {200, 303, 400, 403, 404}
    if page.content:
        assert all(link.startswith(("?", "#", "/u/", "unsubscribe")) for link in links_of(page))
