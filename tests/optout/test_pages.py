import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.urls import URLResolver, get_resolver
from django.utils import translation

from lists.choices import Language
from lists.models import List, Realm
from optout.choices import Channel, Kind
from optout.languages import Reading
from optout.models import OptOut, Suppression
from optout.pages import brand_colours, contact_link, initial_of
from optout.preview import STATES
from optout.redirects import RedirectError, validate_template
from optout.texts import as_html
from tests import make
from tests.pages import PublicClient, check_html, parse, signed_path

JANE = "jane@example.com"

BRAND: dict[str, Any] = {
    "name": "Letters from the garden",
    "description": "Seeds, tools and what to do in the garden, with one recipe.",
    "frequency": "Every Thursday",
    "sender_name": "Acme Garden & Home",
    "colour": "#1d4ed8",
    "contact": "help@acme-garden.example",
    "privacy_url": "https://www.acme-garden.example/privacy",
    "accepts": "either",
}

XSS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'-alert(1)-'",
    "</style><svg onload=alert(1)>",
    "</title><script>alert(1)</script>",
    "javascript:alert(1)",
    "{{ 7|add:7 }}{% debug %}",
    "%(list)s %s %d",
    "&lt;script&gt;",
    'https://evil.example/"onmouseover="alert(1)',
    "\u202eevil\u202c",
]


def open_done(optout_list: List, address: str = JANE, query: str = "") -> tuple[str, Any]:
    """Opt out by the form; the done page's address and the page."""
    client, path = PublicClient(), f"/u/{optout_list.public_id}{query}"
    response = client.press(client.get(path), path, item=address)
    return response.headers["Location"], client.get(response.headers["Location"])


def open_signed_done(optout_list: List) -> tuple[str, Any]:
    client, path = PublicClient(), signed_path(optout_list.pk)
    response = client.press(client.get(path), path)
    return response.headers["Location"], client.get(response.headers["Location"])


def text_of(page: Any) -> str:
    return " ".join(parse(page.content.decode()).text.split())


def heading(page: Any) -> str:
    return page.content.decode().partition("<h1>")[2].partition("</h1>")[0]


@pytest.mark.django_db
class TestDonePage:
    def test_it_can_be_reloaded_and_changes_nothing(self, optout_list: List) -> None:
        address, _page = open_done(optout_list)

        for _ in range(3):
            assert heading(PublicClient().get(address)) == "You are unsubscribed"
        assert OptOut.objects.count() == 1

    def test_it_takes_one_query(
        self, optout_list: List, settings, django_assert_num_queries
    ) -> None:
        settings.LIST_CACHE_SECONDS = 60
        address, _page = open_done(optout_list)

        with django_assert_num_queries(1):
            PublicClient().get(address)

    @pytest.mark.parametrize(
        ("hours", "text"),
        [(1, "for 1 hour."), (24, "for 24 hours."), (48, "for 2 days."), (49, "for 49 hours.")],
    )
    def test_it_is_honest_about_delay(self, optout_list: List, hours: int, text: str) -> None:
        """S3.13."""
        List.objects.update(effect_hours=hours)

        assert text in text_of(open_done(optout_list)[1])

    def test_after_24_hours_there_is_no_undo(self, optout_list: List) -> None:
        with time_machine.travel(make.NOW, tick=False) as clock:
            address, page = open_done(optout_list)
            assert "Undo" in text_of(page)
            clock.shift(timedelta(hours=24, seconds=1))
            assert "Undo" not in text_of(PublicClient().get(address))

    def test_it_names_the_list_beside_the_owners_own_words(self, optout_list: List) -> None:
        """pages.md: the page names the list and the sender."""
        List.objects.update(thank_you_texts={"en": "Sorry to see you go."})
        page = text_of(open_done(optout_list)[1])

        assert "Sorry to see you go. You will get no more messages from Garden letters." in page

    def test_the_body_holds_no_token(self, optout_list: List) -> None:
        """AT-03: so that it can be the same for everybody."""
        address, page = open_done(optout_list)
        token = address.partition("t=")[2].partition("%3A")[0]

        assert token.encode() not in page.content

    @pytest.mark.parametrize("query", ["", "?t=", "?t=x", "?x=1"])
    def test_without_its_token_it_is_a_broken_link(self, optout_list: List, query: str) -> None:
        page = PublicClient().get(f"/u/{optout_list.public_id}/done{query}")

        assert page.status_code == 404

    def test_two_tokens_are_a_broken_link(self, optout_list: List) -> None:
        """AT-35-43: an undo of either may be the wrong one."""
        address, _page = open_done(optout_list)

        for more in ("&t=x", "&t="):
            assert PublicClient().get(address + more).status_code == 404
            assert PublicClient().send(address + more).status_code == 404
        assert Suppression.objects.count() == 1

    def test_the_token_of_another_list_is_a_broken_link(
        self, realm: Realm, optout_list: List
    ) -> None:
        address, _page = open_done(optout_list)
        other = make.make_list(realm, 2)

        moved = address.replace(optout_list.public_id, other.public_id)
        assert PublicClient().get(moved).status_code == 404
        assert PublicClient().send(moved).status_code == 404
        assert Suppression.objects.count() == 1


