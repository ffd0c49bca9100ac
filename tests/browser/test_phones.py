"""Phone numbers on a phone: nothing sticks out, in light and dark, and a number reads from left to right on every page."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page

from lists.choices import Accepts, Role
from lists.models import List, Realm, User
from optout.choices import Assurance, Channel, RefusalCause
from optout.evidence import Evidence
from optout.links import make_token
from optout.quarantine import quarantine_optout
from tests import make
from tests.browser.conftest import OpenWindow
from tests.browser.looks import PHONE, SMALL, axe_violations, layout_faults, take_picture
from tests.browser.world import enter

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

NUMBER = "+493023125000"
LONGEST = "+999123456789012"  # fifteen digits, which nobody can dial
TEXTED = "+493023125001"
SAID = "Bitte STOP, ich möchte keine Nachrichten mehr von Ihnen bekommen, auch nicht an Feiertagen"

# Where the digits of a text stand, from the left: in their order, wherever the text around them runs.
_PLACES = """(wanted) => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const at = walker.currentNode.data.indexOf(wanted);
    if (at < 0 || !walker.currentNode.parentElement.checkVisibility()) continue;
    return [...wanted].map((_, n) => {
      const range = document.createRange();
      range.setStart(walker.currentNode, at + n);
      range.setEnd(walker.currentNode, at + n + 1);
      return range.getBoundingClientRect().left;
    });
  }
  return null;
}"""


@pytest.fixture
def realm() -> Realm:
    return make.make_realm(default_region="DE")


@pytest.fixture
def phones(realm: Realm) -> List:
    """Numbers that came in every way, one with a text in Arabic, and one that waits."""
    phones = make.make_list(realm, name="رسائل الحديقة", accepts=Accepts.PHONE)
    for said, number in ((SAID, NUMBER), ("أوقفوا الرسائل STOP", LONGEST)):
        make.make_contact(realm, number, phones, first="Jo", last="Do")
        text(phones, number, said)
    make.make_optout(
        phones,
        "+14155552671",
        channel=Channel.SMS_LINK,
        assurance=Assurance.SIGNED,
        requested_at=timezone.now() - timedelta(days=3),
    )
    make.make_contact(realm, "+201001234567", phones, first="نور")
    evidence = Evidence(extra={"texted": TEXTED, "said": "when does it end"})
    waiting = make.make_intent(
        phones, "+493023125888", channel=Channel.INBOUND_SMS, evidence=evidence
    )
    quarantine_optout(waiting, RefusalCause.UNCLEAR_TEXT)
    return phones


def text(phones: List, number: str, said: str) -> None:
    make.make_optout(
        phones,
        number,
        channel=Channel.INBOUND_SMS,
        assurance=Assurance.API_CREDENTIAL,
        evidence=Evidence(extra={"texted": TEXTED, "said": said}),
        requested_at=timezone.now(),
    )


def reads_from_left_to_right(page: Page, number: str) -> bool:
    places = page.evaluate(_PLACES, number)
    assert places is not None, f"{number} is not on the page"
    return bool(places == sorted(places) and places[0] < places[-1])


class TestPortal:
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_every_screen_with_numbers_fits(
        self, open_window: OpenWindow, alice: User, phones: List, site: str, scheme: str
    ) -> None:
        page = open_window(viewport=PHONE, color_scheme=scheme)
        enter(page, alice, site)
        here = f"/manage/lists/{phones.public_id}"
        screens = {
            "overview": "/manage/",
            "entries": f"{here}/entries",
            "entries-found": f"{here}/entries?q=030+23125000&channel=11&medium=2",
            "check": "/manage/check/?q=030+23125000",
            "check-longest": f"/manage/check/?q=%2B{LONGEST[1:]}",
            "check-short": "/manage/check/?q=88888",
            "contacts": f"{here}/contacts",
            "contacts-add": f"{here}/contacts/add",
            "quarantine": f"{here}/quarantine",
        }
        faults = []
        for name, path in screens.items():
            page.goto(path)
            faults += [f"{name}: {each}" for each in layout_faults(page) + axe_violations(page)]
            take_picture(page, f"phones-{name}-{scheme}", PHONE)
        page.goto(screens["contacts-add"])
        page.get_by_label("Contacts, one a line").fill(f"88888\n030 23125000\n{LONGEST[:-1]}9, Jo")
        page.get_by_role("button", name="Add").click()
        faults += [f"added: {each}" for each in layout_faults(page) + axe_violations(page)]
        take_picture(page, f"phones-added-{scheme}", PHONE)
        assert faults == [], "\n".join(faults)

    def test_numbers_read_from_left_to_right_beside_arabic(
        self, open_window: OpenWindow, alice: User, phones: List, site: str
    ) -> None:
        page = open_window(viewport=PHONE)
        enter(page, alice, site)
        here = f"/manage/lists/{phones.public_id}"

        page.goto(f"{here}/entries")
        assert reads_from_left_to_right(page, LONGEST)
        assert reads_from_left_to_right(page, TEXTED)
        page.goto(f"{here}/contacts")
        assert reads_from_left_to_right(page, "+201001234567")

    def test_masked_ones_too(
        self, open_window: OpenWindow, realm: Realm, phones: List, site: str
    ) -> None:
        viewer = make.make_user("vera@acme.example")
        make.make_member(viewer, realm, Role.VIEWER)
        page = open_window(viewport=SMALL)
        enter(page, viewer, site)

        page.goto(f"/manage/lists/{phones.public_id}/entries")

        assert reads_from_left_to_right(page, "+49 ••• ••00")
        assert layout_faults(page) == []
        take_picture(page, "phones-entries-viewer", SMALL)


class TestRecipient:
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    @pytest.mark.parametrize("language", ["de", "ar"])
    def test_a_number_reads_from_left_to_right_on_the_way_out(
        self, open_window: OpenWindow, phones: List, language: str, scheme: str
    ) -> None:
        page = open_window(viewport=SMALL, color_scheme=scheme)
        fresh = "+493023125777"

        page.goto(f"/u/{phones.public_id}?phone={fresh}&lang={language}")
        assert reads_from_left_to_right(page, fresh)
        faults = layout_faults(page)
        take_picture(page, f"phones-confirm-{language}-{scheme}", SMALL)
        page.locator("main button").click()
        page.wait_for_url("**/done?*")
        assert reads_from_left_to_right(page, fresh)
        faults += layout_faults(page)
        take_picture(page, f"phones-done-{language}-{scheme}", SMALL)
        assert faults == [], "\n".join(faults)

    @pytest.mark.parametrize("language", ["de", "ar"])
    def test_a_masked_one_by_a_signed_link_too(
        self, open_window: OpenWindow, phones: List, language: str
    ) -> None:
        page = open_window(viewport=SMALL)

        page.goto(f"/o/{make_token(phones.pk, NUMBER)}?lang={language}")

        assert reads_from_left_to_right(page, "+49 ••• ••00")
        assert layout_faults(page) == []
        take_picture(page, f"phones-already-{language}", SMALL)

    @pytest.mark.parametrize("language", ["de", "ar"])
    def test_what_was_typed_stays_in_the_field_with_the_reason(
        self, open_window: OpenWindow, phones: List, language: str
    ) -> None:
        page = open_window(viewport=SMALL)
        page.goto(f"/u/{phones.public_id}?lang={language}")
        page.locator("#item").fill("88888")
        page.locator("main button").click()

        assert page.locator("#item").input_value() == "88888"
        assert layout_faults(page) == []
        take_picture(page, f"phones-short-{language}", SMALL)
