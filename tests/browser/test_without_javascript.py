import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from lists.choices import DirectLinkMode
from lists.models import List, User
from optout.models import OptOut, StatedReason, Suppression
from reporting.models import DeliveryState, TextMessage, WebhookDelivery
from reporting.send_editor.texts import LIST_ONLY
from tests.browser.conftest import OpenWindow
from tests.browser.world import enter
from tests.make import PASSWORD
from tests.reporting.send_editor.making import ANNA, subscribe

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

ADDRESS = "jane@example.com"


@pytest.fixture
def page(open_window: OpenWindow) -> Page:
    return open_window(java_script_enabled=False)


class TestHostedPages:
    def test_the_form_and_its_undo(self, page: Page, optout_list: List) -> None:
        page.goto(f"/u/{optout_list.public_id}")
        page.get_by_label("Email address").fill(ADDRESS)
        page.get_by_role("button", name="Unsubscribe").click()
        expect(page.get_by_role("heading", name="You are unsubscribed")).to_be_visible()
        assert Suppression.objects.get().address == ADDRESS

        page.get_by_role("button", name="Undo").click()

        expect(page.get_by_role("heading", name="Your request was taken back")).to_be_visible()
        assert not Suppression.objects.exists()

    def test_the_confirm_page(self, page: Page, optout_list: List) -> None:
        page.goto(f"/u/{optout_list.public_id}?item={ADDRESS}")
        assert not OptOut.objects.exists()

        page.get_by_role("button", name="Yes, unsubscribe").click()

        expect(page.get_by_role("heading", name="You are unsubscribed")).to_be_visible()
        assert Suppression.objects.get().address == ADDRESS

    def test_the_instant_link(self, page: Page, optout_list: List) -> None:
        optout_list.direct_link_mode = DirectLinkMode.INSTANT
        optout_list.save(update_fields=["direct_link_mode"])

        page.goto(f"/u/{optout_list.public_id}?item={ADDRESS}")

        expect(page.get_by_role("button", name="Undo")).to_be_visible()
        assert Suppression.objects.get().address == ADDRESS

    def test_another_language_a_slip_and_a_reason(self, page: Page, optout_list: List) -> None:
        page.goto(f"/u/{optout_list.public_id}?item=jane@gmial.com")
        page.get_by_role("button", name="Deutsch").click()
        expect(page.locator("html")).to_have_attribute("lang", "de")
        page.get_by_role("button", name="English").click()
        page.get_by_role("button", name="Yes, unsubscribe").click()
        expect(page.get_by_text("Did you mean jane@gmail.com?")).to_be_visible()
        page.get_by_role("button", name="Yes, unsubscribe").click()
        page.get_by_role("button", name="I never signed up").click()

        expect(page.get_by_text("Thank you.")).to_be_visible()
        found = Suppression.objects.order_by("address").values_list("address", flat=True)
        assert list(found) == ["jane@gmail.com", "jane@gmial.com"]
        assert StatedReason.objects.get().reason == "never_signed_up"

    def test_a_mistyped_address_is_kept(self, page: Page, optout_list: List) -> None:
        page.goto(f"/u/{optout_list.public_id}")
        page.get_by_label("Email address").fill("jane@example")
        page.get_by_role("button", name="Unsubscribe").click()

        expect(page.get_by_role("alert")).to_contain_text("There is a problem")
        expect(page.get_by_label("Email address")).to_have_value("jane@example")