@pytest.mark.django_db
class TestUndo:
    """AT-46: only with its own token."""

    def test_it_lifts_and_shows_a_page_that_can_be_reloaded(self, optout_list: List) -> None:
        address, _page = open_done(optout_list)

        response = PublicClient().send(address)

        assert response.status_code == 303
        assert not Suppression.objects.exists()
        page = PublicClient().get(response.headers["Location"])
        assert heading(page) == "Your request was taken back"
        assert OptOut.objects.filter(kind=Kind.LIFT).count() == 1

    def test_the_page_is_the_same_when_nothing_was_lifted(self, optout_list: List) -> None:
        """No oracle: an address that was out before gets the same answer."""
        make.make_optout(optout_list, "known@example.com")
        pages = []
        for address in ("fresh@example.com", "known@example.com"):
            done, _page = open_done(optout_list, address)
            page = PublicClient().get(PublicClient().send(done).headers["Location"])
            pages.append(re.sub(rb'nonce="[^"]+"', b"", page.content))

        assert pages[0] == pages[1]
        assert Suppression.objects.get().address == "known@example.com"

    def test_by_a_signed_link_one_is_told_to_be_back(self, optout_list: List) -> None:
        done, _page = open_signed_done(optout_list)

        page = PublicClient().get(PublicClient().send(done).headers["Location"])

        assert heading(page) == "You are back on the list"

    @pytest.mark.parametrize("was_out", [False, True])
    def test_the_done_page_never_claims_again_what_was_taken_back(
        self, optout_list: List, was_out: bool
    ) -> None:
        """Reload, Back, a bookmark. And it tells nobody whether the address was out before (AT-03)."""
        if was_out:
            make.make_optout(optout_list, JANE)
        done, _page = open_done(optout_list)

        for _ in range(3):
            PublicClient().send(done)

        for address in (done, f"{done}&undone=1"):
            page = PublicClient().get(address)
            assert heading(page) == "Your request was taken back"
        assert OptOut.objects.filter(kind=Kind.LIFT).count() == 1
        assert OptOut.objects.get(kind=Kind.LIFT).channel == Channel.PAGE

    @pytest.mark.parametrize("was_out", [False, True])
    def test_nor_when_its_evidence_is_gone(self, optout_list: List, was_out: bool) -> None:
        """AT-50: after 90 days."""
        if was_out:
            make.make_optout(optout_list, JANE)
        done, _page = open_done(optout_list)
        PublicClient().send(done)
        OptOut.objects.update(evidence=None, ip=None, agent="")

        assert heading(PublicClient().get(done)) == "Your request was taken back"

    def test_another_ones_undo_is_none_of_ours(self, optout_list: List) -> None:
        mine, _page = open_done(optout_list)
        theirs, _page = open_done(optout_list)
        PublicClient().send(theirs)

        assert heading(PublicClient().get(mine)) == "You are unsubscribed"
        assert heading(PublicClient().get(theirs)) == "Your request was taken back"

    def test_what_was_taken_back_sends_nobody_away(self, optout_list: List) -> None:
        List.objects.update(redirect_url="https://www.acme.example/bye")
        done, _page = open_done(optout_list)
        PublicClient().send(done)

        assert "Refresh" not in PublicClient().get(done).headers

    def test_a_get_undoes_nothing(self, optout_list: List) -> None:
        address, _page = open_done(optout_list)

        PublicClient().get(address + "&undone=1")
        PublicClient().head(address)

        assert Suppression.objects.count() == 1

    def test_the_language_is_kept(self, optout_list: List) -> None:
        address, _page = open_done(optout_list, query="?lang=de")

        response = PublicClient().send(address)

        assert heading(PublicClient().get(response.headers["Location"])).startswith(
            "Ihre Abmeldung wurde"
        )


