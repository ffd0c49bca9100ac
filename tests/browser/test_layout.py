import re

import pytest
from playwright.sync_api import Page, expect

from lists.models import List, Realm, User
from optout.models import Suppression
from optout.preview import STATES
from tests import make
from tests.browser.conftest import OpenWindow
from tests.browser.looks import PHONE, SMALL, layout_faults, take_picture, visible_words
from tests.browser.world import ADMIN, enter, make_world

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LONG = "Donaudampfschifffahrtsgesellschaftsbenachrichtigungen"
LONG_ADDRESS = (
    "a.very.long.local.part.with-dots.and+a-tag-behind@a-subdomain.of.some-provider.example"
)
LATIN = re.compile(r"[A-Za-z]{2,}")
ADDRESSES = re.compile(r"\S+@\S+|https?://\S+")


@pytest.fixture
def awkward_list(realm: Realm) -> List:
    """Everything that an owner can write is long and has no place to break."""
    return make.make_list(
        realm,
        name=LONG,
        sender_name=f"Erste {LONG}",
        contact=f"{LONG}@example.com",
        privacy_url=f"https://example.com/{LONG}",
        thank_you_texts={"en": f"https://example.com/{LONG * 3}", "ar": LONG},
        own_texts={"message": {"en": f"{LONG} https://example.com/{LONG}"}},
        reasons={"en": [LONG, f"{LONG}, {LONG}"[:100]]},
    )


class TestNavigation:
    @pytest.mark.parametrize("width", [320, 375, 500, 560])
    def test_no_place_stands_alone_in_its_row(
        self, page: Page, alice: User, site: str, width: int
    ) -> None:
        page.set_viewport_size({"width": width, "height": 800})
        enter(page, alice, site)
        page.goto("/manage/settings/")
        for name, count in (("nav", 7), ("tabs", 8)):
            tops = page.locator(f".{name} li").evaluate_all(
                "all => all.map(each => Math.round(each.getBoundingClientRect().top))"
            )
            rows = [tops.count(each) for each in dict.fromkeys(tops)]
            assert sum(rows) == count and min(rows) > 1, f"{name}: {rows}"
        assert layout_faults(page) == []


class TestSmallScreen:
    @pytest.mark.parametrize("lang", ["en", "de", "ar", "he"])
    def test_every_state_fits_into_320_pixels(
        self, open_window: OpenWindow, awkward_list: List, lang: str
    ) -> None:
        page = open_window(viewport=SMALL)
        faults = []
        for state in STATES:
            page.goto(f"/u/{awkward_list.public_id}/preview?state={state}&lang={lang}")
            faults += [f"{state}: {each}" for each in layout_faults(page)]
            take_picture(page, f"small-{state}-{lang}", SMALL)
        assert faults == [], "\n".join(faults)

    def test_the_real_pages_fit_too_and_the_buttons_are_in_reach(
        self, open_window: OpenWindow, awkward_list: List
    ) -> None:
        page = open_window(viewport=SMALL)
        page.goto(f"/u/{awkward_list.public_id}")
        faults = layout_faults(page)
        page.goto(f"/u/{awkward_list.public_id}?email={LONG_ADDRESS.replace('+', '%2B')}")
        faults += layout_faults(page)
        take_picture(page, "small-real-confirm", SMALL)
        page.get_by_role("button", name="Yes, unsubscribe").click()
        expect(page.get_by_role("button", name="Undo")).to_be_visible()
        faults += layout_faults(page)
        take_picture(page, "small-real-done", SMALL)

        assert faults == [], "\n".join(faults)
        assert Suppression.objects.get().address == LONG_ADDRESS

    def test_the_form_can_be_sent_without_scrolling_on_a_phone(
        self, open_window: OpenWindow, optout_list: List
    ) -> None:
        page = open_window(viewport=PHONE)
        page.goto(f"/u/{optout_list.public_id}")

        expect(page.get_by_role("button", name="Unsubscribe")).to_be_in_viewport(ratio=1)

    def test_text_of_twice_the_size_still_fits(
        self, open_window: OpenWindow, optout_list: List
    ) -> None:
        """WCAG 1.4.4: the reader's browser is set to 32-pixel letters."""
        page = open_window(viewport=PHONE)
        session = page.context.new_cdp_session(page)
        page.goto(f"/u/{optout_list.public_id}?item=jane@example.com")
        session.send("Page.setFontSizes", {"fontSizes": {"standard": 32}})
        page.reload()

        assert (
            page.evaluate("parseFloat(getComputedStyle(document.documentElement).fontSize)") == 32
        )
        assert layout_faults(page) == []


