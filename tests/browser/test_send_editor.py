"""The Send editor with JavaScript: what it counts and shows is what the server counts and shows."""

import pytest
from playwright.sync_api import Page, expect

from lists.models import List, User
from optout.short_links import short_url
from reporting.models import TextMessage, TextState
from reporting.send_editor.texts import LIST_ONLY, TOO_LONG, measure_text
from tests import make
from tests.browser.world import enter
from tests.reporting.send_editor.making import ANNA, BERT, subscribe

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

TEXTS = (
    "",
    "Sale!",
    "Sale! {optout}",
    "  Sale! {OptOut}\n",
    "x" * 160,
    "x" * 161,
    "x" * 152 + "€" + "x" * 20,
    "€" * 81,
    "[{^}]\\~| " * 20,
    "Grüße, ça va? {optout}",
    "Привет",
    "я" * 70,
    "я" * 71,
    "я" * 66 + "😀" + "я" * 10,
    "😀" * 36,
    "Say “no” – now… {optout}",
    "👩‍👩‍👧‍👦 {optout} {optout}",
)


@pytest.fixture
def editor(page: Page, alice: User, optout_list: List, site: str) -> Page:
    subscribe(optout_list, [ANNA, BERT])
    make.make_optout(optout_list, BERT)
    enter(page, alice, site)
    page.goto("/manage/send/")
    page.get_by_label("Select List").select_option(optout_list.public_id)
    expect(page.get_by_text(f"To {ANNA}")).to_be_visible()
    return page


def shown(page: Page, what: str) -> str:
    return page.locator(f'[data-what="{what}"]').inner_text()


class TestCounting:
    def test_as_the_server_does(self, editor: Page, optout_list: List) -> None:
        for text in TEXTS:
            editor.get_by_label("Message", exact=True).fill(text)
            cleaned = text.strip().replace("{OptOut}", "{optout}")
            expected = measure_text(cleaned, optout_list.pk)
            found = [shown(editor, what) for what in ("segments", "units", "left", "encoding")]
            assert found == [
                str(expected.segments),
                f"{expected.units:,}",
                str(expected.left),
                expected.encoding,
            ], text

    def test_too_long_is_said_while_it_is_written(self, editor: Page) -> None:
        box = editor.get_by_label("Message", exact=True)
        said = editor.get_by_text(str(TOO_LONG))
        box.fill("x" * 1_530)
        expect(said).to_be_hidden()
        box.fill("x" * 1_531)
        expect(said).to_be_visible()
        box.fill("x")
        expect(said).to_be_hidden()

    def test_plain_characters_are_offered_where_they_help(self, editor: Page) -> None:
        offer = editor.get_by_role("button", name="Use plain characters")
        editor.get_by_label("Message", exact=True).fill("Sale")
        expect(offer).to_be_hidden()
        editor.get_by_label("Message", exact=True).fill("“Sale”")
        expect(offer).to_be_visible()
        offer.click()
        expect(editor.get_by_label("Message", exact=True)).to_have_value('"Sale"')


class TestNobody:
    def test_there_is_no_send_for_a_list_of_nobody(self, editor: Page, optout_list: List) -> None:
        empty = make.make_list(optout_list.realm, 5, "New")
        send = editor.get_by_role("button", name="Send…")
        expect(send).to_be_visible()
        editor.reload()
        editor.get_by_label("Select List").select_option(empty.public_id)
        expect(editor.get_by_text("Nobody on this list can get")).to_be_visible()
        expect(send).to_be_hidden()
        editor.get_by_label("Select List").select_option(optout_list.public_id)
        expect(send).to_be_visible()


class TestFrom:
    def test_only_numbers_that_end_the_selected_list(
        self, page: Page, alice: User, optout_list: List, site: str
    ) -> None:
        other = make.make_list(optout_list.realm, 5, "Deliveries", sms_stop_scope="list")
        make.make_sms_number(optout_list.realm, "+18005550105", other)
        enter(page, alice, site)
        page.goto("/manage/send/")
        option = page.locator('option[value="+18005550105"]')
        page.get_by_label("Select List").select_option(other.public_id)
        page.get_by_label("From").select_option("+18005550105")
        expect(option).to_be_enabled()
        page.get_by_label("Select List").select_option(optout_list.public_id)
        expect(option).to_be_disabled()
        expect(page.get_by_label("From")).to_have_value("")
        page.get_by_label("A single number").check()
        expect(option).to_be_enabled()


class TestOptOutLink:
    def test_is_inserted_where_the_cursor_is(self, editor: Page, optout_list: List) -> None:
        text = editor.get_by_label("Message", exact=True)
        text.fill("Sale! Bye")
        text.evaluate("(box) => box.setSelectionRange(5, 5)")
        editor.get_by_role("button", name="Opt-out link").click()

        expect(text).to_have_value("Sale! {optout} Bye")
        expect(text).to_be_focused()
        link = short_url(optout_list.pk, ANNA)
        expect(editor.locator(".bubble")).to_have_text(f"Sale! {link} Bye")

    def test_of_a_single_number_it_is_disabled_and_says_why(self, editor: Page) -> None:
        button = editor.get_by_role("button", name="Opt-out link")
        expect(editor.get_by_text(str(LIST_ONLY))).to_be_hidden()
        editor.get_by_label("A single number").check()
        expect(button).to_be_disabled()
        expect(editor.get_by_text(str(LIST_ONLY))).to_be_visible()
        expect(editor.get_by_role("button", name="Download recipients")).to_be_hidden()
        editor.get_by_label("A list").check()
        expect(button).to_be_enabled()


class TestSend:
    def test_to_the_end(self, editor: Page, alice: User) -> None:
        editor.get_by_label("Message", exact=True).fill("Sale! {optout}")
        editor.get_by_role("button", name="Send…").click()
        editor.get_by_role("button", name="Send to 1 recipient").click()

        message = TextMessage.objects.get()
        expect(editor).to_have_url(f"/manage/send/messages/{message.public_id}")
        expect(editor.get_by_text("Being sent")).to_be_visible()

        TextMessage.objects.update(state=TextState.DONE, sent=1, finished_at=make.NOW)

        expect(editor.get_by_text("100 %").last).to_be_visible()  # without a reload
        expect(editor.get_by_role("button", name="Stop sending")).to_have_count(0)

    def test_the_file(self, editor: Page) -> None:
        with editor.expect_download() as download:
            editor.get_by_role("button", name="Download recipients").click()

        assert download.value.suggested_filename == "recipients-1.csv"
        assert download.value.path().read_text().splitlines()[1].startswith(f"{ANNA},http")