@pytest.mark.django_db
class TestRedirect:
    def test_it_sends_the_reader_on_with_what_the_owner_asked_for(self, optout_list: List) -> None:
        """S0.9, S0.10; Refresh, because browsers apply form-action to a redirect after a POST."""
        url = "https://www.acme.example/bye?who={item}&l={list}&g={lang}&s={status}&h={md5}&k={sha256}"
        List.objects.update(redirect_url=url)

        _address, page = open_done(optout_list, "jane+tag@example.com")

        assert page.status_code == 200
        expected = (
            "https://www.acme.example/bye?who=jane%2Btag%40example.com"
            f"&l={optout_list.public_id}&g=en&s=unsubscribed"
            "&h=6a6d0c5f2c0ea37ec86ae09ba5ba9a26&k="
        )
        refresh = page.headers["Refresh"]
        assert refresh.startswith("0; url=" + expected.partition("&h=")[0])
        assert re.search(r"&h=[0-9a-f]{32}&k=[0-9a-f]{64}$", refresh)
        assert refresh.removeprefix("0; url=") in parse(page.content.decode()).links

    def test_undo_does_not_send_anybody_away(self, optout_list: List) -> None:
        List.objects.update(redirect_url="https://www.acme.example/bye")
        address, _page = open_done(optout_list)

        page = PublicClient().get(PublicClient().send(address).headers["Location"])

        assert "Refresh" not in page.headers

    @pytest.mark.parametrize(
        "address",
        ["a'b@example.com", "x{item}@example.com", "a%0d%0ab@example.com", "ü@exämple.com"],
    )
    def test_no_address_changes_the_host_or_ends_the_header(
        self, optout_list: List, address: str
    ) -> None:
        """AT-11/12, through the front door. (20,000 generated addresses: test_redirects.)"""
        List.objects.update(redirect_url="https://www.acme.example/bye/{item}")

        _address, page = open_done(optout_list, address)

        refresh = page.headers["Refresh"]
        assert re.fullmatch(r"0; url=https://www\.acme\.example/bye/[A-Za-z0-9%._~-]+", refresh)

    @pytest.mark.parametrize(
        "template",
        [
            "javascript:alert(1)",
            "//evil.example",
            "https://{item}.example/",
            "https://a@b.example/",
            "https://acme.example/\r\nSet-Cookie: x=1",
            "https://acme.example\\@evil.example/",
        ],
    )
    def test_a_bad_template_is_refused_when_saved(self, template: str) -> None:
        """AT-11."""
        with pytest.raises(RedirectError):
            validate_template(template)


@pytest.mark.django_db
class TestThankYou:
    def test_the_text_in_the_readers_language_is_shown(self, optout_list: List) -> None:
        """S0.8."""
        List.objects.update(thank_you_texts={"en": "Bye for now!", "de": "Auf Wiedersehen!"})

        assert "Bye for now!" in text_of(open_done(optout_list)[1])
        assert "Auf Wiedersehen!" in text_of(open_done(optout_list, query="?lang=de")[1])

    def test_the_realms_text_stands_in(self, realm: Realm, optout_list: List) -> None:
        realm.thank_you_texts = {"en": "From all of us."}
        realm.save(update_fields=["thank_you_texts"])

        assert "From all of us." in text_of(open_done(optout_list)[1])

    def test_links_lead_away_without_a_trace(self) -> None:
        html = as_html("See https://acme.example/help?a=1&b=2.\nOr http://acme.example\n\nBye")

        assert html == (
            '<p dir="auto">See <a href="https://acme.example/help?a=1&amp;b=2" '
            'rel="nofollow noopener noreferrer">https://acme.example/help?a=1&amp;b=2</a>.<br>'
            'Or http://acme.example</p><p dir="auto">Bye</p>'
        )


