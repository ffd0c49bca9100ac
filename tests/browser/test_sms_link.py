"""Short links on a telephone, which is where text messages are read."""

import pytest
from playwright.sync_api import Page, expect

from lists.models import Contact, List
from optout.models import OptOut, Suppression
from optout.short_links import TOKEN_LENGTH, short_url
from tests.browser.looks import PHONE

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

NUMBER = "+14155552671"


def own_path(optout_list: List) -> str:
    return f"/s/{short_url(optout_list.pk, NUMBER)[-TOKEN_LENGTH:]}"


def places() -> set[int]:
    return {each.optout_list.number for each in Suppression.objects.all()}


class TestOwnLink:
    def test_one_tap_stops_all_texts_and_undo_takes_it_back(
        self, page: Page, optout_list: List
    ) -> None:
        page.set_viewport_size(PHONE)
        page.goto(own_path(optout_list))
        expect(page.get_by_role("heading", level=1)).to_have_text(
            "Stop all texts from Acme Garden?"
        )
        expect(page.get_by_text("+1 ••• ••71")).to_be_visible()
        assert not OptOut.objects.exists()

        page.get_by_role("button", name="Yes, stop all texts").click()
        expect(page.get_by_role("heading", name="You are unsubscribed")).to_be_visible()
        assert places() == {0}
        assert Contact.objects.get().address == NUMBER

        page.get_by_role("button", name="Undo").click()
        expect(page.get_by_role("heading", name="You are back on the list")).to_be_visible()
        assert places() == set()

    def test_the_quiet_button_is_about_the_list(self, page: Page, optout_list: List) -> None:
        page.goto(own_path(optout_list))
        page.get_by_role("button", name="Only stop “Garden letters”").click()

        expect(page.get_by_text("no more messages from Garden letters")).to_be_visible()
        assert places() == {1}


class TestOpenLink:
    def test_the_enter_key_is_the_main_button(self, page: Page, optout_list: List) -> None:
        page.goto(f"/s/{optout_list.public_id}")
        page.get_by_label("Phone number").fill("(415) 555-2671")
        page.keyboard.press("Enter")

        expect(page.get_by_text("nothing more from Acme Garden")).to_be_visible()
        expect(page.get_by_text(NUMBER)).to_be_visible()
        assert places() == {0}

    def test_what_is_no_number_is_kept(self, page: Page, optout_list: List) -> None:
        page.goto(f"/s/{optout_list.public_id}")
        page.get_by_label("Phone number").fill("555")
        page.get_by_role("button", name="Stop all texts").click()

        expect(page.get_by_role("alert")).to_contain_text("There is a problem")
        expect(page.get_by_label("Phone number")).to_have_value("555")
