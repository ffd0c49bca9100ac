from base64 import b64decode

import pytest
from playwright.sync_api import Page

from lists.models import Logo, Realm
from optout.links import make_token
from optout.preview import STATES
from optout.short_links import TOKEN_LENGTH, short_url
from tests import make
from tests.browser.looks import DESK, PHONE, axe_violations, layout_faults, take_picture
from tests.browser.world import ADMIN, MAILER, SIGNED_OUT, Way, World, enter, make_world

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# A picture of one black pixel.
DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
SCHEMES = ("light", "dark")
STATUS = {
    "not-found": 404,
    "list-settings-wrong": 422,
    "page-wrong": 422,
    "join-wrong": 422,
    "new-list-1-taken": 422,
    "api-settings-wrong": 422,
    "api-password-own-wrong": 422,
    "contacts-added": 422,
    "api-key-form-wrong": 422,
    "global-wrong": 422,
    "global-product-taken": 422,
    "global-form-new-wrong": 422,
    "webhooks-wrong": 422,
    "webhook-form-wrong": 422,
    "notifications-wrong": 422,
    "send-editor-wrong": 422,
    "send-editor-number": 422,
    "sms-wrong": 422,
    "sms-number-wrong": 422,
    "sms-endpoint-wrong": 422,
}


def faults_of_hosted(page: Page, name: str) -> list[str]:
    """What is wrong with the page that is open, in both colour schemes."""
    faults = []
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        faults += [f"{name}, {scheme}: {each}" for each in axe_violations(page)]
        take_picture(page, f"hosted-{name}-{scheme}", DESK, PHONE)
    return faults


def faults_of_screen(page: Page, world: World, name: str, way: Way) -> list[str]:
    """What is wrong with a screen of the portal: in both colour schemes, and on a phone."""
    page.set_viewport_size(DESK)
    way(page, world)
    status = page.evaluate("performance.getEntriesByType('navigation')[0].responseStatus")
    assert status == STATUS.get(name, 200), name
    faults = [f"{name}, desk: {each}" for each in layout_faults(page)]
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        faults += [f"{name}, {scheme}: {each}" for each in axe_violations(page)]
        take_picture(page, f"portal-{name}-{scheme}", DESK, PHONE)
    page.set_viewport_size(PHONE)
    return faults + [f"{name}, phone: {each}" for each in layout_faults(page)]


class TestHostedPages:
    @pytest.mark.parametrize("lang", ["en", "de", "ar"])
    def test_axe_finds_nothing_in_any_state(self, page: Page, realm: Realm, lang: str) -> None:
        optout_list = make.make_list(
            realm,
            colour="#0b6e67",
            contact="care@acme.example",
            privacy_url="https://acme.example/privacy",
            own_texts={"message": {"en": "You can also choose: https://acme.example/choose"}},
        )
        Logo.objects.create(
            realm=realm, image=b64decode(DOT), media_type="image/png", width=120, height=40
        )
        faults = []
        for state in STATES:
            page.goto(f"/u/{optout_list.public_id}/preview?state={state}&lang={lang}")
            faults += faults_of_hosted(page, f"{state}-{lang}")
        assert faults == [], "\n".join(faults)

    @pytest.mark.parametrize("lang", ["en", "ar"])
    def test_axe_finds_nothing_on_the_way_of_a_reader(
        self, page: Page, realm: Realm, lang: str
    ) -> None:
        optout_list = make.make_list(realm)
        page.goto(f"/u/{optout_list.public_id}?lang={lang}")
        faults = faults_of_hosted(page, f"real-form-{lang}")
        page.goto(f"/u/{optout_list.public_id}?item=jane@example.com&lang={lang}")
        faults += faults_of_hosted(page, f"real-confirm-{lang}")
        page.get_by_role("main").get_by_role("button").click()
        page.wait_for_url("**/done?*")
        faults += faults_of_hosted(page, f"real-done-{lang}")
        page.goto(f"/o/{make_token(optout_list.pk, 'jane@example.com')}?lang={lang}")
        faults += faults_of_hosted(page, f"real-already-{lang}")
        page.goto(f"/o/broken?lang={lang}")
        faults += faults_of_hosted(page, f"real-broken-{lang}")
        assert faults == [], "\n".join(faults)

    @pytest.mark.parametrize("lang", ["en", "de", "ar"])
    def test_axe_finds_nothing_on_the_way_from_a_text_message(
        self, page: Page, realm: Realm, lang: str
    ) -> None:
        optout_list = make.make_list(realm, colour="#0b6e67", contact="care@acme.example")
        own_path = f"/s/{short_url(optout_list.pk, '+14155552671')[-TOKEN_LENGTH:]}?lang={lang}"
        page.goto(f"/s/{optout_list.public_id}?lang={lang}")
        faults = faults_of_hosted(page, f"texts-form-{lang}")
        page.goto(own_path)
        faults += faults_of_hosted(page, f"texts-{lang}")
        page.get_by_role("button").first.click()
        page.wait_for_url("**/done?*")
        faults += faults_of_hosted(page, f"texts-done-{lang}")
        page.goto(own_path)
        faults += faults_of_hosted(page, f"texts-already-{lang}")
        assert faults == [], "\n".join(faults)

    @pytest.mark.parametrize("colour", ["#ffe600", "#777777", "#000000", "#ffffff"])
    def test_any_colour_of_an_owner_keeps_the_button_readable(
        self, page: Page, realm: Realm, colour: str
    ) -> None:
        optout_list = make.make_list(realm, colour=colour)
        page.goto(f"/u/{optout_list.public_id}/preview?state=confirm")

        assert faults_of_hosted(page, f"confirm-{colour[1:]}") == []


class TestPortal:
    @pytest.fixture
    def world(self, db: None) -> World:
        return make_world()

    def test_every_screen_before_signing_in(self, page: Page, world: World) -> None:
        faults = []
        for name, way in SIGNED_OUT.items():
            faults += faults_of_screen(page, world, name, way)
        assert faults == [], "\n".join(faults)

    @pytest.mark.parametrize("part", range(4))
    def test_every_screen_of_an_admin(self, page: Page, world: World, site: str, part: int) -> None:
        enter(page, world.admin, site)
        faults = []
        for name in list(ADMIN)[part::4]:
            faults += faults_of_screen(page, world, name, ADMIN[name])
        assert faults == [], "\n".join(faults)

    def test_every_screen_of_a_mailer(self, page: Page, world: World, site: str) -> None:
        enter(page, world.mailer, site)
        faults = []
        for name, way in MAILER.items():
            faults += faults_of_screen(page, world, name, way)
        assert faults == [], "\n".join(faults)