@pytest.mark.django_db
class TestHostileTexts:
    """AT-14/15: a corpus in every field of every page."""

    @pytest.mark.parametrize("text", XSS)
    def test_nothing_an_owner_writes_becomes_markup(self, optout_list: List, text: str) -> None:
        List.objects.update(
            name=text[:100],
            description=text,
            sender_name=text[:100],
            contact=text,
            privacy_url=text,
            colour="#0b6e4",  # spoilt: no colour at all
            thank_you_texts={"en": text, "de": text, "ar": text},
        )
        base = f"/u/{optout_list.public_id}"
        for state in STATES:
            for lang in ("en", "ar"):
                page = PublicClient().get(f"{base}/preview?state={state}&lang={lang}")
                assert_no_markup(page, text)

    @pytest.mark.parametrize("text", XSS)
    def test_nothing_a_stranger_sends_becomes_markup(self, optout_list: List, text: str) -> None:
        base = f"/u/{optout_list.public_id}"
        client = PublicClient()
        query = {"item": text, "lang": text, "state": text, "t": text}

        for path in (base, base + "/preview", base + "/done", signed_path(optout_list.pk)):
            assert_no_markup(client.get(path, query_params=query), text)
        assert_no_markup(client.send(base, {"item": text, "t": text, "lang": text}), text)

    def test_a_strange_but_valid_address_is_escaped(self, optout_list: List) -> None:
        page = PublicClient().get(
            f"/u/{optout_list.public_id}", query_params={"item": "a'&b@example.com"}
        )

        assert b"a&#x27;&amp;b@example.com" in page.content

    def test_a_privacy_link_is_only_a_web_address(self, optout_list: List) -> None:
        List.objects.update(privacy_url="javascript:alert(1)", contact="javascript:alert(1)")

        page = PublicClient().get(f"/u/{optout_list.public_id}")

        assert not [link for link in parse(page.content.decode()).links if "javascript" in link]


def assert_no_markup(page: Any, text: str) -> None:
    html = page.content.decode()
    assert page.status_code < 500
    if "<" in text:
        assert text not in html
    # the client has looked at every tag and attribute of the page
    assert not [link for link in parse(html).links if link.lower().startswith("javascript:")]


@pytest.mark.django_db
class TestPreview:
    @pytest.mark.parametrize("state", STATES)
    def test_each_state_is_shown_in_every_language_with_the_banner_and_within_the_budget(
        self, realm: Realm, state: str
    ) -> None:
        """Of a brand with ordinary names; the client measures each page."""
        optout_list = make.make_list(realm, **BRAND)
        path = f"/u/{optout_list.public_id}/preview?state={state}"
        for lang in Language.values:
            page = PublicClient().get(f"{path}&lang={lang}")

            assert page.status_code == 200
            assert b'<p class="note">' in page.content
            assert "frame-ancestors 'self'" in page.headers["Content-Security-Policy"]
            document = parse(page.content.decode())
            assert document.lang == page.headers["Content-Language"] == lang
            assert document.direction == ("rtl" if lang in {"ar", "he"} else "ltr")
            assert document.languages == [each for each in Language.values if each != lang]
            with translation.override(lang):
                assert translation.gettext("This is a preview. Nothing is saved.") in text_of(page)

    def test_its_buttons_change_nothing(self, optout_list: List) -> None:
        path = f"/u/{optout_list.public_id}/preview?state=confirm"
        client = PublicClient()

        assert client.press(client.get(path), path).status_code == 200
        assert not OptOut.objects.exists()

    def test_real_pages_cannot_be_framed(self, optout_list: List) -> None:
        page = PublicClient().get(f"/u/{optout_list.public_id}")

        assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]


