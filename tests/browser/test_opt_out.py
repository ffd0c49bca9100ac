import pytest
from playwright.sync_api import Page, expect

from lists.models import List
from optout.choices import Channel, Kind
from optout.models import OptOut, Suppression

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def kinds() -> list[int]:
    return list(OptOut.objects.order_by("id").values_list("kind", flat=True))


def opt_out(page: Page, optout_list: List, address: str = "Jane.Doe+news@Example.com") -> None:
    """Type and press, up to the done page."""
    page.goto(f"/u/{optout_list.public_id}")
    page.get_by_label("Email address").fill(address)
    page.get_by_role("button", name="Unsubscribe").click()
    expect(page.get_by_role("heading", name="You are unsubscribed")).to_be_visible()


class TestForm:
    def test_opening_the_page_changes_nothing(self, page: Page, optout_list: List) -> None:
        page.goto(f"/u/{optout_list.public_id}")

        expect(page.get_by_role("heading", level=1)).to_have_text("Unsubscribe from Garden letters")
        assert not OptOut.objects.exists()

    def test_typing_an_address_and_pressing_the_button_unsubscribes(
        self, page: Page, optout_list: List
    ) -> None:
        opt_out(page, optout_list)

        expect(page.get_by_text("jane.doe+news@example.com")).to_be_visible()
        suppression = Suppression.objects.get()
        assert suppression.address == "jane.doe+news@example.com"
        assert suppression.optout_list_id == optout_list.pk
        row = OptOut.objects.get()
        assert (row.kind, row.channel) == (Kind.OPT_OUT, Channel.PAGE)

    def test_the_enter_key_is_enough(self, page: Page, optout_list: List) -> None:
        page.goto(f"/u/{optout_list.public_id}")
        page.get_by_label("Email address").fill("jane@example.com")
        page.keyboard.press("Enter")

        expect(page.get_by_role("heading", name="You are unsubscribed")).to_be_visible()
        assert Suppression.objects.get().address == "jane@example.com"

    def test_everything_from_the_sender_can_be_stopped_too(
        self, page: Page, optout_list: List
    ) -> None:
        page.goto(f"/u/{optout_list.public_id}")
        page.get_by_label("Email address").fill("jane@example.com")
        page.get_by_label("Also stop everything else from Acme Garden").check()
        page.get_by_role("button", name="Unsubscribe").click()

        expect(page.get_by_text("nothing more from Acme Garden")).to_be_visible()
        assert {each.optout_list.number for each in Suppression.objects.all()} == {0, 1}

    def test_a_mistyped_address_is_kept_and_the_error_leads_to_it(
        self, page: Page, optout_list: List
    ) -> None:
        page.goto(f"/u/{optout_list.public_id}")
        page.get_by_label("Email address").fill("jane@example")
        page.get_by_role("button", name="Unsubscribe").click()

        alert = page.get_by_role("alert")
        expect(alert).to_contain_text("There is a problem")
        alert.get_by_role("link").click()
        field = page.get_by_label("Email address")
        expect(field).to_be_focused()
        expect(field).to_have_value("jane@example")
        assert not OptOut.objects.exists()


class TestDonePage:
    def test_reloading_it_adds_nothing(self, page: Page, optout_list: List) -> None:
        opt_out(page, optout_list)

        page.reload()

        expect(page.get_by_role("heading", name="You are unsubscribed")).to_be_visible()
        assert kinds() == [Kind.OPT_OUT]

    def test_going_back_and_forth_adds_nothing(self, page: Page, optout_list: List) -> None:
        opt_out(page, optout_list)

        page.go_back()
        expect(page.get_by_role("button", name="Unsubscribe")).to_be_visible()
        page.go_forward()

        expect(page.get_by_role("heading", name="You are unsubscribed")).to_be_visible()
        assert kinds() == [Kind.OPT_OUT]

    def test_undo_takes_the_opt_out_back(self, page: Page, optout_list: List) -> None:
        opt_out(page, optout_list)

        page.get_by_role("button", name="Undo").click()

        expect(page.get_by_role("heading", name="Your request was taken back")).to_be_visible()
        assert not Suppression.objects.exists()
        assert kinds() == [Kind.OPT_OUT, Kind.LIFT]

    def test_reloading_the_undone_page_adds_nothing(self, page: Page, optout_list: List) -> None:
        opt_out(page, optout_list)
        page.get_by_role("button", name="Undo").click()
        expect(page.get_by_role("heading", name="Your request was taken back")).to_be_visible()

        page.reload()

        expect(page.get_by_role("heading", name="Your request was taken back")).to_be_visible()
        assert kinds() == [Kind.OPT_OUT, Kind.LIFT]

    def test_the_done_page_switches_its_language(self, page: Page, optout_list: List) -> None:
        opt_out(page, optout_list)

        page.get_by_role("button", name="Deutsch").click()

        expect(page.get_by_role("heading", name="Sie sind abgemeldet")).to_be_visible()
        assert kinds() == [Kind.OPT_OUT]
        page.get_by_role("button", name="Rückgängig").click()
        expect(page.get_by_role("heading", name="Ihre Abmeldung wurde")).to_be_visible()
        assert kinds() == [Kind.OPT_OUT, Kind.LIFT]
