from hashlib import md5

import pytest
from playwright.sync_api import Page, expect

from lists.models import List, User
from optout.models import Suppression
from tests.browser.conftest import OpenWindow
from tests.browser.world import enter
from tests.make import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

ADDRESS = "jane@example.com"
CLIPBOARD = ["clipboard-read", "clipboard-write"]


def sign_in(page: Page, user: User) -> None:
    """At the front door."""
    page.goto("/manage/")
    page.get_by_label("Email").fill(user.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()


def make_list(page: Page, name: str) -> None:
    """In three steps, up to its Service page."""
    page.get_by_role("link", name="New list").first.click()
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("group", name="Direct link")).to_be_visible()
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("Thank-you text").fill("Sorry to see you go.")
    page.get_by_role("button", name="Make the list").click()
    expect(page.get_by_role("heading", name="Service", level=1)).to_be_visible()


def copied(page: Page, label: str = "") -> str:
    """What the first Copy button, or the one of that label, puts into the clipboard."""
    page.get_by_role("button", name=f"Copy {label}".strip()).first.click()
    expect(page.get_by_role("button", name="Copied").first).to_be_visible()
    return str(page.evaluate("navigator.clipboard.readText()"))


class TestFirstSlice:
    def test_a_recipient_opts_out_the_owner_sees_it_and_the_mailers_file_shows_it(
        self, page: Page, open_window: OpenWindow, alice: User
    ) -> None:
        page.context.grant_permissions(CLIPBOARD)
        sign_in(page, alice)
        make_list(page, "Autumn letters")
        hosted_link = copied(page)
        assert "/u/" in hosted_link

        recipient = open_window()
        recipient.goto(hosted_link)
        recipient.get_by_label("Email address").fill(ADDRESS)
        recipient.get_by_role("button", name="Unsubscribe").click()
        expect(recipient.get_by_text("Sorry to see you go.")).to_be_visible()

        page.get_by_role("link", name="Entries").click()
        row = page.get_by_role("row", name=ADDRESS)
        expect(row).to_contain_text("Hosted page")
        expect(row).to_contain_text("New")

        page.get_by_label("Check an address").fill(f"  {ADDRESS.upper()} ")
        page.get_by_label("Check an address").press("Enter")
        expect(page.get_by_role("row", name="Autumn letters")).to_contain_text("Suppressed")
        expect(page.get_by_role("row", name="Do Not Mail")).to_contain_text("Not suppressed")

        page.goto(hosted_link.replace("/u/", "/manage/lists/") + "/access")
        page.get_by_label("Label").fill("Nightly job")
        page.get_by_role("button", name="Make the key").click()
        address_with_key = copied(page, "Address with the key")

        answer = open_window().request.get(address_with_key)
        assert answer.status == 200
        assert answer.text().split() == [md5(ADDRESS.encode(), usedforsecurity=False).hexdigest()]
        page.get_by_role("link", name="I have copied it").click()
        log = page.get_by_role("table", name="Access log")
        expect(log.get_by_role("row", name="Nightly job")).to_contain_text("127.0.0.1")

    def test_undoing_in_the_portal_needs_a_reason_and_ends_the_suppression(
        self, page: Page, alice: User, optout_list: List, site: str, open_window: OpenWindow
    ) -> None:
        recipient = open_window()
        recipient.goto(f"/u/{optout_list.public_id}?item={ADDRESS}")
        recipient.get_by_role("button", name="Yes, unsubscribe").click()
        expect(recipient.get_by_role("button", name="Undo")).to_be_visible()
        enter(page, alice, site)
        page.goto(f"/manage/lists/{optout_list.public_id}/entries")

        page.get_by_role("link", name="Lift").click()
        page.get_by_role("textbox", name="Why").fill("She asked for it by telephone.")
        page.get_by_role("button", name="Lift").click()

        expect(page.get_by_text("The suppression is lifted.")).to_be_visible()
        assert not Suppression.objects.exists()


class TestWhitelist:
    def test_an_impossible_address_is_refused_by_name_and_what_was_typed_is_kept(
        self, page: Page, alice: User, optout_list: List, site: str
    ) -> None:
        """S0.14"""
        enter(page, alice, site)
        page.goto(f"/manage/lists/{optout_list.public_id}/settings")
        page.get_by_label("IP whitelist").fill("192.0.2.10, 333.333.333.333")
        page.get_by_label("Name", exact=True).fill("Garden news")
        page.get_by_role("button", name="Save").click()

        alert = page.get_by_role("alert")
        expect(alert).to_contain_text("333.333.333.333")
        field = page.get_by_label("IP whitelist")
        expect(field).to_have_value("192.0.2.10, 333.333.333.333")
        expect(page.get_by_label("Name", exact=True)).to_have_value("Garden news")
        alert.get_by_role("link").click()
        expect(field).to_be_focused()
        optout_list.refresh_from_db()
        assert (optout_list.whitelist, optout_list.name) == ([], "Garden letters")

    def test_a_good_one_is_saved_and_shown_one_a_line(
        self, page: Page, alice: User, optout_list: List, site: str
    ) -> None:
        enter(page, alice, site)
        page.goto(f"/manage/lists/{optout_list.public_id}/settings")
        page.get_by_label("IP whitelist").fill("192.0.2.10,, 2001:db8::7")
        page.get_by_role("button", name="Save").click()

        expect(page.get_by_text("Saved.")).to_be_visible()
        expect(page.get_by_label("IP whitelist")).to_have_value("192.0.2.10\n2001:db8::7")


class TestSigningIn:
    def test_a_wrong_password_says_so_and_lets_nobody_in(self, page: Page, alice: User) -> None:
        page.goto("/manage/")
        page.get_by_label("Email").fill(alice.email)
        page.get_by_label("Password").fill("a wrong password")
        page.get_by_role("button", name="Sign in").click()

        expect(page.get_by_role("alert")).to_contain_text("There is a problem")
        expect(page.get_by_label("Email")).to_have_value(alice.email)

    def test_signing_out_closes_the_portal(self, page: Page, alice: User, site: str) -> None:
        enter(page, alice, site)
        page.goto("/manage/")
        page.get_by_text("Alice", exact=True).click()
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("heading", name="This is Heed")).to_be_visible()

        page.goto("/manage/lists/")

        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
