"""The built-in form of the Global Unsubscribe, as people meet it."""

from collections.abc import Callable
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, expect

from lists.models import List, Realm
from optout.channels.global_unsubscribe.preview import STATES
from optout.models import GlobalLine, OptOut, Suppression
from tests import make
from tests.browser.conftest import OpenWindow
from tests.browser.looks import PHONE, SMALL, layout_faults, take_picture, visible_words
from tests.browser.origins import Origin, html
from tests.browser.test_accessibility import faults_of_hosted
from tests.browser.test_layout import LATIN, LONG, LONG_ADDRESS
from tests.browser.test_privacy import check_cost

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

JANE, NUMBER = "jane@example.com", "+1 415 555 2671"
FORM = "/unsubscribe/unsubscribe"
ALL = {
    "fields": "email,phoneNumber,customField1,customField2,customField3",
    "fieldLabel[customField1]": "Country",
    "fieldLabel[customField2]": "City",
    "fieldLabel[customField3]": "Reason",
}
LONG_LABELS = {**ALL, **{name: LONG for name in ALL if "Label" in name}}


@pytest.fixture
def dnm(realm: Realm) -> List:
    """The Do Not Mail of a realm with its Global Unsubscribe switched on."""
    make.make_global_unsubscribe(realm)
    List.objects.filter(realm=realm).update(
        colour="#0b6e67", contact="care@acme.example", privacy_url="https://acme.example/privacy"
    )
    return make.do_not_mail(realm)


def preview_path(realm: Realm, state: str, lang: str = "en", **parameters: str) -> str:
    query = urlencode({"state": state, "lang": lang, **parameters})
    return f"/g/{realm.global_unsubscribe.key}/unsubscribe/preview?{query}"


@pytest.mark.usefixtures("dnm")
class TestLooks:
    @pytest.mark.parametrize("lang", ["en", "de", "ar"])
    def test_axe_finds_nothing_in_any_state(self, page: Page, realm: Realm, lang: str) -> None:
        faults = []
        for state in STATES:
            for name, given in (("", {}), ("-all", {**ALL, "website": "shop.example"})):
                page.goto(preview_path(realm, state, lang, **given))
                faults += faults_of_hosted(page, f"global-{state}{name}-{lang}")
        assert faults == [], "\n".join(faults)

    def test_axe_finds_nothing_on_the_way_of_a_reader(self, page: Page) -> None:
        page.goto(f"{FORM}?{urlencode(ALL)}")
        page.get_by_label("Email address").fill("jane@example")
        page.get_by_label("Phone number").fill("12")
        page.get_by_role("button", name="Unsubscribe").click()
        expect(page.get_by_role("alert")).to_be_visible()
        faults = faults_of_hosted(page, "global-wrong")
        page.get_by_label("Email address").fill(JANE)
        page.get_by_label("Phone number").fill(NUMBER)
        page.get_by_role("button", name="Unsubscribe").click()
        page.wait_for_url("**/done?*")
        faults += faults_of_hosted(page, "global-really-done")
        page.get_by_role("button", name="Undo").click()
        page.wait_for_url("**undone=1")
        faults += faults_of_hosted(page, "global-undone")
        page.go_back()
        expect(page.get_by_role("heading", level=1)).to_have_text("Your request was taken back")
        assert faults == [], "\n".join(faults)

    @pytest.mark.parametrize("lang", ["en", "de", "ar"])
    def test_every_state_fits_into_320_pixels(
        self, open_window: OpenWindow, realm: Realm, lang: str
    ) -> None:
        page, faults = open_window(viewport=SMALL), []
        realm.sender_name = f"Erste {LONG}"
        realm.save(update_fields=["sender_name"])
        given = {**LONG_LABELS, "email": LONG_ADDRESS, "website": f"{LONG.lower()}.example"}
        for state in STATES:
            page.goto(preview_path(realm, state, lang, **given))
            faults += [f"{state}: {each}" for each in layout_faults(page)]
            take_picture(page, f"small-global-{state}-{lang}", SMALL)
        assert faults == [], "\n".join(faults)

    def test_the_usual_form_can_be_sent_without_scrolling_on_a_phone(
        self, open_window: OpenWindow
    ) -> None:
        page = open_window(viewport=PHONE)
        page.goto(FORM)

        expect(page.get_by_role("button", name="Unsubscribe")).to_be_in_viewport(ratio=1)

    def test_text_of_twice_the_size_still_fits(self, open_window: OpenWindow) -> None:
        """WCAG 1.4.4: the reader's browser is set to 32-pixel letters."""
        page = open_window(viewport=PHONE)
        session = page.context.new_cdp_session(page)
        page.goto(f"{FORM}?{urlencode(ALL)}")
        session.send("Page.setFontSizes", {"fontSizes": {"standard": 32}})
        page.reload()

        assert layout_faults(page) == []

    @pytest.mark.parametrize("lang", ["ar", "de"])
    def test_no_state_says_a_word_in_english(self, page: Page, realm: Realm, lang: str) -> None:
        labels = {name: "Страна" if "Label" in name else each for name, each in ALL.items()}
        found = []
        for state in STATES:
            page.goto(preview_path(realm, state, "en", **labels))
            english = {each for each in visible_words(page).splitlines() if LATIN.search(each)}
            page.goto(preview_path(realm, state, lang, **labels))
            words = visible_words(page)
            for name in ("Acme Garden", "care@acme.example", "name@example.com"):
                words = words.replace(name, "")
            found += LATIN.findall(words) if lang == "ar" else []
            found += english & set(words.splitlines())
        assert found == []