class TestArabic:
    def test_a_browser_that_asks_for_arabic_gets_it_from_right_to_left(
        self, open_window: OpenWindow, optout_list: List
    ) -> None:
        page = open_window(locale="ar-EG", viewport=PHONE)
        page.goto(f"/u/{optout_list.public_id}")

        expect(page.locator("html")).to_have_attribute("lang", "ar")
        expect(page.locator("html")).to_have_attribute("dir", "rtl")
        expect(page.get_by_role("button", name="إلغاء الاشتراك")).to_be_in_viewport(ratio=1)
        box, body = page.locator("h1").bounding_box(), page.locator("body").bounding_box()
        assert box and body and box["x"] + box["width"] > body["width"] - 40
        field = page.get_by_role("textbox")
        assert field.evaluate("(one) => getComputedStyle(one).direction") == "ltr"

    @pytest.mark.parametrize("lang", ["ar", "de"])
    def test_no_state_says_a_word_in_english(
        self, page: Page, optout_list: List, lang: str
    ) -> None:
        english = {}
        for state in STATES:
            page.goto(f"/u/{optout_list.public_id}/preview?state={state}&lang=en")
            english[state] = {
                each for each in visible_words(page).splitlines() if LATIN.search(each)
            }
        found = []
        for state in STATES:
            page.goto(f"/u/{optout_list.public_id}/preview?state={state}&lang={lang}")
            words = ADDRESSES.sub("", visible_words(page)).replace("Garden letters", "")
            words = words.replace("Acme Garden", "")
            if lang == "ar":
                found += [f"{state}: {each}" for each in LATIN.findall(words)]
            found += [f"{state}: {each}" for each in english[state] & set(words.splitlines())]
        assert found == []

    def test_the_chosen_language_is_kept_to_the_end(self, page: Page, optout_list: List) -> None:
        page.goto(f"/u/{optout_list.public_id}")
        page.get_by_role("link", name="العربية").click()
        page.get_by_role("textbox").fill("jane@example.com")
        page.get_by_role("button", name="إلغاء الاشتراك").click()

        expect(page.get_by_role("heading", level=1)).to_have_text("تم إلغاء اشتراكك")
        assert Suppression.objects.get().address == "jane@example.com"
        page.get_by_role("button", name="تراجع").click()

        expect(page.locator("html")).to_have_attribute("dir", "rtl")
        expect(page.get_by_role("main").get_by_role("button")).to_have_count(0)
        assert not Suppression.objects.exists()


class TestPortal:
    @pytest.mark.parametrize("screen", ["overview", "quarantine", "service-hosted", "team"])
    def test_text_of_twice_the_size_still_fits_a_phone(
        self, open_window: OpenWindow, site: str, screen: str
    ) -> None:
        world = make_world()
        page = open_window(viewport=PHONE)
        enter(page, world.admin, site)
        session = page.context.new_cdp_session(page)
        ADMIN[screen](page, world)
        session.send("Page.setFontSizes", {"fontSizes": {"standard": 32}})
        page.reload()

        assert (
            page.evaluate("parseFloat(getComputedStyle(document.documentElement).fontSize)") == 32
        )
        assert layout_faults(page) == []
        take_picture(page, f"portal-{screen}-large", PHONE)

    def test_the_tabs_of_a_list_stand_in_two_rows_on_a_small_phone(
        self, open_window: OpenWindow, site: str
    ) -> None:
        world = make_world()
        page = open_window(viewport=SMALL)
        enter(page, world.admin, site)
        ADMIN["quarantine"](page, world)

        tabs = page.get_by_role("navigation", name="This list").get_by_role("link").all()
        tops = [round((tab.bounding_box() or {"y": 0})["y"]) for tab in tabs]
        rows = [tops.count(each) for each in dict.fromkeys(tops)]
        assert sum(rows) == 7 and len(rows) == 2 and min(rows) > 1, rows
        assert layout_faults(page) == []
