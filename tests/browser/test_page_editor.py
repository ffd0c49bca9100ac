"""The page editor with and without JavaScript: what is typed is seen, and nothing is lost."""

import pytest
from playwright.sync_api import FrameLocator, Page, expect

from lists.models import List, Logo, User
from tests.browser.conftest import OpenWindow
from tests.browser.looks import PHONE, SMALL, layout_faults
from tests.browser.world import enter
from tests.lists.pictures import picture

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LOGO = {"name": "logo.png", "mimeType": "image/png", "buffer": picture(size=(400, 100))}


def preview(page: Page) -> FrameLocator:
    return page.frame_locator("iframe:not(.is-coming)")


def open_editor(page: Page, user: User, optout_list: List, site: str) -> None:
    enter(page, user, site)
    page.goto(f"/manage/lists/{optout_list.public_id}/page/")


class TestWithJavaScript:
    def test_the_preview_follows_what_is_typed(
        self, page: Page, alice: User, optout_list: List, site: str
    ) -> None:
        open_editor(page, alice, optout_list, site)
        depth = page.evaluate("history.length")
        page.get_by_label("Name", exact=True).fill("Rose letters")
        expect(preview(page).get_by_role("heading", level=1)).to_contain_text("Rose letters")
        page.get_by_label("Thank-you text").fill("See you!")
        expect(preview(page).get_by_text("See you!")).to_be_visible()
        page.get_by_label("What the page shows").select_option("form")
        page.get_by_label("Logo", exact=True).set_input_files(LOGO)  # type: ignore[arg-type]
        expect(preview(page).locator("header img")).to_be_visible()
        page.get_by_label("Colour", exact=True).fill("#ffee00")
        expect(page.locator("#contrast")).to_contain_text("17.5 : 1")
        button = preview(page).get_by_role("button", name="Unsubscribe", exact=True)
        expect(button).to_have_css("background-color", "rgb(255, 238, 0)")
        assert page.evaluate("history.length") == depth, "Back leads to the page before"
        assert not Logo.objects.exists()

        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_text("Saved.", exact=True)).to_be_visible()
        optout_list.refresh_from_db()
        assert (optout_list.name, optout_list.colour) == ("Rose letters", "#ffee00")
        assert optout_list.thank_you_texts == {"en": "See you!"} and Logo.objects.exists()


class TestWithoutJavaScript:
    def test_the_preview_is_a_button_and_languages_lose_nothing(
        self, open_window: OpenWindow, alice: User, optout_list: List, site: str
    ) -> None:
        page = open_window(java_script_enabled=False, viewport=PHONE)
        open_editor(page, alice, optout_list, site)
        page.get_by_label("Name", exact=True).fill("Rose letters")
        page.get_by_role("button", name="Update preview").click()
        expect(preview(page).get_by_role("heading", level=1)).to_contain_text("Rose letters")

        page.get_by_role("button", name="Deutsch", exact=True).click()
        page.get_by_label("Name", exact=True).fill("Rosenbriefe")
        page.get_by_role("button", name="Update preview").click()
        expect(preview(page).get_by_role("heading", level=1)).to_contain_text("Rosenbriefe")
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_text("Saved.", exact=True)).to_be_visible()
        optout_list.refresh_from_db()
        assert optout_list.name == "Rose letters"
        assert optout_list.own_texts == {"name": {"de": "Rosenbriefe"}}

    def test_it_fits_a_small_screen_and_so_does_the_brand_of_the_realm(
        self, open_window: OpenWindow, alice: User, optout_list: List, site: str
    ) -> None:
        page = open_window(viewport=SMALL)
        open_editor(page, alice, optout_list, site)
        faults = layout_faults(page)
        page.goto("/manage/settings/brand/")
        expect(page.get_by_label("Logo", exact=True)).to_be_visible()
        assert faults + layout_faults(page) == []