@pytest.mark.usefixtures("dnm")
class TestCost:
    def test_each_page_is_one_small_document(self, page: Page, realm: Realm) -> None:
        given = {**ALL, "website": "shop.example"}
        for state in STATES:
            check_cost(page.goto(preview_path(realm, state, **given)))
        check_cost(page.goto(f"{FORM}?{urlencode({**given, 'email': JANE})}"))


@pytest.mark.usefixtures("dnm")
class TestWithoutJavaScript:
    @pytest.fixture
    def page(self, open_window: OpenWindow) -> Page:
        return open_window(java_script_enabled=False)

    def test_the_form_and_its_undo(self, page: Page) -> None:
        page.goto(f"{FORM}?{urlencode({**ALL, 'website': 'shop.example'})}")
        page.get_by_label("Email address").fill(JANE)
        page.get_by_label("Phone number").fill(NUMBER)
        page.get_by_label("City").fill("Lima")
        page.get_by_role("button", name="Unsubscribe").click()

        expect(page.get_by_role("heading", level=1)).to_have_text("You successfully unsubscribed")
        expect(page.get_by_text(JANE)).to_be_visible()
        assert Suppression.objects.count() == 2
        line = GlobalLine.objects.get()
        assert (line.website, line.custom2) == ("shop.example", "Lima")

        page.get_by_role("button", name="Undo").click()

        expect(page.get_by_role("heading", name="Your request was taken back")).to_be_visible()
        assert not Suppression.objects.exists()
        page.get_by_role("link", name="Unsubscribe again").click()
        expect(page.get_by_label("Email address")).to_be_visible()

    def test_an_error_leads_to_its_field_and_keeps_what_was_typed(self, page: Page) -> None:
        page.goto(f"{FORM}?{urlencode(ALL)}")
        page.get_by_label("Country").fill("Peru")
        page.get_by_role("button", name="Unsubscribe").click()

        alert = page.get_by_role("alert")
        expect(alert).to_contain_text("Enter your email address or your phone number")
        expect(page.get_by_label("Country")).to_have_value("Peru")
        alert.get_by_role("link").click()
        page.keyboard.type(JANE)
        expect(page.get_by_label("Email address")).to_have_value(JANE)
        assert not OptOut.objects.exists()

    def test_the_chosen_language_and_what_the_link_said_are_kept(self, page: Page) -> None:
        given = {**ALL, "website": "shop.example", "email": JANE}
        page.goto(f"{FORM}?{urlencode(given)}")
        page.get_by_role("button", name="العربية").click()

        expect(page.locator("html")).to_have_attribute("dir", "rtl")
        expect(page.get_by_label("Country")).to_be_visible()
        page.get_by_role("button", name="إلغاء الاشتراك").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("تم إلغاء اشتراكك بنجاح")
        assert GlobalLine.objects.get().website == "shop.example"
        assert OptOut.objects.get().address == JANE


@pytest.mark.usefixtures("dnm")
class TestAnotherSitesForm:
    def test_its_visitor_presses_the_button_once_more(
        self, page: Page, site: str, open_origin: Callable[..., Origin]
    ) -> None:
        """AT-02; and what the other site's form said is kept."""
        given = {"email": JANE, "website": "shop.example", "pubID": "p1"}
        inputs = "".join(f'<input name="{name}" value="{given[name]}">' for name in given)
        form = f'<form method="post" action="{site}{FORM}">{inputs}<button>Stop</button></form>'
        page.goto(open_origin(lambda _path: html(form)).url)
        page.get_by_role("button", name="Stop").click()

        expect(page.get_by_role("alert")).to_contain_text("Another website sent you here")
        assert not OptOut.objects.exists()
        page.get_by_role("button", name="Unsubscribe").click()

        expect(page.get_by_role("heading", level=1)).to_have_text("You successfully unsubscribed")
        line = GlobalLine.objects.get()
        assert (line.email, line.website, line.publisher) == (JANE, "shop.example", "p1")