class TestPortal:
    def test_signing_in_the_lists_and_saving_settings(
        self, page: Page, alice: User, optout_list: List
    ) -> None:
        page.goto("/manage/")
        page.get_by_label("Email").fill(alice.email)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", name="Overview")).to_be_visible()

        page.get_by_role("link", name="Lists", exact=True).click()
        row = page.get_by_role("row", name="Garden letters")
        row.get_by_role("link", name="Edit").click()
        page.get_by_label("Name", exact=True).fill("Garden news")
        page.get_by_role("button", name="Save").click()

        expect(page.get_by_text("Saved.")).to_be_visible()
        optout_list.refresh_from_db()
        assert optout_list.name == "Garden news"

    def test_a_webhook_is_made_tested_and_its_log_read(
        self, page: Page, alice: User, site: str
    ) -> None:
        enter(page, alice, site)
        page.goto("/manage/webhooks/")
        page.get_by_role("link", name="Make the first endpoint").click()
        page.get_by_label("URL").fill("https://crm.example.com/heed")
        page.get_by_role("button", name="Make the endpoint").click()
        expect(page.get_by_text("whsec_")).to_be_visible()
        page.get_by_role("link", name="I have copied it").click()

        page.get_by_role("button", name="Send test").click()
        expect(page.get_by_text("Queued")).to_be_visible()
        end = {"state": DeliveryState.FAILED, "failure": "refused", "tried_at": timezone.now()}
        WebhookDelivery.objects.update(**end)
        page.get_by_role("link", name="Reload").click()

        page.get_by_text("test@example.com").first.click()
        expect(page.get_by_text("The connection was refused.")).to_be_visible()
        expect(page.get_by_text('"type":"webhook.test"')).to_be_visible()

    def test_text_messages_are_set_up(self, page: Page, alice: User, site: str) -> None:
        enter(page, alice, site)
        page.goto("/manage/settings/sms/")
        page.get_by_role("link", name="Add the first number").click()
        page.get_by_label("Number").fill("(800) 555-0199")
        page.get_by_role("button", name="Add the number").click()
        expect(page.get_by_text("The number +18005550199 is there.")).to_be_visible()

        page.get_by_role("link", name="Make the first endpoint").click()
        page.get_by_role("button", name="Make the endpoint").click()
        expect(page.get_by_text("whsec_")).to_be_visible()
        page.get_by_role("link", name="I have copied it").click()
        expect(page.get_by_text("Nothing came in yet")).to_be_visible()

    def test_what_can_be_copied_can_be_read_and_no_dead_button_is_shown(
        self, page: Page, alice: User, optout_list: List, site: str
    ) -> None:

        enter(page, alice, site)
        page.goto(f"/manage/lists/{optout_list.public_id}/service")

        expect(page.get_by_text(f"{site}/u/{optout_list.public_id}", exact=True)).to_be_visible()
        expect(page.get_by_role("button", name="Copy")).to_have_count(0)


class TestSendEditor:
    def test_from_the_list_to_the_message(
        self, page: Page, alice: User, optout_list: List, site: str
    ) -> None:
        subscribe(optout_list, [ANNA])
        enter(page, alice, site)
        page.goto("/manage/send/")
        page.get_by_label("Select List").select_option(optout_list.public_id)
        page.get_by_label("Message", exact=True).fill("Sale!")
        page.get_by_role("button", name="Opt-out link").click()
        expect(page.get_by_label("Message", exact=True)).to_have_value("Sale! {optout}")
        page.get_by_role("button", name="Preview and count").click()
        expect(page.get_by_text(f"To {ANNA}")).to_be_visible()
        page.get_by_role("button", name="Send…").click()
        page.get_by_role("button", name="Send to 1 recipient").click()

        expect(page.get_by_text("Being sent")).to_be_visible()
        assert TextMessage.objects.get().text == "Sale! {optout}"

    def test_a_single_number(self, page: Page, alice: User, optout_list: List, site: str) -> None:
        enter(page, alice, site)
        page.goto("/manage/send/")
        page.get_by_label("A single number").check()
        page.get_by_label("Phone number").fill(ANNA)
        page.get_by_role("button", name="Preview and count").click()

        expect(page.get_by_role("button", name="Opt-out link")).to_be_disabled()
        expect(page.get_by_text(str(LIST_ONLY))).to_be_visible()