class TestBrand:
    @pytest.mark.parametrize(
        ("colour", "text"),
        [
            ("#000000", "#fff"),
            ("#ffffff", "#000"),
            ("#f2b705", "#000"),
            ("#1d4ed8", "#fff"),
            ("#0b6e4f", "#fff"),
        ],
    )
    def test_the_button_text_is_what_contrasts_more(self, colour: str, text: str) -> None:
        assert brand_colours(colour) == (colour, text)

    @pytest.mark.parametrize("colour", ["", "red", "#fff", "#12345g", "#123456;}", "#0000000"])
    def test_no_colour_is_no_style(self, colour: str) -> None:
        assert brand_colours(colour) is None

    @pytest.mark.parametrize(
        ("contact", "link"),
        [
            ("help@acme.example", ("help@acme.example", "mailto:help@acme.example")),
            ("https://acme.example/help/", ("acme.example/help", "https://acme.example/help/")),
            ("javascript:alert(1)", ("javascript:alert(1)", "")),
            ("a@b.example?bcc=c@d.example", ("a@b.example?bcc=c@d.example", "")),
            ("Call +44 20 7946 0958", ("Call +44 20 7946 0958", "")),
            ("", ("", "")),
        ],
    )
    def test_a_contact_is_linked_where_it_can_be(self, contact: str, link: tuple[str, str]) -> None:
        assert contact_link(contact) == link

    def test_the_mark_is_a_letter(self) -> None:
        assert [initial_of(each) for each in ("acme", "  «Zoo»", "日本", "!?", "")] == [
            "A",
            "Z",
            "日",
            "",
            "",
        ]


class TestDoors:
    def test_the_views_without_djangos_csrf_check_are_these(self) -> None:
        """AT-17: whoever adds one explains it here."""
        assert exempt_views(get_resolver()) == {
            "functools.rest_view.<locals>.door",  # the description of the REST API
            "ninja.operation.PathView.get_view.<locals>.sync_view_wrapper",  # a key in a header
            "optout.channels.rest.door.broken_address",  # changes nothing
            "optout.done.open_done",  # its token is in the address
            "optout.mail_views.open_ask",  # the form's own guard
            "optout.mail_views.open_ask_sent",  # changes nothing
            "optout.mail_views.open_join",  # the form's own guard; forms on the owner's website
            "optout.mail_views.open_join_done",  # changes nothing
            "optout.mail_views.open_join_link",  # its token; the page's own guard
            "optout.mail_views.open_join_sent",  # changes nothing
            "optout.preference_views.open_preferences",  # the form's own guard
            "optout.preview.open_preview",  # changes nothing
            "optout.views.broken_link",  # changes nothing
            "optout.views.open_api_web",  # the realm's password, which no other site's page knows
            "optout.views.open_global_done",  # its token is in the address
            "optout.views.open_global_preview",  # changes nothing
            "optout.views.open_global_unsubscribe",  # the form's own guard; the API
            "optout.views.open_link",  # the form's own guard; one-click; servers
            "optout.views.open_pixel",  # images
            "optout.views.open_short_link",  # the form's own guard
            "optout.views.open_signed_link",  # the form's own guard; one-click
            "optout.views.receive_text",  # the endpoint's secret or signature
            "optout.views.unknown_gateway",  # changes nothing
            "reporting.contacts_http.door.answering.<locals>.view",  # a key in a header
            "reporting.rest.docs.docs_page",  # changes nothing
            "reporting.rest.docs.openapi_json",  # changes nothing
            "reporting.rest.docs.webhooks_page",  # changes nothing
            "reporting.views.download.download",  # GET and HEAD only
            "reporting.views.report_off.report_off",  # the link; one-click
        }


def exempt_views(resolver: URLResolver) -> set[str]:
    found: set[str] = set()
    for each in resolver.url_patterns:
        if isinstance(each, URLResolver):
            found |= exempt_views(each)
        elif getattr(each.callback, "csrf_exempt", False):
            found.add(f"{each.callback.__module__}.{each.callback.__qualname__}")
    return found


def test_a_page_is_small() -> None:
    """pages.md: at most 6 KB; `check_html` measures each page of each test."""
    with pytest.raises(AssertionError):
        check_html("<!doctype html>" + "x" * 7_000, "")
    assert Reading("ar").direction == "rtl"
